"""Learns whether a gateway sends a receipt for each part of a long message or one for the whole, and ends the wait for
receipts of parts that will never come.

A false "one for the whole" would call a message delivered of which a part is lost. So it is learned from messages whose
one receipt is old, unlearned with the first message that has two, and even then a message stays accepted for some
minutes after its receipt, in which another part may still be reported as not delivered.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Min, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from common import limits
from sms.models import Message, MessageState, Part, ReceiptHabits

LONG_ENOUGH = 5  # long messages with one receipt each
_LOOK_AT = 20  # the newest long messages
_AT_ONCE = 500
TOLD = (MessageState.DELIVERED, MessageState.UNDELIVERED)
_TOLD_AT = Coalesce("told_at", "message__sent_at")


def one_for_all(gateway: str) -> bool:
    """Whether one receipt of this gateway speaks for a whole message."""
    return ReceiptHabits.objects.filter(gateway=gateway, per_message=True).exists()


def unlearn(gateway: str) -> None:
    """Two parts of one message were reported: each part is waited for."""
    ReceiptHabits.objects.filter(gateway=gateway, per_message=True).update(per_message=False)


def learn() -> None:
    """Look at the long messages of which there are receipts, and end those that wait for more than come."""
    old = timezone.now() - limits.RECEIPT_PARTS_APART
    for gateway in _since().values_list("gateway", flat=True).distinct():
        newest, told = _told_parts(gateway), _told_parts(gateway, before=old)
        if max((*newest, *told), default=0) > 1:
            ReceiptHabits.objects.filter(gateway=gateway).exclude(per_message=False).update(per_message=False)
        elif len(told) >= LONG_ENOUGH:
            ReceiptHabits.objects.update_or_create(gateway=gateway, defaults={"per_message": True})
        if one_for_all(gateway):
            _end_waits(gateway)


def _since() -> QuerySet[Part]:
    return Part.objects.filter(message__sent_at__gt=timezone.now() - limits.RECEIPT_WAIT)


def _told_parts(gateway: str, *, before: datetime | None = None) -> list[int]:
    """Of how many parts there was a receipt, for each of the newest long messages of which there was one at all, the
    first one `before` that time."""
    rows = _since().filter(gateway=gateway, state__in=TOLD).values("message_id")
    rows = rows.annotate(told=Count("id"), first=Min(_TOLD_AT))
    rows = rows.filter(first__lte=before) if before else rows
    return [row["told"] for row in rows.order_by("-message_id")[:_LOOK_AT]]


def _end_waits(gateway: str) -> None:
    """Give messages the state of their receipt, once it has stood alone for long enough."""
    told = _since().filter(gateway=gateway, state__in=TOLD, message__state=MessageState.ACCEPTED).annotate(at=_TOLD_AT)
    told = told.filter(message__final_at__isnull=True, at__lte=timezone.now() - limits.RECEIPT_DUE_WITHIN)
    states = dict(told.order_by("state").values_list("message_id", "state")[:_AT_ONCE])  # undelivered counts
    with transaction.atomic():
        waiting = Message.objects.select_for_update(skip_locked=True).filter(
            pk__in=states, state=MessageState.ACCEPTED, gateway=gateway, final_at__isnull=True
        )
        for message in waiting:
            message.state, message.final_at = states[message.pk], timezone.now()
            message.save(update_fields=["state", "final_at"])
