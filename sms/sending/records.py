"""Writes the attempts and outcomes of many calls in one transaction.

Only messages whose lease is still this drain's are written (compare-and-set). Nearly all answers are acceptances: one
statement writes them and looks for the lease itself. For everything else the rows are locked first; what an outcome
means for its message is in `sms.sending.outcomes`.
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from common import limits
from sms.gateways import base
from sms.models import Attempt, Message, MessageState
from sms.sending import outcomes, sql
from sms.sending.calls import Answer
from sms.sending.doubt import Tried, WayOut
from sms.sending.job import Call, Job

log = logging.getLogger(__name__)

# States in which a message whose lease was lost may still become accepted. All other states are final.
_OPEN = (MessageState.QUEUED, MessageState.SENDING, MessageState.UNKNOWN)


@dataclass(slots=True)
class Iteration:
    """What one iteration of the drain writes. `ended`: calls with their answers; `over`: jobs with no gateway left in
    this round; `begun`: calls about to be made. `fresh`: jobs whose messages this transaction has locked and which
    nothing has claimed yet. `held`: jobs that were not written, because somebody else has locked the message."""

    ended: list[tuple[Call, Answer]] = field(default_factory=list)
    over: list[Job] = field(default_factory=list)
    begun: list[Call] = field(default_factory=list)
    fresh: list[Job] = field(default_factory=list)
    held: set[Job] = field(default_factory=set)

    def write(self) -> list[Call]:
        """Write all of it; returns the calls of `begun` that may be made: their messages are still ours.

        May be repeated if it fails or if nobody knows whether it was committed: what was committed is found and not
        written twice. Not with `fresh`: without it, a job that was not claimed is not ours.
        """
        with transaction.atomic(savepoint=False):
            now = timezone.now()
            accepted = outcomes.accept_many(self.ended, now)
            begun = self._begin_fresh(now)
            ended = [each for each in self.ended if each[0].job not in accepted]
            late: list[tuple[Call, Answer]] = []
            if ended or self.over or len(begun) < len(self.begun):
                late = self._write_locked(ended, begun, now)
        _log(ended, late)
        return begun

    def _begin_fresh(self, now: datetime) -> list[Call]:
        """Claim what is fresh; returns the calls of it that are begun in the same step."""
        if not self.fresh:
            return []
        fresh = set(self.fresh)
        begun = [call for call in self.begun if call.job in fresh and call.job.way is not WayOut.LOOK_UP]
        _begin(begun, now, lease=self.fresh[0].lease)
        left = fresh.difference(call.job for call in begun)
        if left and (lease := self.fresh[0].lease):
            sql.claim([job.message.pk for job in left], lease=lease, until=now + limits.SMS_LEASE)
        return begun

    def _write_locked(
        self, ended: Sequence[tuple[Call, Answer]], begun: list[Call], now: datetime
    ) -> list[tuple[Call, Answer]]:
        """Write `ended`, `over` and what of `self.begun` is not in `begun`, and add it to that; returns the answers
        that came when the lease was lost."""
        first = set(begun)
        others = [call for call in self.begun if call not in first]
        ours, rows = self._lock({*(call.job for call, _said in ended), *self.over, *(call.job for call in others)})
        ended = [(call, said) for call, said in ended if call.job not in self.held]
        late = [(call, said) for call, said in ended if call.job not in ours]
        taken = outcomes.apply([(call, said) for call, said in ended if call.job in ours], now)
        open_ = {pk for pk, row in rows.items() if row.state in _OPEN} - taken
        known = {row.accepted_by for row in rows.values()}
        unknown = [(call, said) for call, said in late if call.attempt is None or call.attempt.pk not in known]
        ours -= self._jobs_of(outcomes.apply_late(unknown, open_, now))
        for job in self.over:
            if job in ours:
                outcomes.end_round(job)
        others = [call for call in others if call.job in ours]
        _begin([call for call in others if call.job.way is not WayOut.LOOK_UP], now)
        _begin_look_ups([call for call in others if call.job.way is WayOut.LOOK_UP], now)
        begun += others
        return unknown

    def _lock(self, jobs: Collection[Job]) -> tuple[set[Job], dict[int, sql.Row]]:
        """Which of `jobs` are still ours, and their rows, locked until the end of the transaction. After a long pause a
        message may be here twice: an old call of it ended, and it was claimed again. Only the last claim is ours."""
        for job in jobs:
            job.message.lease = job.lease
        messages = {job.message.pk for job in jobs}
        rows = sql.lock(messages)
        gone = messages - rows.keys()
        held = set(Message.objects.filter(pk__in=gone).values_list("pk", flat=True)) if gone else set()
        self.held = {job for job in jobs if job.message.pk in held}
        return _ours(jobs, rows), rows

    def _jobs_of(self, messages: Collection[int]) -> set[Job]:
        """The jobs in `over` and `begun` of `messages`."""
        return {job for job in (*self.over, *(call.job for call in self.begun)) if job.message.pk in messages}


def _ours(jobs: Iterable[Job], rows: Mapping[int, sql.Row]) -> set[Job]:
    """The jobs whose lease is still that of their message."""
    return {job for job in jobs if job.lease and (row := rows.get(job.message.pk)) and row.lease == job.lease}


def _log(ended: Sequence[tuple[Call, Answer]], late: Sequence[tuple[Call, Answer]]) -> None:
    for call, _said in late:
        log.warning(
            "message %s: gateway %s answered after the lease had lapsed", call.job.message.pk, call.gateway.name
        )
    for call, said in ended:
        if isinstance(said, base.OutOfOrder):
            log.error("gateway %s is out of order: %s", call.gateway.name, said.detail)


def give_back(jobs: Sequence[Job]) -> None:
    """Make the messages due now, as if they had never been claimed. Those that wait for their turn at a line, or that
    another process has to send, keep their order, the oldest first; others go behind those of their kind that are due
    already. Those that somebody else has locked become due when their lease ends.
    """
    with transaction.atomic():
        ours = _ours(jobs, sql.lock({job.message.pk for job in jobs}))
        groups: dict[tuple[bool, bool], list[int]] = defaultdict(list)
        for job in ours:
            groups[job.paced or job.elsewhere, bool(job.doubts)].append(job.message.pk)
        for (keeps_its_place, in_doubt), its in groups.items():
            state = {} if in_doubt else {"state": MessageState.QUEUED}  # a gateway that was busy has not got it
            due = F("created_at") if keeps_its_place else timezone.now()
            Message.objects.filter(pk__in=its).update(
                lease=None, next_attempt_at=due, attempts=F("attempts") - 1, **state
            )


def _begin(calls: Sequence[Call], now: datetime, *, lease: uuid.UUID | None = None) -> None:
    """Record the calls, each with an Attempt, before the network is used. `lease`: their messages are claimed with it
    in the same step. An Attempt that an earlier try of this transaction has committed is not written again."""
    tried = [call.attempt.pk for call in calls if call.attempt]
    known = set(Attempt.objects.filter(pk__in=tried).values_list("pk", "message")) if tried else set()
    by_gateway: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        if call.attempt is None or (call.attempt.pk, call.job.message.pk) not in known:
            by_gateway[call.gateway.name].append(call)
    for name, its in by_gateway.items():
        messages = [call.job.message.pk for call in its]
        made = sql.begin(messages, name, now, until=now + limits.SMS_LEASE, lease=lease)
        for call in its:
            call.attempt = Tried(made[call.job.message.pk], name, now)


def _begin_look_ups(calls: Sequence[Call], now: datetime) -> None:
    if calls:
        rows = Message.objects.filter(pk__in=[call.job.message.pk for call in calls])
        rows.update(next_attempt_at=now + limits.SMS_LEASE)
