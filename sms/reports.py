"""What became of messages a gateway took: read the kept receipts, apply what they report.

Gateways that push none are asked by `sms.polling`.

Reports come in any order, several times, and sometimes before the answer to the send. So each is
applied to the message under its lock and only forwards: delivered and undelivered are final. One
whose message is not known yet is held for an hour and tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from common import alarms, backoff, leases, limits
from common.database import is_locked
from common.models import AlarmCode
from sms import routing
from sms.gateways import base
from sms.models import Attempt, AttemptOutcome, Message, MessageState, Part, Receipt, ReceiptState
from sms.sending.doubt import DOUBTFUL

# What a report may still change. A message left as unknown was perhaps sent: a report says that it was.
_OPEN = (MessageState.ACCEPTED, MessageState.UNKNOWN)
_BEFORE_ACCEPTED = (MessageState.QUEUED, MessageState.SENDING)
_STATES = {
    base.Delivery.ON_ITS_WAY: MessageState.ACCEPTED,
    base.Delivery.DELIVERED: MessageState.DELIVERED,
    base.Delivery.UNDELIVERED: MessageState.UNDELIVERED,
}


# ── Pushed


def drain(*, seconds: float = limits.RECEIPT_TIME) -> int:
    """Read the receipts that are due for so long; returns how many were looked at.

    Not for long at a time: in a burst, what asks the other gateways waits in the same queue.
    """
    return leases.drain(Receipt, _work, limit=limits.RECEIPT_BATCH, lease_for=limits.RECEIPT_LEASE, seconds=seconds)


def _work(batch: list[Receipt]) -> None:
    for row in batch:
        _read(row)


def _read(row: Receipt) -> None:
    gateway = routing.by_name(row.gateway)
    if gateway is None:
        leases.settle(row, state=ReceiptState.UNMATCHED, detail="no such gateway")
        return
    pushed = base.PushedReceipt(row.method, row.query, row.content_type, bytes(row.body))
    try:
        reports = list(gateway.read_receipts(pushed))
    except Exception as error:  # not Malformed alone: an adapter's own fault must not lose it either
        _mark_malformed(row, error)
        return
    known, fault = _apply_each(row, reports)
    now = timezone.now()
    if all(known) and fault is None:
        leases.settle(row, state=ReceiptState.DONE)
    elif all(known) and fault is not None:
        _mark_malformed(row, fault)
    elif now >= row.received_at + limits.RECEIPT_HELD:
        leases.settle(row, state=ReceiptState.UNMATCHED)
    else:
        pause = backoff.listed_exactly(row.attempts, limits.RECEIPT_RETRIES)
        leases.settle(row, state=ReceiptState.HELD, next_attempt_at=now + pause)


def _apply_each(row: Receipt, reports: Sequence[base.Receipt]) -> tuple[list[bool], Exception | None]:
    """Which of `reports` had a message, and what came of one that cannot be applied: it costs no other."""
    known, fault = [], None
    for report in reports:
        try:
            known.append(apply(row.gateway, report, row.received_at))
        except (OperationalError, InterfaceError):
            raise  # the database's fault, not the receipt's: due again when the lease is over
        except Exception as error:
            fault = error
    return known, fault


def _mark_malformed(row: Receipt, error: Exception) -> None:
    """The text of any other error may quote the request."""
    reason = (str(error) if isinstance(error, base.Malformed) else type(error).__name__)[:120]
    leases.settle(row, state=ReceiptState.MALFORMED, detail=reason)
    alarms.sound(AlarmCode.RECEIPTS, row.gateway, reason)


# ── Not heard of


def waiting() -> QuerySet[Message]:
    """Accepted, and a receipt is still due."""
    return Message.objects.filter(state=MessageState.ACCEPTED, final_at__isnull=True)


def give_up_waiting() -> int:
    """Nothing was heard of them for `limits.RECEIPT_WAIT`: accepted is what stays. Returns how many."""
    now = timezone.now()
    return waiting().filter(sent_at__lt=now - limits.RECEIPT_WAIT).update(final_at=now)


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete raw receipts that came before `before`; returns how many."""
    old = Receipt.objects.filter(received_at__lt=before, next_attempt_at__isnull=True)
    return old.count() if dry_run else old.delete()[0]


# ── One report


