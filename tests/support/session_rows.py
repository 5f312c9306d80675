"""The rows of sessions: what a page asks of them, and moving them through time."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings

from accounts.models import Session
from accounts.sessions import uses
from accounts.sessions.store import SessionStore


def let_pass(span: timedelta) -> None:
    """Move what the sessions remember into the past, as if `span` had gone by."""
    for row in Session.objects.all():
        store = SessionStore(row.session_key)
        data = store.decode(row.session_data)
        data["began"] -= span.total_seconds()
        Session.objects.filter(pk=row.pk).update(
            session_data=store.encode(data),
            **{name: F(name) - span for name in ("expire_date", "began_at", "seen_at")},
        )


def on_sessions(client: Client, page: str) -> list[str]:
    """What a page asks of sessions in a process that gathers their uses."""
    with override_settings(SESSION_USES_WRITTEN_WITHIN=5), CaptureQueriesContext(connection) as queries:
        answer = client.get(page)
    uses.gathered.write()  # its own thread finds nothing then
    assert answer.status_code < 500
    return [query["sql"] for query in queries if "accounts_session" in query["sql"]]
