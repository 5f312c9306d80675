"""Enforces the daily budget of SMS parts (`SMS_DAILY_BUDGET`), divided among shares (`sms.shares`), and raises its
alarms.

An attacker who causes SMS can spend no more than the share those messages count to, so the month's money is not lost in
a day. Codes ask before they are queued (`allows`) and are then always sent. Results and notices wait until their share
has room (`begin`). Security alerts are always sent.

Spending is counted from the messages in the database, at most once in `LOOK_EVERY` seconds and at the beginning of each
hour; what this process queues or sends is added at once. So a share can be exceeded, at most by what other processes
queue and send within `LOOK_EVERY`, by what other threads of this process queue between asking and queueing, and by one
message of several parts.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, Sum
from django.utils import timezone

from common import alarms, limits
from common.models import AlarmCode
from common.process_state import register_reset
from sms.models import Message, MessageKind, MessageState, Share, share_of
from sms.shares import HOURS, Day, divided

# Alerts are not bounded here: otherwise an attacker could use up the budget so that victims are not told of a theft.
# `accounts.life.notices` limits the alerts of each account, and sends none for events that a stranger can cause.
NEVER_HELD_BACK = (MessageKind.CODE, MessageKind.ALERT)
LOOK_EVERY = 10.0  # seconds

Spent = Counter[Share]


@dataclass(slots=True)
class _Look:
    """Parts counted by share (sent, being sent, or codes still to be sent): `before` the hour that began at `hour`, and
    `now`: in that hour, including what this process has added since the count."""

    at: float = float("-inf")
    hour: datetime | None = None
    before: Spent = field(default_factory=Counter)
    now: Spent = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class ShareUsage:
    """The usage of one share today, in parts of SMS: `spent` of its `part` of the day; `released`: how much of `part`
    has become available so far; `room`: what it may still spend in this hour, including what it may borrow."""

    share: Share
    spent: int
    part: int
    released: int
    room: int

    @property
    def is_nearly_used(self) -> bool:
        return self.room < self.released * (1 - limits.SMS_BUDGET_NEARLY)


_lock = threading.Lock()
_last = _Look()


def allows(share: Share, parts: int = 1) -> bool:
    """Whether a code of `parts` may be queued for `share` now. No statement where there is no limit."""
    return next_part(share, parts) is None


def next_part(share: Share, parts: int = 1) -> datetime | None:
    """The time (Tehran) when `share` will have room for `parts`: the beginning of an hour, at the latest midnight;
    None: it has room now.

    If others use that room first, the next call returns a later hour.
    """
    if not settings.SMS_DAILY_BUDGET:
        return None
    with _lock:
        day = _day()
    if day.room(share) >= parts:
        return None
    hour = next((hour for hour in range(day.hour + 1, HOURS) if day.at(hour).room(share) >= parts), HOURS)
    return midnight() + timedelta(hours=hour)


def code_was_queued(share: Share, parts: int) -> None:
    """Count a queued code as spent: it will be sent in any case."""
    if settings.SMS_DAILY_BUDGET:
        with _lock:
            _last.now[share] += parts


def begin(message: Message) -> bool:
    """Whether `message` may be sent now; if so, it is counted as spent. Codes and alerts always may: waiting would make
    them useless. A code was counted when it was queued."""
    if not settings.SMS_DAILY_BUDGET or message.kind == MessageKind.CODE:
        return True
    share = share_of(message.kind, message.share)
    with _lock:
        may = message.kind in NEVER_HELD_BACK or _day().room(share) >= message.parts
        _last.now[share] += message.parts if may else 0
        return may


def usage() -> list[ShareUsage]:
    """The usage of each share, highest first. Spending of other processes is up to `LOOK_EVERY` old. Empty:
    no limit."""
    if not settings.SMS_DAILY_BUDGET:
        return []
    with _lock:
        day = _day()
    return [
        ShareUsage(share, day.spent(share), part, day.released(share), day.room(share))
        for share, part in divided(day.budget).items()
    ]


def midnight(now: datetime | None = None) -> datetime:
    """When today began in Tehran."""
    return timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)


@register_reset
def forget() -> None:
    """Drop the count; the next call counts again."""
    global _last
    with _lock:
        _last = _Look()


def watch() -> None:
    """Sound or end the alarm of each share. Called by the clock, not by what refuses a message: that transaction rolls
    back, and would take the alarm with it."""
    near = {each.share.value: each for each in usage() if each.is_nearly_used}
    for alarm in alarms.standing("sms"):
        if alarm.code == AlarmCode.BUDGET and alarm.subject not in near:
            alarms.clear(AlarmCode.BUDGET, alarm.subject)
    for subject, each in near.items():
        told = f"{each.spent} parts are used today, {each.room} are left now; the whole day has {each.part}"
        alarms.sound(AlarmCode.BUDGET, subject, told)


def _day() -> Day:
    """Today's spending as known in this process. The caller holds `_lock`."""
    global _last
    hour = timezone.localtime().replace(minute=0, second=0, microsecond=0)
    if time.monotonic() - _last.at >= LOOK_EVERY or _last.hour != hour:
        at = time.monotonic()
        _last = _Look(at, hour, *_count(hour))
    return Day(settings.SMS_DAILY_BUDGET, hour.hour, _last.before.copy(), _last.now.copy())


def _count(hour: datetime) -> tuple[Spent, Spent]:
    """Count today's spending. Two statements, each on an index."""
    before, now = Counter[Share](), Counter[Share]()
    sent = Message.objects.filter(sent_at__gte=midnight(hour)).values("share", "kind")
    on_its_way = Q(state=MessageState.SENDING, sent_at__isnull=True)
    waits = Q(kind=MessageKind.CODE, state=MessageState.QUEUED, expires_at__gt=timezone.now())
    due = Message.objects.filter(on_its_way | waits, next_attempt_at__isnull=False).values("share", "kind")
    for share, early, late in _sums(sent.annotate(all=Sum("parts"), late=Sum("parts", filter=Q(sent_at__gte=hour)))):
        before[share] += early - late
        now[share] += late
    for share, parts, _none in _sums(due.annotate(all=Sum("parts"), late=Sum("parts"))):
        now[share] += parts
    return before, now


def _sums(rows: object) -> Iterator[tuple[Share, int, int]]:
    for row in rows:  # type: ignore[attr-defined]
        yield share_of(row["kind"], row["share"]), row["all"], row["late"] or 0
