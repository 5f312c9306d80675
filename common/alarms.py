"""What an administrator must hear of: a row that stands until it is over, and one ERROR line with a stable code.

The line is `alarm sms.<code> <subject>: <detail>`, or `identity.<code>`, `mail.<code>`, `portal.<code>`: a log watcher
needs no more. The rows are in the admin, in `manage.py sms_backlog` and in `manage.py identity_usage`. Neither holds a
number or a text.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from common import limits
from common.models import Alarm, AlarmCode

log = logging.getLogger(__name__)

_WITHOUT_END = (
    AlarmCode.GIVEN_UP,
    AlarmCode.RECEIPTS,
    AlarmCode.LETTER_GIVEN_UP,
)  # they tell of an event, not of a condition


def sound(code: AlarmCode, subject: str = "", detail: str = "") -> None:
    """Something is wrong with `subject` (a gateway, a registry, a prefix; empty: with the whole).

    While it lasts the row counts, and the line is repeated every `limits.ALARM_AGAIN`.
    """
    now, detail = timezone.now(), detail[:200]
    row, new = Alarm.objects.get_or_create(code=code, subject=subject, defaults={"detail": detail})
    again = new or row.ended_at is not None or row.said_at < now - limits.ALARM_AGAIN
    changes: dict[str, Any] = {"last_at": now, "detail": detail, "ended_at": None}
    if row.ended_at is not None:
        changes |= {"first_at": now, "count": 1}
    elif not new:
        changes["count"] = F("count") + 1
    if again:
        changes["said_at"] = now
        log.error("alarm %s.%s %s: %s", code.room, code, subject or "-", detail)
    Alarm.objects.filter(pk=row.pk).update(**changes)


def clear(code: AlarmCode, subject: str = "") -> bool:
    """It is over. True: until now it stood."""
    standing = Alarm.objects.filter(code=code, subject=subject, ended_at__isnull=True)
    if over := bool(standing.update(ended_at=timezone.now())):
        log.info("alarm %s.%s %s is over", code.room, code, subject or "-")
    return over


def end_old() -> None:
    """What is told once and has no end of its own stands for `limits.ALARM_STANDS` after the last time."""
    for alarm in Alarm.objects.filter(
        code__in=_WITHOUT_END, ended_at__isnull=True, last_at__lt=timezone.now() - limits.ALARM_STANDS
    ):
        clear(AlarmCode(alarm.code), alarm.subject)


def standing(room: str) -> list[Alarm]:
    """The alarms of `room` (sms, identity, mail, portal) that are not over, newest first."""
    codes = [code for code in AlarmCode if code.room == room]
    return list(Alarm.objects.filter(code__in=codes, ended_at__isnull=True).order_by("-last_at"))


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete alarms that were over before `before`; returns how many."""
    old = Alarm.objects.filter(ended_at__lt=before)
    return old.count() if dry_run else old.delete()[0]
