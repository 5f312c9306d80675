"""Send what is queued: claim → send → record, until nothing is due.

An Attempt is committed before a gateway is called and the answer is written with compare-and-set on
the lease, so that whenever a worker dies, the rows say what may have happened. A message that was
perhaps sent is handled by the rules of `sms.doubt`. Nothing here logs a number or a text.
"""

from __future__ import annotations

import logging
import random
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from sms import alarms, receipts, routing, texts
from sms.doubt import WayOut, doubts, way_out
from sms.gateways import base
from sms.models import AlarmCode, Attempt, AttemptOutcome, Message, MessageKind, MessageState
from tamin_portal import leases, limits

log = logging.getLogger(__name__)

_OUTCOMES: dict[type, AttemptOutcome] = {
    base.Accepted: AttemptOutcome.ACCEPTED,
    base.TryAgain: AttemptOutcome.TRY_AGAIN,
    base.Refused: AttemptOutcome.REFUSED,
    base.OutOfOrder: AttemptOutcome.OUT_OF_ORDER,
    base.Unknown: AttemptOutcome.UNKNOWN,
}


def drain(*, seconds: float = 50) -> int:
    """Send until nothing is due or `seconds` have passed; returns how many messages were claimed.

    Codes go before results, older before newer. With nothing due it costs one statement. Raises
    ImproperlyConfigured, before anything is claimed, when SMS_GATEWAYS names no gateway.
    """
    routing.check()
    return leases.drain(
        Message,
        _work,
        limit=limits.SMS_BATCH,
        lease_for=limits.SMS_LEASE,
        order=("priority", "next_attempt_at", "id"),
        seconds=seconds,
    )


def scrub(*, before: datetime, dry_run: bool = False) -> int:
    """Blank the text of messages that were final before `before`; returns how many."""
    over = Q(final_at__lt=before) | Q(state=MessageState.ACCEPTED, sent_at__lt=before)
    final = Message.objects.filter(over, next_attempt_at__isnull=True).exclude(text="")
    return final.count() if dry_run else final.update(text="")


def _work(batch: list[Message]) -> None:
    ends = time.monotonic() + limits.SMS_BATCH_TIME.total_seconds()
    for place, message in enumerate(batch):
        if place and time.monotonic() > ends:
            _give_back(batch[place:])
            return
        _deliver(message)


def _give_back(rest: list[Message]) -> None:
    """A slow gateway: codes that were queued meanwhile go before the rest of this batch."""
    Message.objects.filter(pk__in=[message.pk for message in rest], lease=rest[0].lease).update(
        lease=None, next_attempt_at=timezone.now(), attempts=F("attempts") - 1
    )


def _deliver(message: Message) -> None:
    open_doubts = doubts(message)
    if not open_doubts:
        _send(message, routing.route(message.operator, message.kind), open_doubts)
        return
    gateway = routing.by_name(open_doubts[-1].gateway)
    match _way_out(message, open_doubts), gateway:
        case WayOut.SAME_KEY_AGAIN, base.Gateway():
            _send(message, (gateway,), open_doubts)
        case WayOut.LOOK_UP, base.Gateway():
            _look_up(message, gateway, open_doubts)
        case WayOut.ONCE_MORE, _:
            _send(message, routing.route(message.operator, message.kind), open_doubts)
        case _:
            _leave_unknown(message, open_doubts)


def _way_out(message: Message, open_doubts: list[Attempt]) -> WayOut:
    return way_out(
        kind=message.kind,
        doubts=open_doubts,
        gateway=routing.by_name(open_doubts[-1].gateway),
        expired=_expired(message),
        now=timezone.now(),
    )


def _send(message: Message, gateways: tuple[base.Gateway, ...], open_doubts: list[Attempt]) -> None:
    """Try `gateways` in order until one does not say a certain, temporary no."""
    for gateway in gateways:
        if _expired(message):
            break
        if not routing.may_send(gateway.name, message.operator):
            continue
        attempt = _begin(message, gateway)
        if attempt is None:
            return
        outcome = _call(gateway, message)
        routing.heard(gateway.name, message.operator, outcome)
        if not isinstance(outcome, base.TryAgain | base.OutOfOrder):
            _record(message, attempt, outcome, gateway, open_doubts)
            return
        _close(attempt, outcome)
    _put_off(message, open_doubts)


def _begin(message: Message, gateway: base.Gateway) -> Attempt | None:
    """Commit that `gateway` is about to be called, with a fresh lease. None: the row is not ours any more."""
    with transaction.atomic():
        ours = Message.objects.filter(pk=message.pk, lease=message.lease).update(
            state=MessageState.SENDING, gateway=gateway.name, next_attempt_at=timezone.now() + limits.SMS_LEASE
        )
        return Attempt.objects.create(message=message, gateway=gateway.name) if ours else None


def _call(gateway: base.Gateway, message: Message) -> base.Outcome:
    sms = base.Sms(
        key=message.key,
        to=message.to,
        text=message.text,
        kind=message.kind,
        operator=message.operator,
        code=texts.code_in(message.text) if message.kind == MessageKind.CODE else "",
    )
    try:
        return gateway.send(sms)
    except Exception as error:  # an adapter's fault must not lose the message; its text may hold a number
        log.error("message %s: gateway %s raised %s", message.pk, gateway.name, type(error).__name__)
        return base.Unknown(detail=type(error).__name__)


