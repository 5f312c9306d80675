"""Applies the outcomes of calls to their messages: accepted, failed, tried again later, or in doubt
(`sms.sending.doubt`).

Everything here runs in the transaction of `sms.sending.records.Iteration.write`, which has locked the messages.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from common import alarms, backoff, leases, limits
from common.models import AlarmCode
from sms import receipts
from sms.gateways import base
from sms.models import Attempt, AttemptOutcome, Message, MessageKind, MessageState
from sms.sending import sql
from sms.sending.calls import Answer
from sms.sending.doubt import Tried, WayOut, way_out
from sms.sending.job import Call, Job

log = logging.getLogger(__name__)

_OUTCOMES: dict[type, AttemptOutcome] = {
    base.Accepted: AttemptOutcome.ACCEPTED,
    base.TryAgain: AttemptOutcome.TRY_AGAIN,
    base.Refused: AttemptOutcome.REFUSED,
    base.OutOfOrder: AttemptOutcome.OUT_OF_ORDER,
    base.Unknown: AttemptOutcome.UNKNOWN,
}


def apply_late(ended: Sequence[tuple[Call, Answer]], open_: Collection[int], now: datetime) -> set[int]:
    """Apply answers to calls whose lease was lost; returns the messages that are accepted now. An acceptance proves
    that the message was sent: it is not sent again, whoever has claimed it, and receipts find it. A message that is
    being sent anew, or is final, stays as it is."""
    accepted: set[int] = set()
    for call, said in ended:
        if not isinstance(said, base.Accepted) or call.attempt is None:
            continue
        own, pk = Attempt.objects.filter(pk=call.attempt.pk), call.job.message.pk
        if pk in accepted or pk not in open_ or _is_sent_anew(call.attempt, pk):
            own.filter(outcome=AttemptOutcome.UNFINISHED).update(detail="accepted late")
            continue
        final_at = now if _is_final(call) else None
        _accept(call.gateway.name, [(call, said.provider_ids)], sent_at=call.attempt.started_at, final_at=final_at)
        own.update(outcome=AttemptOutcome.ACCEPTED, detail="accepted late", finished_at=now)
        accepted.add(pk)
    return accepted


def _is_sent_anew(attempt: Tried, message: int) -> bool:
    """Whether a later call of this message has begun and has not ended."""
    return Attempt.objects.filter(message=message, pk__gt=attempt.pk, outcome=AttemptOutcome.UNFINISHED).exists()


def accept_many(ended: Sequence[tuple[Call, Answer]], now: datetime) -> set[Job]:
    """Apply acceptances about which there is nothing else to say, as far as the lease is ours; returns their jobs. One
    statement for those of one gateway."""
    lanes: dict[tuple[base.Gateway, str], list[tuple[Call, base.Accepted]]] = defaultdict(list)
    for call, said in ended:
        if isinstance(said, base.Accepted) and call.attempt and call.job.lease and not said.detail:
            lanes[call.gateway, call.job.message.kind].append((call, said))
    groups: dict[tuple[str, bool], dict[int, tuple[Call, base.Accepted]]] = defaultdict(dict)
    for (gateway, _kind), its in lanes.items():
        groups[gateway.name, _is_final(its[0][0])] |= {call.job.message.pk: (call, said) for call, said in its}
    accepted: set[Job] = set()
    for (name, final), by_message in groups.items():
        taken = [_taken(call, said) for call, said in by_message.values()]
        found = sql.accept(taken, name, sent_at=now, final_at=now if final else None)
        receipts.expect([(pk, name, by_message[pk][1].provider_ids) for pk in found])
        accepted |= {by_message[pk][0].job for pk in found}
    return accepted


def _taken(call: Call, said: base.Accepted) -> sql.Taken:
    if call.attempt is None or call.job.lease is None:
        raise TypeError("only a message that was claimed and begun can be accepted")
    return sql.Taken(call.job.message.pk, call.job.lease, call.attempt.pk, " ".join(said.provider_ids))


def apply(ended: Sequence[tuple[Call, Answer]], now: datetime) -> set[int]:
    """Apply other answers to calls whose lease is ours; returns the messages that a gateway has."""
    accepted: dict[tuple[str, bool], list[tuple[Call, tuple[str, ...]]]] = defaultdict(list)
    closed: dict[tuple[type, str], list[int]] = defaultdict(list)
    for call, said in ended:
        if call.attempt is not None:
            closed[type(said), said.detail[:120]].append(call.attempt.pk)  # type: ignore[union-attr]
        if isinstance(said, base.Accepted):
            accepted[call.gateway.name, _is_final(call)].append((call, said.provider_ids))
        else:
            _apply_one(call, said)
    for (gateway, final), its in accepted.items():
        _accept(gateway, its, sent_at=now, final_at=now if final else None)
    for (outcome, detail), ids in closed.items():
        attempts = Attempt.objects.filter(pk__in=ids)
        attempts.update(outcome=_OUTCOMES[outcome], detail=detail, finished_at=now)
    return {call.job.message.pk for call, said in ended if isinstance(said, base.Accepted | base.Found)}


def _is_final(call: Call) -> bool:
    """Whether accepted is the final state, because this gateway sends no receipts."""
    return call.gateway.abilities(call.job.message.kind).receipts is base.ReceiptsBy.NONE


def _accept(gateway: str, calls: Sequence[tuple[Call, tuple[str, ...]]], **times: datetime | None) -> None:
    ids = {call.job.message.pk: " ".join(provider_ids) for call, provider_ids in calls}
    leases.settle_many(Message, "provider_id", ids, state=MessageState.ACCEPTED, gateway=gateway, **times)
    receipts.expect([(call.job.message.pk, gateway, provider_ids) for call, provider_ids in calls])


def _apply_one(call: Call, said: Answer) -> None:
    job = call.job
    match said:
        case base.Refused():  # what was in doubt may still have been sent
            _leave_unknown(job) if job.doubts else _finish(job, MessageState.FAILED)
        case base.Unknown():
            if call.attempt and call.attempt not in job.doubts:
                job.doubts.append(call.attempt)
            _doubt(job, call.gateway)
        case base.Found(provider_ids=ids):
            final_at = timezone.now() if _is_final(call) else None
            _accept(call.gateway.name, [(call, ids)], sent_at=job.doubts[0].started_at, final_at=final_at)
            _resolve(call, AttemptOutcome.ACCEPTED)
        case base.NotFound():
            left = _resolve(call, AttemptOutcome.NOT_SENT)
            since = left[0].started_at if left else None
            state = MessageState.UNKNOWN if left else MessageState.QUEUED
            leases.settle(job.message, state=state, sent_at=since, next_attempt_at=timezone.now())
        case base.NoAnswer():
            _put_off(job)


def _resolve(call: Call, outcome: AttemptOutcome) -> list[Tried]:
    """Close the doubtful attempts at the gateway that was asked; returns those at other gateways."""
    name, doubts = call.gateway.name, call.job.doubts
    ids = [attempt.pk for attempt in doubts if attempt.gateway == name]
    Attempt.objects.filter(pk__in=ids).update(outcome=outcome, finished_at=timezone.now())
    return [attempt for attempt in doubts if attempt.gateway != name]


def _doubt(job: Job, gateway: base.Gateway) -> None:
    """The last call ended without a certain answer: plan another round if anything can be done, else leave
    the message."""
    now = timezone.now()
    way = way_out(kind=job.message.kind, doubts=job.doubts, gateway=gateway, expired=job.expired, now=now)
    if way is WayOut.LEAVE:
        _leave_unknown(job)
    else:
        _put_off(job, at_least=limits.SMS_LOOK_UP_PAUSE if way is WayOut.LOOK_UP else timedelta(0))


def end_round(job: Job) -> None:
    """No gateway is left in this round: put the message off to the next round, or leave it."""
    if job.way is WayOut.LEAVE:
        _leave_unknown(job)
    else:
        _put_off(job, at_least=min(job.after, limits.SMS_LINE_LONGEST_HOLD))


def _put_off(job: Job, *, at_least: timedelta = timedelta(0)) -> None:
    """Plan the next round after a pause that grows; or end the message if it has expired or is given up."""
    message, now = job.message, timezone.now()
    given_up = now >= message.created_at + limits.SMS_RESULT_GIVE_UP
    if given_up:
        log.error("message %s (%s) given up after %s rounds", message.pk, message.kind, message.attempts)
        alarms.sound(AlarmCode.GIVEN_UP, detail=f"message {message.pk}")
    if given_up or job.expired:
        if job.doubts:
            _leave_unknown(job)
        else:
            _finish(job, MessageState.FAILED if given_up else MessageState.EXPIRED)
        return
    again = now + max(_pause(message), at_least)
    again = min(again, message.expires_at or again)
    if job.doubts:
        since = job.doubts[0].started_at
        leases.settle(message, state=MessageState.UNKNOWN, sent_at=since, next_attempt_at=again)
    else:
        leases.settle(message, state=MessageState.QUEUED, next_attempt_at=again)


def _leave_unknown(job: Job) -> None:
    _finish(job, MessageState.UNKNOWN, sent_at=job.doubts[0].started_at)


def _finish(job: Job, state: MessageState, **changes: object) -> None:
    leases.settle(job.message, state=state, final_at=timezone.now(), **changes)


def _pause(message: Message) -> timedelta:
    """The pause before the next round."""
    pauses = limits.SMS_CODE_RETRIES if message.kind == MessageKind.CODE else limits.SMS_RESULT_RETRIES
    return backoff.listed(message.attempts, pauses)