def apply(gateway: str, report: base.Receipt, received_at: datetime | None = None) -> bool:
    """Move the message that `report` is about. False: it is not known, not accepted, or not free, yet. What was
    pushed came at `received_at`: by the gateway's id it is about no message that was sent later."""
    try:
        with transaction.atomic():
            return _apply(gateway, report, received_at)
    except OperationalError as error:
        if is_locked(error):  # one message that is held for long must not hold up the others
            return False
        raise


def _apply(gateway: str, report: base.Receipt, received_at: datetime | None) -> bool:
    part = _part(gateway, report, received_at)
    message = _message(gateway, report, part, received_at)
    if message is None or message.state in _BEFORE_ACCEPTED:
        return False
    state = _STATES[report.delivery]
    if state == MessageState.UNDELIVERED and message.gateway != gateway:
        return True  # another gateway has it by now
    if part is not None and part.message_id == message.pk:
        state = _of_all_parts(part, state)
    if message.state in _OPEN:
        _move(gateway, message, state, report)
    return True


def _part(gateway: str, report: base.Receipt, received_at: datetime | None) -> Part | None:
    if not report.provider_id:
        return None
    parts = Part.objects.filter(gateway=gateway, provider_id=report.provider_id)
    if report.key is not None:
        parts = parts.filter(message__key=report.key)
    else:
        parts = parts.filter(_tried_before(received_at, gateway, OuterRef("message")))
    return parts.order_by("-id").first()


def _message(gateway: str, report: base.Receipt, part: Part | None, received_at: datetime | None) -> Message | None:
    """Locked. Of several with one id (a gateway began again with its counting) the one accepted last is meant."""
    rows = Message.objects.select_for_update(nowait=True)
    if report.key is not None:
        return rows.filter(key=report.key).first()
    if not report.provider_id:
        return None
    meant = Q(provider_id=report.provider_id, gateway=gateway) & _tried_before(received_at, gateway, OuterRef("pk"))
    if part is not None:
        meant |= Q(pk=part.message_id)
    return rows.filter(meant).order_by(F("sent_at").desc(nulls_last=True), "-id").first()


def _tried_before(received_at: datetime | None, gateway: str, message: OuterRef) -> Q:
    """Whether a message was sent by `gateway` before a receipt came; None: whenever."""
    if received_at is None:
        return Q()
    latest = received_at + limits.RECEIPT_CLOCKS_DIFFER
    return Q(Exists(Attempt.objects.filter(message=message, gateway=gateway, started_at__lte=latest)))


def _of_all_parts(part: Part, state: MessageState) -> MessageState:
    """Delivered when all parts are, undelivered when one is not; else still on its way. The message is locked."""
    own = Part.objects.filter(pk=part.pk, state=MessageState.ACCEPTED)
    own.update(state=state)
    states = set(Part.objects.filter(message_id=part.message_id).values_list("state", flat=True))
    if MessageState.UNDELIVERED in states:
        return MessageState.UNDELIVERED
    return MessageState.DELIVERED if states == {MessageState.DELIVERED} else MessageState.ACCEPTED


def _move(gateway: str, message: Message, state: MessageState, report: base.Receipt) -> None:
    if message.state == MessageState.UNKNOWN:
        _end_doubt(gateway, message, report)
    elif state == MessageState.ACCEPTED:
        return
    now = timezone.now()
    message.state, message.lease, message.next_attempt_at = state, None, None
    message.final_at = None if state == MessageState.ACCEPTED else _when(message, report, now)
    message.save(update_fields=["state", "gateway", "lease", "next_attempt_at", "provider_id", "final_at"])


def _end_doubt(gateway: str, message: Message, report: base.Receipt) -> None:
    """The report proves that the doubtful attempt at its gateway was sent."""
    if message.gateway != gateway:  # an id means something only with the gateway that gave it
        message.gateway, message.provider_id = gateway, ""
    message.provider_id = message.provider_id or report.provider_id
    doubtful = Attempt.objects.filter(message=message, gateway=gateway, outcome__in=DOUBTFUL)
    doubtful.update(outcome=AttemptOutcome.ACCEPTED, finished_at=timezone.now())


def _when(message: Message, report: base.Receipt, now: datetime) -> datetime:
    """The gateway's own time where it can be true; else now."""
    if report.at and message.sent_at and message.sent_at <= report.at <= now:
        return report.at
    return now
