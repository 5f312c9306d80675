"""Stages of a sign-in that is half-way: the password was right, one more proof is missing, and nobody is signed in yet.

The session keeps under the key of the stage whose password it was, since when, the account's session hash, and what
else the stage needs. Never a password or a code. Another kind of proof is one more `Stage`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import User

_USER, _AT = "user", "at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A proof that is required after the password.

    `key`: the session's key of the stage; `hash_name`: the name of the account's session hash there. Live sessions hold
    both: neither may change. `account_of`: returns the account with this primary key, or None when it may not sign in.
    `keeps_session`: whether the rest of the session stays when the same account was signed in.
    """

    key: str
    hash_name: str
    account_of: Callable[[int], User | None]
    keeps_session: bool


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Who waits at a stage, since when, and what the stage keeps."""

    user: User
    since: datetime
    remembered: dict[str, Any]


def begin(request: HttpRequest, stage: Stage, user: User, **remembered: Any) -> None:
    """This session waits at `stage` for `user`, whose password was right, under a new key. Whoever was signed in here
    is signed out. `remembered`: values that JSON can hold."""
    _sign_out(request, stage, user)
    request.session[stage.key] = {
        _USER: user.pk,
        _AT: timezone.now().timestamp(),
        stage.hash_name: user.get_session_auth_hash(),  # as in a session: the stage ends when the password is changed
        **remembered,
    }


def pending(request: HttpRequest, stage: Stage, *, within: timedelta, ahead: timedelta) -> HalfWay | None:
    """Who waits at `stage` in this session; None when nobody does, or no longer (too late, another password, a closed
    account).

    `within`: how long the proof is waited for; `ahead`: how far the beginning may lie in the future, where the clock
    was put back.
    """
    held = request.session.get(stage.key)
    if not held:
        return None
    age = timezone.now().timestamp() - held[_AT]
    if not -ahead.total_seconds() <= age < within.total_seconds():
        return None
    user = stage.account_of(held[_USER])
    if user is None or not constant_time_compare(user.get_session_auth_hash(), held[stage.hash_name]):
        return None
    since = datetime.fromtimestamp(held[_AT], UTC)
    return HalfWay(user, since, {name: held[name] for name in held.keys() - {_USER, _AT, stage.hash_name}})


def end(request: HttpRequest, stage: Stage) -> None:
    """Nobody waits at `stage` in this session any more."""
    request.session.pop(stage.key, None)


def _sign_out(request: HttpRequest, stage: Stage, user: User) -> None:
    """Sign out whoever is signed in. Nothing is kept of another person's session, as in Django's own `login`."""
    signed_in = request.session.get(SESSION_KEY)
    if signed_in is not None and not (stage.keeps_session and signed_in == str(user.pk)):
        request.session.flush()
        return
    for key in (SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY):
        request.session.pop(key, None)
    request.session.cycle_key()
