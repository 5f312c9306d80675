"""Closes and opens an account: its owner freezes it ("not me"), an administrator deactivates and reactivates it.

Whoever holds a "not me" link can only freeze the account: an administrator opens it again, for a branch that has
seen the papers.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.life import notices
from accounts.life.locking import end_pending
from accounts.models import AccountEvent, Closure, EventKind, FreezeLink, TrustedDevice, User
from accounts.sessions.ending import end_sessions
from accounts.sessions.listeners import Reason
from common import limits
from common.errors import PortalError
from common.persian import mask_mobile
from common.secrets import keyed_hashes

_FIELDS_OF_REACTIVATION = (
    "is_active",
    "closure",
    "closed_at",
    "password",
    "password_changed_at",
    "email_confirmed_at",
    "mobile",
    "recovery_without_answer_until",
)


def account_of(*, national_id: str) -> User:
    """The account that an administrator means by this national ID: the activated one, else one that waits for a branch.

    Raises PortalError("no_account").
    """
    found = User.objects.filter(national_id=national_id).order_by("-pk")
    account = found.filter(activated_at__isnull=False).first() or found.first()
    if account is None:
        raise PortalError("no_account")
    return account


def check_link(*, token: str) -> FreezeLink:
    """The "not me" link with this secret, if it can freeze its account now. Changes nothing.

    Raises PortalError: link_over (unknown, or too old: alike), account_frozen, account_deactivated, link_used (and
    the account is open again).
    """
    youngest = timezone.now() - limits.FREEZE_LINK_LIFE
    links = FreezeLink.objects.filter(token_hash__in=keyed_hashes("not me", token), created_at__gt=youngest)
    link = links.select_related("account", "event").first()
    if link is None:
        raise PortalError("link_over")
    if not link.account.is_active:
        frozen = link.account.closure == Closure.FROZEN
        raise PortalError("account_frozen" if frozen else "account_deactivated")
    if link.used_at:
        raise PortalError("link_used")
    return link


@transaction.atomic
def freeze(*, token: str, browser: str = "") -> User:
    """Close the account for the reader of an SMS who says that it was somebody else: nobody can sign in any more.
    Raises as `check_link`.

    Everybody who was told of the event is told of the freeze too: after a change of number or address, the old one as
    well.
    """
    User.objects.select_for_update().get(pk=check_link(token=token).account_id)
    link = check_link(token=token)  # checked again, now that the account is locked
    link.used_at = timezone.now()
    link.save(update_fields=["used_at"])
    account = link.account
    _close(account, Closure.FROZEN)
    numbers, addresses = notices.recipients_of(account=account, event=link.event)
    notices.record(account=account, kind=EventKind.FROZEN, browser=browser, sms_to=numbers, mail_to=addresses)
    return account


@transaction.atomic
def deactivate(*, account: User, by: str, reason: str) -> bool:
    """Close the account. False: it was closed already (frozen stays frozen), and nothing was changed.

    Raises PortalError: account_never_activated, no_account.
    """
    row = _locked(account)
    if not row.is_active:
        return False
    _close(row, Closure.DEACTIVATED)
    notices.record(account=row, kind=EventKind.DEACTIVATED, actor=notices.administrator(by), reason=reason)
    return True


@transaction.atomic
def reactivate(*, account: User, by: str, reason: str, mobile: str = "", without_answer: bool = False) -> bool:
    """Open the account again, for a branch that has seen the papers. False: it was open, and nothing was changed.

    After a freeze the old password is void, because somebody else knew it, and the owner sets a new one by recovery;
    the e-mail address gets no letters until it is confirmed again, because it may be the thief's. `mobile` (E.164):
    another number, where the SIM is lost or the one on record is a thief's; both numbers are told. `without_answer`:
    recovery needs no security answer for `limits.RECOVERY_WITHOUT_ANSWER`. Raises PortalError: account_never_activated,
    no_account.
    """
    row = _locked(account)
    if row.is_active:
        return False
    numbers = dict.fromkeys((row.mobile, mobile or row.mobile))
    reset = _reset(row, mobile, without_answer)
    row.is_active, row.closure, row.closed_at = True, "", None
    row.save(update_fields=_FIELDS_OF_REACTIVATION)
    end_sessions(account=row, reason=Reason.CLOSED)  # a session that began at the very moment of the closing
    FreezeLink.objects.filter(account=row, used_at__isnull=True).update(used_at=timezone.now())
    notices.record(
        account=row,
        kind=EventKind.REACTIVATED,
        actor=notices.administrator(by),
        reason=reason,
        sms_to=[*numbers],
        **reset,
    )
    return True


@transaction.atomic
def end_all_sessions(*, account: User, by: str, reason: str) -> int:
    """Sign the account out everywhere; returns how many sessions ended. Raises PortalError: account_never_activated,
    no_account."""
    row = _locked(account)
    ended = end_sessions(account=row, reason=Reason.SESSIONS_ENDED)
    actor = notices.administrator(by)
    notices.record(account=row, kind=EventKind.SESSIONS_ENDED, actor=actor, reason=reason, sessions=ended)
    return ended


@transaction.atomic
def look_at_history(*, account: User, by: str, reason: str) -> list[AccountEvent]:
    """Everything that happened to the account, newest first. First records that an administrator looked."""
    notices.record(account=account, kind=EventKind.LOOKED_AT, actor=notices.administrator(by), reason=reason)
    return list(account.events.order_by("-at", "-pk"))


def _locked(account: User) -> User:
    """The row of a citizen's activated account, closed or not, locked to the transaction's end."""
    row = User.objects.select_for_update().filter(pk=account.pk).exclude(national_id="").first()
    if row is None:
        raise PortalError("no_account")
    if row.activated_at is None:
        raise PortalError("account_never_activated")
    return row


def _close(account: User, closure: Closure) -> None:
    account.is_active, account.closure, account.closed_at = False, closure, timezone.now()
    account.save(update_fields=["is_active", "closure", "closed_at"])
    end_sessions(account=account, reason=Reason.CLOSED)
    TrustedDevice.objects.filter(account=account).delete()
    end_pending(account=account)


def _reset(account: User, mobile: str, without_answer: bool) -> dict[str, Any]:
    """Reset what a reactivation resets; the caller saves it. Returns the details for the history."""
    reset: dict[str, Any] = {}
    account.recovery_without_answer_until = None  # what was allowed before the closing ends: the papers are seen again
    if account.closure == Closure.FROZEN:
        account.set_unusable_password()
        account.password_changed_at = timezone.now()
        account.email_confirmed_at = None
        reset["password_reset"] = True
    if mobile and mobile != account.mobile:
        account.mobile = mobile
        reset["mobile"] = mask_mobile(mobile)
    if without_answer:
        account.recovery_without_answer_until = timezone.now() + limits.RECOVERY_WITHOUT_ANSWER
        reset["without_answer"] = True
    return reset
