"""Applies a gateway's report (delivered, not delivered, on its way) to the message that it is about.

Reports come in any order, several times, and sometimes before the gateway has answered the send. So each one is applied
while its message is locked, and a message in state delivered or undelivered never changes again.
"""

from __future__ import annotations

from datetime import datetime

from django.db import OperationalError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from common import limits
from common.database import is_locked
from sms import receipts
from sms.gateways import base
from sms.models import DOUBTFUL, Attempt, AttemptOutcome, Message, MessageState, Part
from sms.reports import by_part

# States that a report may still change. A message in state unknown was perhaps sent; a report proves that it was.
_OPEN = (MessageState.ACCEPTED, MessageState.UNKNOWN)
_DIGITS = 10  # of a mobile number, without the country or the zero before it
_BEFORE_ACCEPTED = (MessageState.QUEUED, MessageState.SENDING)
_STATES = {
    base.Delivery.ON_ITS_WAY: MessageState.ACCEPTED,
    base.Delivery.DELIVERED: MessageState.DELIVERED,
    base.Delivery.UNDELIVERED: MessageState.UNDELIVERED,
}


def apply(gateway: str, report: base.Receipt, received_at: datetime | None = None) -> bool:
    """Apply `report` to its message. False: the message is not known, not accepted or not free yet, so try again later.
    A pushed report has `received_at`: its gateway's id cannot mean a message that was sent later."""
    try:
        with transaction.atomic():
            return _apply(gateway, report, received_at)
    except OperationalError as error:
        if is_locked(error):  # a message that is locked for long must not delay the others
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
    """The message, locked. If several have this id (the gateway restarted its numbering), the one accepted last."""
    rows = Message.objects.select_for_update(nowait=True)
    if report.key is not None:
        return rows.filter(key=report.key).first()
    if not report.provider_id:
        return None
    meant = Q(provider_id=report.provider_id, gateway=gateway) & _tried_before(received_at, gateway, OuterRef("pk"))
    if part is not None:
        meant |= Q(pk=part.message_id)
    if report.to:
        meant &= Q(to__endswith=report.to[-_DIGITS:])
    return rows.filter(meant).order_by(F("sent_at").desc(nulls_last=True), "-id").first()


def _tried_before(received_at: datetime | None, gateway: str, message: OuterRef) -> Q:
    """The condition that a message was sent through `gateway` before `received_at`; no condition if that is None."""
    if received_at is None:
        return Q()
    latest = received_at + limits.RECEIPT_CLOCKS_DIFFER
    return Q(Exists(Attempt.objects.filter(message=message, gateway=gateway, started_at__lte=latest)))


def _of_all_parts(part: Part, state: MessageState) -> MessageState:
    """The state from all parts: delivered if all are, undelivered if one is not, else accepted: where one receipt
    speaks for all, `by_part` ends that. The message is locked."""
    if state != MessageState.ACCEPTED:
        own = Part.objects.filter(pk=part.pk, state=MessageState.ACCEPTED)
        own.update(state=state, told_at=timezone.now())
    states = list(Part.objects.filter(message_id=part.message_id).values_list("state", flat=True))
    if sum(each in by_part.TOLD for each in states) > 1:
        by_part.unlearn(part.gateway)
    if MessageState.UNDELIVERED in states:
        return MessageState.UNDELIVERED
    return MessageState.DELIVERED if set(states) == {MessageState.DELIVERED} else MessageState.ACCEPTED


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
    """Record that the doubtful attempt through this gateway was sent: the report proves it."""
    if message.gateway != gateway:  # an id means something only with the gateway that gave it
        message.gateway, message.provider_id = gateway, ""
    if not message.provider_id and report.provider_id:
        message.provider_id = report.provider_id
        receipts.expect([(message.pk, gateway, tuple(report.provider_id.split()))])
    doubtful = Attempt.objects.filter(message=message, gateway=gateway, outcome__in=DOUBTFUL)
    doubtful.update(outcome=AttemptOutcome.ACCEPTED, finished_at=timezone.now())


def _when(message: Message, report: base.Receipt, now: datetime) -> datetime:
    """The time that the gateway reports, if it is possible; else now."""
    if report.at and message.sent_at and message.sent_at <= report.at <= now:
        return report.at
    return now


def waiting() -> QuerySet[Message]:
    """Messages that were accepted and whose receipt is still expected."""
    return Message.objects.filter(state=MessageState.ACCEPTED, final_at__isnull=True)


def give_up_waiting() -> int:
    """End the wait for receipts after `limits.RECEIPT_WAIT`; the messages stay accepted. Returns how many."""
    now = timezone.now()
    return waiting().filter(sent_at__lt=now - limits.RECEIPT_WAIT).update(final_at=now)
