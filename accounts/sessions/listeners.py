"""Tells apps above that sessions of an account were ended on purpose, so that what was opened through them ends too.

On purpose: a sign-out, also because another person signs in at the same browser; the page of devices; a new password;
a session in another kind of browser; a freeze, a closing, a reopening; administrators. Never by idleness or by the
absolute end, which are of the portal alone.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol


class Reason(StrEnum):
    """Why the sessions ended."""

    SIGNED_OUT = "signed_out"
    SESSIONS_ENDED = "sessions_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a reason
    CLOSED = "closed"


class Listener(Protocol):
    """Called inside the transaction that ends the sessions; what it raises undoes it.

    `portal_sids`: the names of the sessions (`accounts.sessions.sign_in_facts`); None: all that the account ever had,
    also those that were over by time already, but the one named `but`, where it is not empty.
    """

    def __call__(self, *, account_id: int, portal_sids: Collection[str] | None, reason: str, but: str) -> None: ...


_listeners: list[Listener] = []


def register(listener: Listener) -> None:
    """From now on call `listener` at each such end. For `AppConfig.ready`; again changes nothing."""
    if listener not in _listeners:
        _listeners.append(listener)


def unregister(listener: Listener) -> None:
    """Call `listener` no more. For tests."""
    _listeners.remove(listener)


def tell(*, account_id: int, portal_sids: Collection[str] | None, reason: Reason, but: str = "") -> None:
    """Call every listener, in the caller's transaction."""
    for listener in _listeners:
        listener(account_id=account_id, portal_sids=portal_sids, reason=str(reason), but=but)
