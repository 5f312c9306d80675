"""What became of messages a gateway took: read the kept receipts, ask gateways that push none.

Reports come in any order, several times, and sometimes before the answer to the send. So each is
applied to the message under its lock and only forwards: delivered and undelivered are final. One
whose message is not known yet is held for an hour and tried again.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from sms import alarms, configuration, routing
from sms.doubt import DOUBTFUL
from sms.gateways import base
from sms.models import AlarmCode, Attempt, AttemptOutcome, Message, MessageState, Part, Receipt, ReceiptState
from tamin_portal import leases, limits

log = logging.getLogger(__name__)

# What a report may still change. A message left as unknown was perhaps sent: a report says that it was.
_OPEN = (MessageState.ACCEPTED, MessageState.UNKNOWN)
_BEFORE_ACCEPTED = (MessageState.QUEUED, MessageState.SENDING)
_STATES = {
    base.Delivery.ON_ITS_WAY: MessageState.ACCEPTED,
    base.Delivery.DELIVERED: MessageState.DELIVERED,
    base.Delivery.UNDELIVERED: MessageState.UNDELIVERED,
}


# ── Pushed


def drain(*, seconds: float = 50) -> int:
    """Read the receipts that are due; returns how many were looked at."""
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
        reports = gateway.read_receipts(pushed)
    except Exception as error:  # a ValueError says malformed; an adapter's own fault must not lose it either
        leases.settle(row, state=ReceiptState.MALFORMED, detail=type(error).__name__)
        alarms.sound(AlarmCode.RECEIPTS, row.gateway, type(error).__name__)
        return
    known = [apply(row.gateway, report) for report in reports]
    now = timezone.now()
    if all(known):
        leases.settle(row, state=ReceiptState.DONE)
    elif now >= row.received_at + limits.RECEIPT_HELD:
        leases.settle(row, state=ReceiptState.UNMATCHED)
    else:
        pause = limits.RECEIPT_RETRIES[min(row.attempts, len(limits.RECEIPT_RETRIES)) - 1]
        leases.settle(row, state=ReceiptState.HELD, next_attempt_at=now + timedelta(seconds=pause))


# ── Asked for


def poll() -> int:
    """Ask the gateways that push nothing about what they took; returns how many messages were asked about."""
    return sum(_poll(name) for name in configuration.names() if _may_be_polled(name))


def _may_be_polled(name: str) -> bool:
    gateway = routing.by_name(name)
    return gateway is not None and type(gateway).poll is not base.Gateway.poll


def _poll(name: str) -> int:
    now = timezone.now()
    gateway = routing.by_name(name)
    waiting = _waiting().filter(gateway=name, sent_at__gt=now - limits.POLL_WITHIN).exclude(provider_id="")
    due = waiting.filter(Q(poll_at__isnull=True) | Q(poll_at__lte=now)).order_by("-sent_at")[: limits.POLL_BATCH]
    messages = list(due.only("pk", "sent_at", "provider_id"))
    if not messages or gateway is None:
        return 0
    for message in messages:  # before asking: a gateway that hangs is not asked again at once
        message.poll_at = _next_poll(message, now)
    Message.objects.bulk_update(messages, ["poll_at"])
    try:
        reports = gateway.poll([each for message in messages for each in message.provider_id.split()])
    except Exception as error:  # as everywhere: an adapter's fault loses nothing, and its text may hold a number
        log.error("polling %s raised %s", name, type(error).__name__)
        return 0
    for report in reports:
        apply(name, report)
    return len(messages)


def _next_poll(message: Message, now: datetime) -> datetime:
    """The older, the rarer: half its age."""
    age = now - (message.sent_at or now)
    return now + min(max(age / 2, limits.POLL_FIRST_PAUSE), limits.POLL_LONGEST_PAUSE)


def _waiting() -> QuerySet[Message]:
    return Message.objects.filter(state=MessageState.ACCEPTED, final_at__isnull=True)


def give_up_waiting() -> int:
    """Nothing was heard of them for `limits.RECEIPT_WAIT`: accepted is what stays. Returns how many."""
    now = timezone.now()
    return _waiting().filter(sent_at__lt=now - limits.RECEIPT_WAIT).update(final_at=now)


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete raw receipts that came before `before`; returns how many."""
    old = Receipt.objects.filter(received_at__lt=before, next_attempt_at__isnull=True)
    return old.count() if dry_run else old.delete()[0]


# ── One report


def apply(gateway: str, report: base.Receipt) -> bool:
    """Move the message that `report` is about. False: it is not known, or not accepted, yet."""
    with transaction.atomic():
        part = _part(gateway, report)
        message = _message(gateway, report, part)
        if message is None or message.state in _BEFORE_ACCEPTED:
            return False
        state = _STATES[report.delivery]
        if part is not None:
            state = _of_all_parts(part, state)
        if message.state in _OPEN:
            _move(message, state, report)
    return True


def _part(gateway: str, report: base.Receipt) -> Part | None:
    if not report.provider_id:
        return None
    parts = Part.objects.filter(gateway=gateway, provider_id=report.provider_id)
    return parts.order_by("-id").first()


def _message(gateway: str, report: base.Receipt, part: Part | None) -> Message | None:
    """Locked. Of several with one id (a gateway began again with its counting) the newest is meant."""
    rows = Message.objects.select_for_update()
    if part is not None:
        return rows.filter(pk=part.message_id).first()
    if report.key is not None:
        return rows.filter(key=report.key).first()
    if not report.provider_id:
        return None
    return rows.filter(provider_id=report.provider_id, gateway=gateway).order_by("-id").first()


def _of_all_parts(part: Part, state: MessageState) -> MessageState:
    """Delivered when all parts are, undelivered when one is not; else still on its way. The message is locked."""
    own = Part.objects.filter(pk=part.pk, state=MessageState.ACCEPTED)
    own.update(state=state)
    states = set(Part.objects.filter(message_id=part.message_id).values_list("state", flat=True))
    if MessageState.UNDELIVERED in states:
        return MessageState.UNDELIVERED
    return MessageState.DELIVERED if states == {MessageState.DELIVERED} else MessageState.ACCEPTED


def _move(message: Message, state: MessageState, report: base.Receipt) -> None:
    if message.state == MessageState.UNKNOWN:
        _end_doubt(message)
    elif state == MessageState.ACCEPTED:
        return
    now = timezone.now()
    message.state, message.lease, message.next_attempt_at = state, None, None
    message.provider_id = message.provider_id or report.provider_id
    message.final_at = None if state == MessageState.ACCEPTED else _when(message, report, now)
    message.save(update_fields=["state", "lease", "next_attempt_at", "provider_id", "final_at"])


def _end_doubt(message: Message) -> None:
    """The report proves that the doubtful attempt was sent."""
    doubtful = Attempt.objects.filter(message=message, outcome__in=DOUBTFUL)
    doubtful.update(outcome=AttemptOutcome.ACCEPTED, finished_at=timezone.now())


def _when(message: Message, report: base.Receipt, now: datetime) -> datetime:
    """The gateway's own time where it can be true; else now."""
    if report.at and message.sent_at and message.sent_at <= report.at <= now:
        return report.at
    return now
