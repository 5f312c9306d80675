"""What a drain holds: the messages it has claimed and not begun, how many more it may claim, and when it looks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from common import limits
from sms import routing
from sms.models import Message, MessageKind
from sms.sending import planning, reach, refusals
from sms.sending.answer_queue import LOOK_EVERY
from sms.sending.job import Job
from sms.sending.patience import Patience
from sms.sending.records import give_back

_FULL_LANE = limits.SMS_BATCH // 2  # jobs of a lane that wait for a place: with more, none of it are claimed
_ELSEWHERE = 5.0  # seconds for which lanes that another process has to send are not claimed


class Claims:
    """Belongs to one drain. `waiting`: jobs that are claimed and not being sent: at most `batch`, besides full lanes.
    `count`: the messages claimed so far. `kept`: jobs that wait for a row that somebody else has locked: they are not
    given back."""

    def __init__(self, batch: int, patience: Patience, kept: Collection[Job]) -> None:
        self.batch, self._patience, self._kept = batch, patience, kept
        self.waiting: list[Job] = []
        self.count = 0
        self._look_again_at, self._look_for_codes_at = 0.0, time.monotonic() + LOOK_EVERY
        self._full_lanes: set[tuple[str, str]] = set()  # at the last claim
        self._counts_binds = any(gateway.binds is not None for gateway in routing.configured())
        self._elsewhere: dict[tuple[str, str], float] = {}  # lanes that are another process's, each until when

    def claim(self, *, idle: bool) -> bool:
        """Claim messages if there is room and it is time; returns whether any were due. `idle`: no call is under
        way."""
        now, room = time.monotonic(), self._room()
        if room * 2 < self.batch:
            return self._claim_codes(now)
        if not self._is_time(now, idle):
            return False
        rows = self._patience.run(partial(planning.claim, room, self._skipped()))
        self._looked(len(rows), room)
        self.add(rows)
        return bool(rows)

    def may_lock(self, *, idle: bool) -> bool:
        """Whether messages may be claimed in the transaction that begins them: it is time, nothing waits that has to go
        first, and no line or bind of a gateway has to be asked for in between."""
        is_time = self._is_time(time.monotonic(), idle)
        return is_time and not (self.waiting or self._counts_binds or self._patience.run(planning.is_paced))

    def lock(self, now: datetime, answered: Collection[int]) -> list[Job]:
        """Lock messages that are due at `now`; returns their jobs, which wait now.

        `answered`: messages about which an answer is written in the same transaction. If they are due, their lease has
        lapsed, but nobody else has claimed them: they are still ours, and not begun anew.
        """
        rows = planning.lock_due(self.batch, now)
        self._looked(len(rows), self.batch)
        self.add([row for row in rows if row.pk not in answered])
        return list(self.waiting)

    def add(self, rows: Sequence[Message]) -> None:
        """Hold `rows`, which are claimed."""
        self.count += len(rows)
        self.waiting += self._patience.run(partial(planning.jobs_of, rows))

    def in_order(self, again: list[Job]) -> None:
        """Put the jobs in their order, with those that are to be tried again before others of their kind; but those
        that were refused more than once behind these."""
        if again or len(self.waiting) > 1:
            behind = refusals.behind()
            self.waiting = sorted(
                again + self.waiting, key=lambda job: (job.message.priority, job.message.pk in behind)
            )

    def give_back_the_late(self, held: float) -> bool:
        """Give back jobs that have waited for a slow gateway for `held` seconds: codes queued meanwhile go first.
        Returns whether there were any."""
        now = time.monotonic()
        late = [job for job in self.waiting if now - job.claimed >= held and job not in self._kept]
        if late:
            self._give_back(late)
        return bool(late)

    def leave_to_others(self) -> None:
        """Give back jobs that another process has to send, and claim none of their lanes for a while."""
        if others := [job for job in self.waiting if self.is_elsewhere(job)]:
            self._give_back(others)
            self._elsewhere |= {planning.lane(job): time.monotonic() + _ELSEWHERE for job in others}

    def is_elsewhere(self, job: Job) -> bool:
        """Whether another process has to send `job`."""
        if self._counts_binds and job not in self._kept:
            job.elsewhere = self._patience.run(partial(reach.is_elsewhere, job))
        return job.elsewhere

    def _give_back(self, jobs: Collection[Job]) -> None:
        self._patience.run(lambda: give_back(list(jobs)))
        self.waiting = [job for job in self.waiting if job not in jobs]

    def _is_time(self, now: float, idle: bool) -> bool:
        return (idle and not self.waiting) or now >= self._look_again_at

    def _looked(self, found: int, room: int) -> None:
        if found < room:
            self._look_again_at = time.monotonic() + LOOK_EVERY

    def _claim_codes(self, now: float) -> bool:
        """Claim codes although enough other messages wait: they go before these."""
        room = self.batch - sum(job.message.kind == MessageKind.CODE for job in self.waiting)
        if room <= 0 or now < self._look_for_codes_at:
            return False
        self._look_for_codes_at = now + LOOK_EVERY
        rows = self._patience.run(partial(planning.claim, room, self._skipped(), only_codes=True))
        self.add(rows)
        return bool(rows)

    def _skipped(self) -> set[tuple[str, str]]:
        """The lanes of which nothing is claimed now."""
        now = time.monotonic()
        return self._full_lanes | {lane for lane, until in self._elsewhere.items() if now < until}

    def _room(self) -> int:
        """How many messages may be claimed. Messages in a full lane do not count, so that they leave room for others;
        no more of that lane are claimed until most of them are sent."""
        waiting = Counter(map(planning.lane, self.waiting))
        full = {lane for lane, count in waiting.items() if count > _FULL_LANE}
        if self._full_lanes - full:
            self._look_again_at = 0.0
        self._full_lanes = full
        return self.batch - sum(count for lane, count in waiting.items() if lane not in full)