def _close(attempt: Attempt, outcome: base.Outcome) -> None:
    attempt.outcome, attempt.detail = _OUTCOMES[type(outcome)], outcome.detail[:120]
    attempt.finished_at = timezone.now()
    attempt.save(update_fields=["outcome", "detail", "finished_at"])
    if isinstance(outcome, base.OutOfOrder):
        log.error("gateway %s is out of order: %s", attempt.gateway, outcome.detail)


def _record(
    message: Message, attempt: Attempt, outcome: base.Outcome, gateway: base.Gateway, open_doubts: list[Attempt]
) -> None:
    """Write the end of `attempt` and what follows from it, if the lease is still ours."""
    with transaction.atomic():
        match outcome:
            case base.Accepted(provider_ids=ids):
                won = _accept(message, gateway, ids, timezone.now())
            case base.Refused() if not open_doubts:
                won = _finish(message, MessageState.FAILED)
            case base.Refused():  # what was in doubt may still have been sent
                won = _leave_unknown(message, open_doubts)
            case _:
                won = _doubt(message, [*open_doubts, attempt])
        if won:
            _close(attempt, outcome)
    if not won:
        log.warning("message %s: gateway %s answered after the lease had lapsed", message.pk, gateway.name)


def _accept(message: Message, gateway: base.Gateway, ids: tuple[str, ...], at: datetime) -> bool:
    """Accepted at `at`: final where no receipt will come."""
    final = gateway.abilities(message.kind).receipts is base.ReceiptsBy.NONE
    receipts.expect([(message.pk, gateway.name, ids)])
    return leases.settle(
        message,
        state=MessageState.ACCEPTED,
        gateway=gateway.name,
        provider_id=" ".join(ids),
        sent_at=at,
        final_at=timezone.now() if final else None,
    )


def _doubt(message: Message, open_doubts: list[Attempt]) -> bool:
    """The last call ended without a certain answer: come back to it if anything can be done."""
    way = _way_out(message, open_doubts)
    if way is WayOut.LEAVE:
        return _leave_unknown(message, open_doubts)
    return _put_off(message, open_doubts, at_least=limits.SMS_LOOK_UP_PAUSE if way is WayOut.LOOK_UP else timedelta(0))


def _look_up(message: Message, gateway: base.Gateway, open_doubts: list[Attempt]) -> None:
    """Ask `gateway` whether it has the message, and end the doubt if it says."""
    try:
        answer = gateway.look_up(key=message.key, provider_id=message.provider_id)
    except Exception as error:  # as in _call
        log.error("message %s: look-up at %s raised %s", message.pk, gateway.name, type(error).__name__)
        answer = base.NoAnswer()
    if isinstance(answer, base.NoAnswer):
        _put_off(message, open_doubts)
        return
    with transaction.atomic():
        if isinstance(answer, base.Found):
            outcome, at = AttemptOutcome.ACCEPTED, open_doubts[0].started_at
            won = _accept(message, gateway, answer.provider_ids, at)
        else:
            outcome, now = AttemptOutcome.NOT_SENT, timezone.now()
            won = leases.settle(message, state=MessageState.QUEUED, sent_at=None, next_attempt_at=now)
        if won:
            ids = [attempt.pk for attempt in open_doubts]
            Attempt.objects.filter(pk__in=ids).update(outcome=outcome, finished_at=timezone.now())


def _put_off(message: Message, open_doubts: list[Attempt], *, at_least: timedelta = timedelta(0)) -> bool:
    """Again after a pause that grows, or never when its time is over. False: the row is not ours any more."""
    now = timezone.now()
    given_up = now >= message.created_at + limits.SMS_RESULT_GIVE_UP
    if given_up:
        log.error("message %s (%s) given up after %s rounds", message.pk, message.kind, message.attempts)
        alarms.sound(AlarmCode.GIVEN_UP, detail=f"message {message.pk}")
    if given_up or _expired(message):
        if open_doubts:
            return _leave_unknown(message, open_doubts)
        return _finish(message, MessageState.FAILED if given_up else MessageState.EXPIRED)
    again = now + max(_pause(message), at_least)
    again = min(again, message.expires_at or again)
    if open_doubts:
        since = open_doubts[0].started_at
        return leases.settle(message, state=MessageState.UNKNOWN, sent_at=since, next_attempt_at=again)
    return leases.settle(message, state=MessageState.QUEUED, next_attempt_at=again)


def _leave_unknown(message: Message, open_doubts: list[Attempt]) -> bool:
    return _finish(message, MessageState.UNKNOWN, sent_at=open_doubts[0].started_at)


def _finish(message: Message, state: MessageState, **changes: object) -> bool:
    return leases.settle(message, state=state, final_at=timezone.now(), **changes)


def _expired(message: Message) -> bool:
    return message.expires_at is not None and timezone.now() >= message.expires_at


def _pause(message: Message) -> timedelta:
    """The pause before the next round, up to a quarter longer, so that a crowd does not come back at once."""
    pauses = limits.SMS_CODE_RETRIES if message.kind == MessageKind.CODE else limits.SMS_RESULT_RETRIES
    seconds = pauses[min(max(message.attempts, 1), len(pauses)) - 1]
    return timedelta(seconds=seconds * random.uniform(1, 1.25))  # noqa: S311 - no secret
