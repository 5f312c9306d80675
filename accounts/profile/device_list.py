"""The owner's list of open sessions and trusted devices, and how the owner ends one of them.

A row is named by a reference: a keyed hash that only its own account's page holds. It says nothing of the session's
key, and distinguishes a row that is gone (no error: it ended meanwhile) from one that never was this account's.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TypeVar

from django.core import signing
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.life import notices
from accounts.life.locking import open_account
from accounts.models import EventKind, Session, TrustedDevice, User
from accounts.sessions import ending
from accounts.sessions.listeners import Reason
from common import limits
from common.errors import PortalError
from common.secrets import keyed_hash, keyed_hash_matches

_Row = TypeVar("_Row", Session, TrustedDevice)


@dataclass(frozen=True, slots=True)
class ListedBrowser:
    """One session or device on the page. `here`: it is the browser that asks."""

    reference: str
    browser: str
    since: dt.datetime
    used_at: dt.datetime
    here: bool = False


def open_sessions(*, account: User, key: str) -> list[ListedBrowser]:
    """The open sessions of `account`: the one with `key` first, then the last used ones."""
    entries = [_listed(account, row, here=row.session_key == key) for row in _session_rows(account)]
    return sorted(entries, key=lambda entry: (entry.here, entry.used_at), reverse=True)


def trusted_devices(*, account: User) -> list[ListedBrowser]:
    """The trusted devices of `account`, the last used first."""
    rows = _device_rows(account).order_by("-used_at")
    return [ListedBrowser(_reference(account, row), row.browser, row.created_at, row.used_at) for row in rows]


@transaction.atomic
def end_session(*, account: User, key: str, reference: str, browser: str) -> None:
    """End the session that `reference` names; nothing happens if it is over already.

    Raises PortalError: no_such_row (the reference is none of this account's), session_over, account_closed.
    """
    account = _locked(account, key)
    row = _found(account, reference, _session_rows(account))
    if row and ending.end_session(session=row):
        notices.record(account=account, kind=EventKind.SESSION_ENDED, browser=browser, ended=row.browser)


@transaction.atomic
def end_other_sessions(*, account: User, key: str, browser: str) -> int:
    """End every session of `account` but the one with `key`; returns how many.

    Raises PortalError: session_over, account_closed.
    """
    account = _locked(account, key)
    living = _session_rows(account).exclude(session_key=key).count()
    ending.end_sessions(account=account, reason=Reason.SESSIONS_ENDED, but=key)
    if living:
        notices.record(account=account, kind=EventKind.SESSIONS_ENDED, browser=browser, sessions=living)
    return living


@transaction.atomic
def forget_device(*, account: User, key: str, reference: str, browser: str) -> None:
    """End the trust in the device that `reference` names; nothing happens if it is over already.

    Raises PortalError: no_such_row (the reference is none of this account's), session_over, account_closed.
    """
    account = _locked(account, key)
    row = _found(account, reference, _device_rows(account))
    if row and row.delete()[0]:
        notices.record(account=account, kind=EventKind.DEVICE_FORGOTTEN, browser=browser, ended=row.browser)


def _listed(account: User, row: Session, *, here: bool) -> ListedBrowser:
    """A line of the list. The session that asks for it is used now, whether its row says so yet or not."""
    used_at = timezone.now() if here else row.seen_at
    return ListedBrowser(_reference(account, row), row.browser, row.began_at, used_at, here=here)


def _locked(account: User, key: str) -> User:
    """The account, locked, for the session with `key`. Of two sessions that end each other the first one wins."""
    row = open_account(account=account)
    if not _session_rows(row).filter(session_key=key).exists():
        raise PortalError("session_over")
    return row


def _session_rows(account: User) -> QuerySet[Session]:
    now = timezone.now()
    return Session.objects.filter(account=account, expire_date__gt=now, seen_at__gt=now - limits.SESSION_IDLE)


def _device_rows(account: User) -> QuerySet[TrustedDevice]:
    return TrustedDevice.objects.filter(account=account, used_at__gt=timezone.now() - limits.TRUSTED_FOR)


def _found(account: User, reference: str, rows: QuerySet[_Row]) -> _Row | None:
    """The row that `reference` names; None when it is gone. Raises PortalError("no_such_row")."""
    try:
        digest = _signer(account).unsign(reference)
    except signing.BadSignature:
        raise PortalError("no_such_row") from None
    return next((row for row in rows if keyed_hash_matches(_purpose_of(row), str(row.pk), digest)), None)


def _reference(account: User, row: Session | TrustedDevice) -> str:
    return _signer(account).sign(keyed_hash(_purpose_of(row), str(row.pk)))


def _purpose_of(row: Session | TrustedDevice) -> str:
    return f"a line of {type(row).__name__}"


def _signer(account: User) -> signing.Signer:
    return signing.Signer(salt=f"accounts.services.sessions:{account.pk}")
