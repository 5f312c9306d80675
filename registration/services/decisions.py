"""Decisions about a registration: approve, refer, reject, supersede; each with its SMS.

Lock order everywhere: first the national ID's name, then rows. So two decisions for one ID wait
for each other and never for each other's rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import services as accounts
from accounts.models import User
from registration.models import Registration
from registration.services.moves import PORTAL, move, move_all
from registration.states import OPEN, State
from sms import outbox, texts
from sms.models import MessageKind
from tamin_portal.leases import lock_name

_SECRETS_GONE: dict[str, Any] = {
    "password": "",
    "security_answer": "",
    "draft": {},
    "next_attempt_at": None,
    "lease": None,
}


def hold_national_id(national_id: str) -> None:
    """Make decisions for this national ID wait for each other, until the transaction ends."""
    lock_name(f"national-id:{national_id}")


def approve_matched(row: Registration, *, verdict: dict[str, Any]) -> Registration:
    """The registries agreed: an active account, or, with ACTIVATION_POLICY=branch, an inactive one."""
    if settings.ACTIVATION_POLICY == "branch":
        with transaction.atomic():
            user = _account_for(row, active=False)
            row = move(
                row, State.AWAITING_BRANCH, actor=PORTAL, why="matched", account=user, **verdict, **_SECRETS_GONE
            )
            tell(row, "awaiting", texts.activate_at_branch(name=row.full_name, gender=row.gender))
        return row
    return approve(row, actor=PORTAL, why="matched", **verdict)


def approve(
    row: Registration, *, actor: str, why: str, note: str = "", papers: Sequence[str] = (), **changes: Any
) -> Registration:
    """Give `row` its active account, supersede the others for this national ID, and tell everyone.

    Raises PortalError: account_exists (another registration won), illegal_move.
    """
    with transaction.atomic():
        row, waiting = _held(row)
        if waiting:
            accounts.activate_account(user=waiting)
        user = waiting or _account_for(row, active=True)
        changes |= _SECRETS_GONE | {"account": user}
        row = move(row, State.APPROVED, actor=actor, why=why, note=note, papers=papers, **changes)
        name = {"name": row.full_name, "gender": row.gender}
        tell(row, "approved", texts.activated(**name) if waiting else texts.account_created(**name))
        _supersede_others(row)
    return row


def refer(row: Registration, *, why: str, **changes: Any) -> Registration:
    """A branch must see the person's papers; the guide's SMS says so."""
    with transaction.atomic():
        row = move(row, State.REFERRED, actor=PORTAL, why=why, **changes)
        text = texts.visit_branch(name=row.full_name, gender=row.gender)
        tell(row, f"referred:{row.corrections}", text)
    return row


def reject(row: Registration, *, actor: str, reason: str, papers: Sequence[str] = ()) -> Registration:
    """Staff refuse it with a reason; the person may start anew."""
    with transaction.atomic():
        row, waiting = _held(row)
        row = move(
            row, State.REJECTED, actor=actor, why="rejected", note=reason, papers=papers, account=None, **_SECRETS_GONE
        )
        if waiting:
            accounts.delete_inactive_account(user=waiting)
        tell(row, "rejected", texts.rejected(name=row.full_name, gender=row.gender, reason=reason))
    return row


def supersede(row: Registration, *, why: str) -> Registration:
    """Another registration for this national ID was approved. A proven number is told, once."""
    with transaction.atomic():
        waiting = row.account
        row = move(row, State.SUPERSEDED, actor=PORTAL, why=why, account=None, grant_hash="", **_SECRETS_GONE)
        if waiting:
            accounts.delete_inactive_account(user=waiting)
        if row.confirmed_at:
            tell(row, "superseded", texts.superseded(tracking_code=row.tracking_code or ""))
    return row


def _held(row: Registration) -> tuple[Registration, User | None]:
    """The row as it is now that its national ID is held, and the inactive account it waits with."""
    hold_national_id(row.national_id)
    row = Registration.objects.select_related("account").get(pk=row.pk)
    return row, row.account


def tell(row: Registration, what: str, text: str, kind: MessageKind = MessageKind.RESULT) -> None:
    """One SMS to the row's mobile; telling the same thing twice sends one."""
    outbox.enqueue(
        to=row.mobile, kind=kind, text=text, dedupe_key=f"registration:{row.pk}:{what}", operator=row.operator
    )


def _supersede_others(winner: Registration) -> None:
    others = Registration.objects.filter(national_id=winner.national_id, state__in=OPEN).exclude(pk=winner.pk)
    # First the unproven ones, all at once: strangers can make thousands, and nobody is told of them.
    move_all(others, State.STARTED, State.SUPERSEDED, actor=PORTAL, why="another_approved")
    for other in others.select_related("account").order_by("pk"):
        supersede(other, why="another_approved")


def _account_for(row: Registration, *, active: bool) -> User:
    if row.birth_date is None:
        raise ValueError("only a submitted registration can become an account")
    return accounts.create_account(
        national_id=row.national_id,
        mobile=row.mobile,
        first_name=row.first_name,
        last_name=row.last_name,
        gender=row.gender,
        birth_date=row.birth_date,
        city=row.city,
        email=row.email,
        password_hash=row.password,
        security_question=row.security_question,
        security_answer_hash=row.security_answer,
        active=active,
    )
