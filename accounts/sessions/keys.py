"""Gives a session a new key when its rights change, and tells by which key its row is found."""

from __future__ import annotations

from typing import Protocol, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase


class _OurStore(Protocol):
    """What `accounts.sessions.store` adds to a session."""

    stored_key: str | None

    def copy_to_new_key(self) -> None: ...


def change_key(session: SessionBase) -> None:
    """Give the session a new key with the same content. The old row stays, for a person whose answer was lost.

    The old row of a signed-in session does not: it would stay signed in.
    """
    if SESSION_KEY in session:
        session.cycle_key()
    else:
        cast(_OurStore, session).copy_to_new_key()


def key_of_row(session: SessionBase) -> str:
    """The key under which the session stands in the table at this moment; "" if it does not. Another one than
    `session_key` in a request that has given it a new one, which is written at the end."""
    return cast(_OurStore, session).stored_key or ""
