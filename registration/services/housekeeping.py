"""Ends abandoned registrations, and blanks what people typed in ended ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.life import lifecycle
from common import limits
from common.database import in_pages
from registration.models import Registration
from registration.services.decisions import hold_national_id
from registration.services.journey import Identity
from registration.services.transitions import PORTAL, move_locked
from registration.states import ENDED, State

_LIVES = {
    State.STARTED: limits.STARTED_LIFE,
    State.MOBILE_CONFIRMED: limits.CONFIRMED_LIFE,
    State.REFERRED: limits.BRANCH_LIFE,
    State.AWAITING_BRANCH: limits.BRANCH_LIFE,
}
_SECRETS_GONE = {"password": "", "security_answer": ""}


def expire_abandoned(*, dry_run: bool = False, progress: Callable[[], None] | None = None) -> int:
    """Expire registrations that nobody touched for longer than their state allows; returns how many."""
    now, due = timezone.now(), Q()
    for state, life in _LIVES.items():
        due |= Q(state=state, touched_at__lt=now - life)
    rows = Registration.objects.filter(due)
    if dry_run:
        return rows.count()
    return sum(_expire(row, progress) for row in in_pages(rows))


def _expire(row: Registration, progress: Callable[[], None] | None) -> int:
    """Expire `row` if, under its lock, it is still as old and where it was when it was selected."""
    try:
        with transaction.atomic():
            hold_national_id(row.national_id)
            now = Registration.objects.select_for_update().get(pk=row.pk)
            if (now.state, now.touched_at) != (row.state, row.touched_at):
                return 0
            waiting = row.account
            move_locked(now, State.EXPIRED, actor=PORTAL, why="abandoned", account=None, **_SECRETS_GONE)
            if waiting:
                lifecycle.delete_inactive_account(user=waiting)
    finally:
        if progress:
            progress()
    return 1


def forget_ended(*, before: datetime, dry_run: bool = False) -> int:
    """Blank what people typed whose registration ended, other than well, before `before`; returns how many.

    It is not ours to keep. The events stay.
    """
    rows = (
        Registration.objects.filter(state__in=ENDED, state_since__lt=before)
        .exclude(state=State.APPROVED)
        .exclude(last_name="", password="", draft={}, came_from="")
    )
    if dry_run:
        return rows.count()
    nothing = {typed.name: Registration.column(typed.name).get_default() for typed in fields(Identity)}
    return rows.update(**nothing, draft={}, verdict_fields={}, came_from="")


def forget_services(*, before: datetime, dry_run: bool = False) -> int:
    """Forget from which service those came whose account was made before `before`; returns how many."""
    rows = Registration.objects.filter(state=State.APPROVED, state_since__lt=before).exclude(came_from="")
    return rows.count() if dry_run else rows.update(came_from="")
