"""What the apps above are told when sessions are ended on purpose; and what a session knows of its sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.test import Client, RequestFactory

from accounts.sessions import listeners, sign_in_facts
from accounts.sessions.binding import get_user
from accounts.sessions.sign_in_facts import Facts
from accounts.sessions.store import SessionStore

Told = tuple[int, list[str] | None, str, str]


@contextmanager
def listening() -> Iterator[list[Told]]:
    """The list fills with what a listener is told: account, names of sessions, reason, which stays."""
    heard: list[Told] = []

    def listener(*, account_id: int, portal_sids: Any, reason: str, but: str) -> None:
        assert connection.in_atomic_block
        heard.append((account_id, None if portal_sids is None else list(portal_sids), reason, but))

    listeners.register(listener)
    try:
        yield heard
    finally:
        listeners.unregister(listener)


def facts(client: Client) -> Facts | None:
    """What the session of this browser knows of its sign-in."""
    request = RequestFactory().get("/")
    cookie = client.cookies.get("sessionid")
    request.session = SessionStore(cookie.value if cookie else None)
    request.user = get_user(request)
    found = sign_in_facts.facts_of(request)
    if request.session.modified:
        request.session.save()
    return found


def name(client: Client) -> str:
    """The lasting name of the session."""
    found = facts(client)
    assert found
    return found.portal_sid
