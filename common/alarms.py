"""Alarms for administrators: a row that stands until the condition is over, and one ERROR line with a stable code.

The line is `alarm sms.<code> <subject>: <detail>`, or `identity.<code>`, `mail.<code>`, `openid.<code>`,
`portal.<code>`, for log watchers. The rows are in the admin, in `manage.py sms_backlog` and in
`manage.py identity_usage`. Neither contains a number or a text.
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
    """Sound an alarm about `subject` (a gateway, a registry, a prefix; empty: the whole app).

    While it lasts, the row counts the repetitions, and the line is written again every `limits.ALARM_AGAIN`.
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
    """End an alarm; returns whether it stood."""
    standing = Alarm.objects.filter(code=code, subject=subject, ended_at__isnull=True)
    if over := bool(standing.update(ended_at=timezone.now())):
        log.info("alarm %s.%s %s is over", code.room, code, subject or "-")
    return over


def end_old() -> None:
    """End alarms that tell of an event, which have no end of their own, `limits.ALARM_STANDS` after the last time."""
    for alarm in Alarm.objects.filter(
        code__in=_WITHOUT_END, ended_at__isnull=True, last_at__lt=timezone.now() - limits.ALARM_STANDS
    ):
        clear(AlarmCode(alarm.code), alarm.subject)


def standing(room: str) -> list[Alarm]:
    """The alarms of `room` (the app: sms, identity, mail, openid, portal) that are not over, newest first."""
    codes = [code for code in AlarmCode if code.room == room]
    return list(Alarm.objects.filter(code__in=codes, ended_at__isnull=True).order_by("-last_at"))


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete alarms that ended before `before`; returns how many."""
    old = Alarm.objects.filter(ended_at__lt=before)
    return old.count() if dry_run else old.delete()[0]
