"""A session's key changes with its rights."""

from __future__ import annotations

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase


def change_key(session: SessionBase) -> None:
    """A new key with the same content. The old row stays: a person whose answer was lost goes on from it.

    Not the one of somebody who is signed in: it would stay signed in.
    """
    if SESSION_KEY in session:
        session.cycle_key()
        return
    kept = dict(session.items())
    session.create()
    session.update(kept)
