"""Ends sessions: those of an account, one that another engine used, and those whose time is over.

What the owner ends on the page of devices is in `accounts.profile.device_list`.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.life import notices
from accounts.models import EventKind, Session, User
from accounts.sessions import listeners
from accounts.sessions.listeners import Reason
from common import limits, purging


@transaction.atomic
def end_sessions(*, account: User, reason: Reason, but: str = "") -> int:
    """End the sessions of `account`, all `but` the one with this key; returns how many.

    With a new password everything ends that was opened through any session, also through the one that stays: the old
    password may have opened it.
    """
    stays = Session.objects.filter(account=account, session_key=but).first() if but else None
    kept = stays.portal_sid if stays and reason != Reason.PASSWORD_CHANGED else ""
    listeners.tell(account_id=account.pk, portal_sids=None, reason=reason, but=kept)
    return Session.objects.filter(account=account).exclude(session_key=but).delete()[0]


def end_session(*, session: Session) -> bool:
    """End one session of an account, whose row the caller has locked. False: it was over already."""
    if session.portal_sid and session.account_id:
        sids = [session.portal_sid]
        listeners.tell(account_id=session.account_id, portal_sids=sids, reason=Reason.SESSIONS_ENDED)
    return bool(session.delete()[0])


@transaction.atomic
def end_used_elsewhere(*, account: User, session_key: str, browser: str) -> None:
    """End a session that another engine used, and record it: once, however many pages were asked for."""
    row = User.objects.select_for_update().filter(pk=account.pk).first()  # also when the account is being closed
    session = Session.objects.filter(session_key=session_key, account=row).first() if row else None
    if row and session and end_session(session=session):
        notices.record(account=row, kind=EventKind.SESSION_ELSEWHERE, actor=notices.PORTAL, browser=browser)


def purge(*, dry_run: bool = False) -> int:
    """Delete sessions that nobody can use any more; returns how many."""
    now = timezone.now()
    over = Session.objects.filter(Q(expire_date__lte=now) | Q(seen_at__lte=now - limits.SESSION_IDLE))
    return purging.delete(over, dry_run=dry_run)
