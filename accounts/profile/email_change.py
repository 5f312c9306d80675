"""Confirms an e-mail address by a link that is sent to it: a new address, or the one on record."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.life import notices
from accounts.life.locking import end_email_changes, open_account, open_with_password
from accounts.models import EmailChange, EventKind, User
from accounts.profile import confirmation_letter
from common import limits, links
from common.errors import PortalError
from common.persian import mask_email
from common.secrets import keyed_hash, keyed_hashes

PAGE = "/portal/email/"
_PURPOSE = "e-mail link"


@transaction.atomic
def ask(*, account: User, checked: str, email: str, browser: str = "") -> EmailChange:
    """Send a link to `email`; earlier links of this account end. Nothing changes before it is confirmed.

    Asked for again within a minute for the same address, the letter that is on its way is enough. Raises PortalError:
    account_closed, changed_meanwhile, email_limit, bad_address.
    """
    row, now = open_with_password(account=account, checked=checked), timezone.now()
    asked = EmailChange.objects.filter(account=row)
    on_its_way = _open(asked, now).filter(email=email, created_at__gt=now - limits.EMAIL_LINK_GAP).first()
    if on_its_way:
        return on_its_way
    if asked.filter(created_at__gt=now - timedelta(days=1)).count() >= limits.EMAIL_LINKS_PER_DAY:
        raise PortalError("email_limit")
    end_email_changes(account=row)
    token = secrets.token_urlsafe(24)
    change = EmailChange.objects.create(account=row, email=email, token_hash=keyed_hash(_PURPOSE, token))
    notices.record(account=row, kind=EventKind.EMAIL_ASKED, browser=browser, email=mask_email(email))
    confirmation_letter.send(
        to=email, link=links.absolute(PAGE + token), expires_at=change.created_at + limits.EMAIL_LINK_LIFE
    )
    return change


def pending(*, account: User) -> EmailChange | None:
    """The link that was sent and can still be used; None when there is none."""
    return _open(EmailChange.objects.filter(account=account), timezone.now()).first()


def check_link(*, token: str) -> EmailChange:
    """The change that the link confirms; it may have been used (`done_at`). Changes nothing.

    Raises PortalError("link_over"): unknown, too old, ended by a later one, or of a closed account.
    """
    change = EmailChange.objects.select_related("account").filter(token_hash__in=keyed_hashes(_PURPOSE, token)).first()
    if change is None or not (change.done_at or _is_alive(change)) or not change.account.is_active:
        raise PortalError("link_over")
    return change


@transaction.atomic
def confirm(*, token: str, browser: str = "") -> EmailChange:
    """Make the address the account's. A link that is used a second time changes nothing and is no error.

    Raises PortalError("link_over").
    """
    found = check_link(token=token)
    try:
        row = open_account(account=found.account)
    except PortalError:
        raise PortalError("link_over") from None
    change = EmailChange.objects.select_for_update().get(pk=found.pk)
    if change.done_at:
        return change
    if not _is_alive(change):
        raise PortalError("link_over")
    change.done_at = timezone.now()
    change.save(update_fields=["done_at"])
    old = row.email if row.email_confirmed_at else ""
    row.email, row.email_confirmed_at = change.email, change.done_at
    row.save(update_fields=["email", "email_confirmed_at"])
    notices.record(
        account=row,
        kind=EventKind.EMAIL_CHANGED,
        browser=browser,
        mail_to=tuple(dict.fromkeys(filter(None, (old, change.email)))),
        email=mask_email(change.email),
    )
    return change


def _open(changes: QuerySet[EmailChange], now: datetime) -> QuerySet[EmailChange]:
    return changes.filter(done_at__isnull=True, ended_at__isnull=True, created_at__gt=now - limits.EMAIL_LINK_LIFE)


def _is_alive(change: EmailChange) -> bool:
    return change.ended_at is None and change.created_at > timezone.now() - limits.EMAIL_LINK_LIFE
