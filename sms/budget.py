"""How many parts of SMS a day may cost (`SMS_DAILY_BUDGET`): an attack must not eat the month.

Near its end codes to numbers nobody has proven yet stop; at its end codes stop and results wait for
the next day. Counted from the messages themselves, looked at once in a few seconds.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from sms.models import Message, MessageKind
from tamin_portal import alarms, limits
from tamin_portal.models import AlarmCode

LOOK_EVERY = 10.0  # seconds
_lock = threading.Lock()
_seen: tuple[float, int] = (float("-inf"), 0)


def allows_code(*, known_number: bool) -> bool:
    """Whether a code may be queued: to a number that was proven once until the end, to others not so long."""
    share = 1.0 if known_number else limits.SMS_BUDGET_NEW_NUMBERS
    return not settings.SMS_DAILY_BUDGET or spent() < settings.SMS_DAILY_BUDGET * share


def holds_back(kind: str) -> bool:
    """Whether messages of `kind` wait for the next day. Codes do not: they would come too late."""
    return bool(settings.SMS_DAILY_BUDGET) and kind != MessageKind.CODE and spent() >= settings.SMS_DAILY_BUDGET


def spent() -> int:
    """Parts sent since midnight, perhaps some seconds old."""
    global _seen
    with _lock:
        if time.monotonic() - _seen[0] >= LOOK_EVERY:
            _seen = (time.monotonic(), _count())
        return _seen[1]


def midnight(now: datetime | None = None) -> datetime:
    """When today began, in Tehran."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def forget() -> None:
    """Count again at the next question."""
    global _seen
    with _lock:
        _seen = (float("-inf"), 0)


def _count() -> int:
    return Message.objects.filter(sent_at__gte=midnight()).aggregate(parts=Sum("parts"))["parts"] or 0


def watch() -> None:
    """Sound or end the alarm. Not where the budget says no: that rolls back, and the alarm with it."""
    parts, budget = spent(), settings.SMS_DAILY_BUDGET
    if budget and parts >= budget * limits.SMS_BUDGET_NEW_NUMBERS:
        alarms.sound(AlarmCode.BUDGET, detail=f"{parts} of {budget} parts are used today")
    else:
        alarms.clear(AlarmCode.BUDGET)
