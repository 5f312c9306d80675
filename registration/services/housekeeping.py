"""What time does to registrations: expiry of those left alone, and the purge of what is not needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import code_validity, session_ending
from accounts import services as accounts
from accounts.models import SignInFailures
from accounts.services.housekeeping import purge_proofs
from identity import services as identity
from mail import delivery as mail
from registration.models import Registration
from registration.services.decisions import hold_national_id
from registration.services.moves import PORTAL, move
from registration.states import ENDED, State
from sms import delivery, reports
from tamin_portal import alarms, limits
from tamin_portal.abuse import conduct, proof, turns
from tamin_portal.models import PostCount

_LIVES = {
    State.STARTED: limits.STARTED_LIFE,
    State.MOBILE_CONFIRMED: limits.CONFIRMED_LIFE,
    State.REFERRED: limits.BRANCH_LIFE,
    State.AWAITING_BRANCH: limits.BRANCH_LIFE,
}


def expire_abandoned(*, dry_run: bool = False, progress: Callable[[], None] | None = None) -> int:
    """Expire what was left alone for longer than its state allows; returns how many."""
    now, due = timezone.now(), Q()
    for state, life in _LIVES.items():
        due |= Q(state=state, touched_at__lt=now - life)
    rows = Registration.objects.filter(due).order_by("pk")
    if dry_run:
        return rows.count()
    return sum(_expire(row, progress) for row in rows.iterator())


def purge(*, dry_run: bool = False, progress: Callable[[], None] | None = None) -> dict[str, int]:
    """Delete or blank what is past its time (limits.py); returns how many of each kind."""
    now = timezone.now()
    expired = expire_abandoned(dry_run=dry_run, progress=progress)
    return {
        "expired": expired,
        "secrets_and_drafts": _forget_ended(now - limits.DRAFTS_KEPT, dry_run),
        "codes": code_validity.purge(before=now - limits.CODES_KEPT, dry_run=dry_run),
        "proofs": purge_proofs(before=now - limits.PROOFS_KEPT, dry_run=dry_run),
        "extracts": identity.purge_extracts(dry_run=dry_run),
        "message_texts": delivery.scrub(before=now - limits.MESSAGE_BODY_KEPT, dry_run=dry_run),
        "letter_texts": mail.scrub(before=now - limits.MAIL_BODY_KEPT, dry_run=dry_run),
        "letters": mail.purge(before=now - limits.MAIL_KEPT, dry_run=dry_run),
        "receipts": reports.purge(before=now - limits.RECEIPTS_KEPT, dry_run=dry_run),
        "alarms": alarms.purge(before=now - limits.ALARMS_KEPT, dry_run=dry_run),
        "sign_in_failures": _delete(
            SignInFailures.objects.filter(last_at__lt=now - limits.SIGN_IN_FORGET_AFTER), dry_run
        ),
        "sessions": _delete(session_ending.over(), dry_run),
        "conduct": conduct.purge(before=now - limits.CONDUCT_KEPT, dry_run=dry_run),
        "proofs_of_work": proof.purge(before=now - limits.CONDUCT_KEPT, dry_run=dry_run),
        "turns": turns.purge(before=now - limits.CONDUCT_KEPT, dry_run=dry_run),
        "post_counts": _delete(PostCount.objects.filter(minute__lt=_minute(now - timedelta(hours=1))), dry_run),
    }


def _expire(row: Registration, progress: Callable[[], None] | None) -> int:
    """Expire `row` if, under its lock, it is still as old and where it was when it was selected."""
    try:
        with transaction.atomic():
            hold_national_id(row.national_id)
            now = Registration.objects.select_for_update().get(pk=row.pk)
            if (now.state, now.touched_at) != (row.state, row.touched_at):
                return 0
            waiting = row.account
            move(row, State.EXPIRED, actor=PORTAL, why="abandoned", account=None, password="", security_answer="")
            if waiting:
                accounts.delete_inactive_account(user=waiting)
    finally:
        if progress:
            progress()
    return 1


def _forget_ended(before: datetime, dry_run: bool) -> int:
    """What a refused or abandoned person typed is not ours to keep; the events stay."""
    typed = ("last_name", "first_name", "certificate_number", "certificate_serial", "series_letter", "series_number")
    plain = (*typed, "gender", "country", "city", "email", "security_question", "security_answer", "password")
    rows = (
        Registration.objects.filter(state__in=ENDED, state_since__lt=before)
        .exclude(state=State.APPROVED)
        .exclude(last_name="", password="", draft={})
    )
    if dry_run:
        return rows.count()
    return rows.update(**dict.fromkeys(plain, ""), birth_date=None, draft={}, verdict_fields={})


def _delete(rows, dry_run: bool) -> int:  # type: ignore[no-untyped-def]
    return rows.count() if dry_run else rows.delete()[0]


def _minute(moment: datetime) -> int:
    return int(moment.timestamp() // 60)
