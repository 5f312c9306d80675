"""How many parts of SMS a day may cost (`SMS_DAILY_BUDGET`): an attack must not eat the month.

Near its end codes to numbers nobody has proven yet stop; at its end codes stop and results wait for the
next day; only what tells an owner of a change in the account goes on. Counted from the messages
themselves, looked at once in a few seconds; what this process has begun since counts at once. So the
budget is exceeded by what the other processes begin within `LOOK_EVERY` at most, and by one message of
several parts.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q, Sum
from django.utils import timezone

from sms.models import Message, MessageKind, MessageState
from tamin_portal import alarms, limits
from tamin_portal.models import AlarmCode

# Nobody may use up the day so that its victims do not hear of a theft. `accounts.notices` bounds the alerts of an
# account, and has none for what a stranger can cause.
NEVER_HELD_BACK = (MessageKind.CODE, MessageKind.ALERT)
LOOK_EVERY = 10.0  # seconds


@dataclass(slots=True)
class _Look:
    """`spent`: parts sent since midnight or under way; `codes`: parts of codes that are still to be sent. Both with
    what this process has added since."""

    at: float = float("-inf")
    spent: int = 0
    codes: int = 0


_lock = threading.Lock()
_last = _Look()


def allows_code(*, known_number: bool) -> bool:
    """Whether a code may be queued: to a number that was proven once until the end, to others not so long."""
    share = 1.0 if known_number else limits.SMS_BUDGET_NEW_NUMBERS
    if not settings.SMS_DAILY_BUDGET:
        return True
    with _lock:
        look = _look()
        return look.spent + look.codes < settings.SMS_DAILY_BUDGET * share


def code_was_queued(parts: int) -> None:
    """It will be sent, whatever else is."""
    if settings.SMS_DAILY_BUDGET:
        with _lock:
            _last.codes += parts


def begin(kind: str, parts: int) -> bool:
    """Whether a message of `kind` may be sent now; if so it counts as spent. Codes and alerts may: they would come too
    late."""
    if not settings.SMS_DAILY_BUDGET:
        return True
    with _lock:
        look = _look()
        may = kind in NEVER_HELD_BACK or look.spent < settings.SMS_DAILY_BUDGET
        look.spent += parts if may else 0
        return may


def holds_back(kind: str) -> bool:
    """Whether messages of `kind` wait for the next day. Codes and alerts do not."""
    return bool(settings.SMS_DAILY_BUDGET) and kind not in NEVER_HELD_BACK and spent() >= settings.SMS_DAILY_BUDGET


def spent() -> int:
    """Parts sent since midnight or under way, what other processes did perhaps some seconds old."""
    with _lock:
        return _look().spent


def midnight(now: datetime | None = None) -> datetime:
    """When today began, in Tehran."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


def forget() -> None:
    """Count again at the next question."""
    global _last
    with _lock:
        _last = _Look()


def watch() -> None:
    """Sound or end the alarm. Not where the budget says no: that rolls back, and the alarm with it."""
    parts, budget = spent(), settings.SMS_DAILY_BUDGET
    if budget and parts >= budget * limits.SMS_BUDGET_NEW_NUMBERS:
        alarms.sound(AlarmCode.BUDGET, detail=f"{parts} of {budget} parts are used today")
    else:
        alarms.clear(AlarmCode.BUDGET)


def _look() -> _Look:
    global _last
    if time.monotonic() - _last.at >= LOOK_EVERY:
        _last = _Look(time.monotonic(), *_count())
    return _last


def _count() -> tuple[int, int]:
    now = timezone.now()
    sent = Message.objects.filter(sent_at__gte=midnight(now)).aggregate(parts=Sum("parts"))
    on_its_way = Q(state=MessageState.SENDING, sent_at__isnull=True)
    waits = Q(kind=MessageKind.CODE, state=MessageState.QUEUED, expires_at__gt=now)
    due = Message.objects.filter(next_attempt_at__isnull=False).aggregate(
        sending=Sum("parts", filter=on_its_way), codes=Sum("parts", filter=waits)
    )
    return (sent["parts"] or 0) + (due["sending"] or 0), due["codes"] or 0
