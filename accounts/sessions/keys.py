"""Gives a session a new key when its rights change."""

from __future__ import annotations

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase


def change_key(session: SessionBase) -> None:
    """Give the session a new key with the same content. The old row stays, for a person whose answer was lost.

    The old row of a signed-in session is deleted: it would stay signed in.
    """
    if SESSION_KEY in session:
        session.cycle_key()
        return
    kept = dict(session.items())
    session.create()
    session.update(kept)
