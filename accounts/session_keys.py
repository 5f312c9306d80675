"""A session's key changes with its rights."""

from __future__ import annotations

from django.contrib.sessions.backends.base import SessionBase


def change_key(session: SessionBase) -> None:
    """A new key with the same content. The old row stays: a person whose answer was lost goes on from it."""
    kept = dict(session.items())
    session.create()
    session.update(kept)
