"""Ends sessions: those of an account, one that another engine used, and those whose time is over.

What the owner ends on the page of devices is in `accounts.profile.device_list`.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.life import notices
from accounts.models import EventKind, Session, User
from common import limits, purging


def end_sessions(*, account: User, but: str = "") -> int:
    """End the sessions of `account`, all `but` the one with this key; returns how many."""
    return Session.objects.filter(account=account).exclude(session_key=but).delete()[0]


@transaction.atomic
def end_used_elsewhere(*, account: User, session_key: str, browser: str) -> None:
    """End a session that another engine used, and record it: once, however many pages were asked for."""
    row = User.objects.select_for_update().filter(pk=account.pk).first()  # also when the account is being closed
    if row and Session.objects.filter(session_key=session_key, account=row).delete()[0]:
        notices.record(account=row, kind=EventKind.SESSION_ELSEWHERE, actor=notices.PORTAL, browser=browser)


def purge(*, dry_run: bool = False) -> int:
    """Delete sessions that nobody can use any more; returns how many."""
    now = timezone.now()
    over = Session.objects.filter(Q(expire_date__lte=now) | Q(seen_at__lte=now - limits.SESSION_IDLE))
    return purging.delete(over, dry_run=dry_run)
