"""Raises alarms about abuse of codes and of sign-ins; blocks nobody.

Pumping: somebody asks for codes to many numbers and uses none, to earn on the SMS or to cost the organisation money.
Spraying: very many sign-ins fail, as when one password is tried on many IDs. `common.abuse.levels` decides what the
pages do about it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.db.models.functions import Substr
from django.utils import timezone

from accounts.models import OneTimeCode
from common import alarms, limits
from common.abuse import conduct
from common.abuse.conduct import Kind, Level
from common.models import Alarm, AlarmCode
from common.persian import local_mobile
from sms.models import MessageState

HOUR = timedelta(hours=1)
_ALARMS = {
    Kind.CODE: (AlarmCode.PUMPING, "one place"),
    Kind.PASSWORD: (AlarmCode.SPRAYING, "one place"),
    Kind.STATUS: (AlarmCode.SPRAYING, "status, one place"),
}
_TRIES = {Kind.PASSWORD: ("", "sign-ins"), Kind.STATUS: ("status", "looks at a status")}
_TAKEN = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNDELIVERED)


def update_alarms() -> None:
    """Look at the last hour, and raise or end the alarms."""
    now = timezone.now()
    _watch_use(now)
    _watch_prefixes(now)
    for kind in _TRIES:
        _watch_tries(kind)
    for kind in _ALARMS:
        _watch_loudest(kind)


def _watch_use(now: datetime) -> None:
    """Compare how many numbers got a code with how many used one. Codes that are still alive do not count yet, and
    those that never left say nothing of who asked."""
    latest = now - limits.CODE_LIFE
    asked = OneTimeCode.objects.filter(created_at__gt=latest - HOUR, created_at__lte=latest, message__state__in=_TAKEN)
    used = Count("mobile", distinct=True, filter=Q(used_at__isnull=False))
    counts = asked.aggregate(numbers=Count("mobile", distinct=True), used=used)
    numbers, used_by = counts["numbers"], counts["used"]
    if numbers >= limits.PUMPING_NUMBERS and used_by < numbers * limits.PUMPING_USED:
        alarms.sound(AlarmCode.PUMPING, detail=f"{numbers} numbers got codes within an hour, {used_by} used one")
        return
    level, tried, good = conduct.population(Kind.CODE)
    if level:  # most codes are held and cost nothing any more
        alarms.sound(AlarmCode.PUMPING, detail=f"{_name(level)}: {tried} codes asked for within an hour, {good} used")
    else:
        alarms.clear(AlarmCode.PUMPING)


def _watch_tries(kind: Kind) -> None:
    """Watch the tries of everybody together: one password at many accounts, tracking codes at many national IDs."""
    subject, what = _TRIES[kind]
    level, tried, good = conduct.population(kind)
    if level:
        detail = f"{_name(level)}: {tried} {what} within an hour, {good} succeeded"
        alarms.sound(AlarmCode.SPRAYING, subject, detail)
    else:
        alarms.clear(AlarmCode.SPRAYING, subject)


def _watch_loudest(kind: Kind) -> None:
    """Watch one address or network alone, which the sums of all together would hide in a busy hour. Nobody keeps which
    one it is, only its keyed hash."""
    code, subject = _ALARMS[kind]
    found = conduct.loudest(kind)
    if found:
        name, tried, good = found
        alarms.sound(code, subject, f"one {name} tried {tried} times within an hour, {good} came to something")
    else:
        alarms.clear(code, subject)


def _name(level: Level) -> str:
    return level.name.lower()


def _watch_prefixes(now: datetime) -> None:
    recent = OneTimeCode.objects.filter(created_at__gt=now - HOUR, message__isnull=False)
    prefixes = recent.values(prefix=Substr("mobile", 1, limits.PREFIX_LENGTH)).annotate(codes=Count("id"))
    many = {row["prefix"]: row["codes"] for row in prefixes.filter(codes__gt=limits.PREFIX_CODES_PER_HOUR)}
    for prefix, codes in many.items():
        alarms.sound(AlarmCode.PREFIX, local_mobile(prefix), f"{codes} codes within an hour")
    standing = Alarm.objects.filter(code=AlarmCode.PREFIX, ended_at__isnull=True)
    for subject in standing.values_list("subject", flat=True):
        if subject not in map(local_mobile, many):
            alarms.clear(AlarmCode.PREFIX, subject)
