"""Writes the attempts and outcomes of many calls in one transaction.

The rows are locked first, and only those whose lease is still this drain's are written (compare-and-set). What an
outcome means for its message is in `sms.sending.outcomes`.
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
    this round; `begun`: calls about to be made. `held`: jobs of these that were not written, because somebody else has
    locked the message."""

    ended: list[tuple[Call, Answer]] = field(default_factory=list)
    over: list[Job] = field(default_factory=list)
    begun: list[Call] = field(default_factory=list)
    held: set[Job] = field(default_factory=set)

    def write(self) -> list[Call]:
        """Write all of it; returns the calls of `begun` that may be made: their messages are still ours. May be
        repeated if it fails or if nobody knows whether it was committed: what was committed is found and not written
        twice."""
        with transaction.atomic():
            now = timezone.now()
            ours, open_ = self._lock()
            ended = [(call, said) for call, said in self.ended if call.job not in self.held]
            late = [(call, said) for call, said in ended if call.job not in ours]
            taken = outcomes.apply([(call, said) for call, said in ended if call.job in ours], now)
            ours -= self._jobs_of(outcomes.apply_late(late, open_ - taken, now))
            for job in self.over:
                if job in ours:
                    outcomes.end_round(job)
            begun = [call for call in self.begun if call.job in ours]
            _begin(begun, now)
        for call, _said in late:
            log.warning(
                "message %s: gateway %s answered after the lease had lapsed", call.job.message.pk, call.gateway.name
            )
        for call, said in ended:
            if isinstance(said, base.OutOfOrder):
                log.error("gateway %s is out of order: %s", call.gateway.name, said.detail)
        return begun

    def _lock(self) -> tuple[set[Job], set[int]]:
        """Which jobs are still ours, and which messages may still become accepted; both are locked until the end of the
        transaction. After a long pause a message may be here twice: an old call of it ended, and it was claimed again.
        Only the last claim is ours."""
        jobs = {*(call.job for call, _said in self.ended), *self.over, *(call.job for call in self.begun)}
        for job in jobs:
            job.message.lease = job.lease
        messages = {job.message.pk for job in jobs}
        rows = sql.lock(messages)
        gone = messages - rows.keys()
        held = set(Message.objects.filter(pk__in=gone).values_list("pk", flat=True)) if gone else set()
        self.held = {job for job in jobs if job.message.pk in held}
        return _ours(jobs, rows), {pk for pk, (_lease, state) in rows.items() if state in _OPEN}

    def _jobs_of(self, messages: Collection[int]) -> set[Job]:
        """The jobs in `over` and `begun` of `messages`."""
        return {job for job in (*self.over, *(call.job for call in self.begun)) if job.message.pk in messages}


def _ours(jobs: Iterable[Job], rows: Mapping[int, tuple[uuid.UUID | None, str]]) -> set[Job]:
    """The jobs whose lease is still that of their message; `rows` are leases and states."""
    return {job for job in jobs if job.lease and rows.get(job.message.pk, (None, ""))[0] == job.lease}


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


def _begin(calls: list[Call], now: datetime) -> None:
    """Record the calls, with a fresh lease, before the network is used."""
    by_gateway: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        by_gateway[call.gateway.name if call.job.way is not WayOut.LOOK_UP else ""].append(call)
    for name, its in by_gateway.items():
        changes = {"state": MessageState.SENDING, "gateway": name} if name else {}
        rows = Message.objects.filter(pk__in=[call.job.message.pk for call in its])
        rows.update(next_attempt_at=now + limits.SMS_LEASE, **changes)
        if name:
            _record(its, name, now)


def _record(calls: Sequence[Call], gateway: str, now: datetime) -> None:
    """Write an Attempt for each call, except those that an earlier try of this transaction has committed."""
    tried = [call.attempt.pk for call in calls if call.attempt]
    known = set(Attempt.objects.filter(pk__in=tried).values_list("pk", "message")) if tried else set()
    new = [call for call in calls if call.attempt is None or (call.attempt.pk, call.job.message.pk) not in known]
    made = sql.begin_attempts([call.job.message.pk for call in new], gateway, now) if new else {}
    for call in new:
        call.attempt = Tried(made[call.job.message.pk], gateway, now)
