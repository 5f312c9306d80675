"""What a session knows of its sign-in: its lasting name, when the password was typed in it, and when a code by SMS.

No secret is among it: the session's key opens pages, its name (`portal_sid`) only names it in our own tables.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.utils import timezone

from accounts.sessions.guards import is_citizen
from accounts.sessions.store import BEGAN, PORTAL_SID, SessionStore

_PASSWORD_AT, _CODE_AT = "password_at", "code_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`portal_sid`: 32 hex digits, made at the sign-in, the same under every key that the session gets. `code_at`: when
    a code by SMS to the mobile on record was right in this session; None: never."""

    portal_sid: str
    password_at: dt.datetime
    code_at: dt.datetime | None


def facts_of(request: HttpRequest) -> Facts | None:
    """The facts of this signed-in citizen's session; None for anybody else."""
    session = request.session
    if not is_citizen(request.user) or not isinstance(session, SessionStore):
        return None
    if PORTAL_SID not in session:  # signed in before sessions had names
        session.give_name()
    typed_at = session.get(_PASSWORD_AT, session.get(BEGAN))
    code_at = session.get(_CODE_AT)
    return Facts(
        portal_sid=session[PORTAL_SID],
        password_at=_moment(typed_at) if typed_at else timezone.now(),
        code_at=_moment(code_at) if code_at else None,
    )


def begin(request: HttpRequest, *, password_at: dt.datetime, code_at: dt.datetime | None) -> None:
    """The sign-in is complete. Call it after `login`: what is here from before it may be another person's."""
    request.session[_PASSWORD_AT] = password_at.timestamp()
    request.session.pop(_CODE_AT, None)
    if code_at:
        request.session[_CODE_AT] = code_at.timestamp()


def typed_again(request: HttpRequest, *, password: bool = False, code: bool = False) -> None:
    """The signed-in citizen has just proven to be there still: by the password, or by a code by SMS."""
    if SESSION_KEY not in request.session:
        raise TypeError("a session of a signed-in citizen")
    now = timezone.now().timestamp()
    for name, was_typed in ((_PASSWORD_AT, password), (_CODE_AT, code)):
        if was_typed:
            request.session[name] = now


def _moment(timestamp: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(timestamp, dt.UTC)
