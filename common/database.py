"""How long the portal waits for a row that somebody else holds.

PostgreSQL waits for ever by itself: one forgotten transaction would stop a worker, or all threads of the
web, one after the other. Commands and migrations wait as long as it takes: somebody looks at them.
SQLite's time is in `settings.DATABASES`.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from common import limits

_LOCK_NOT_AVAILABLE = "55P03"


def limit_waits() -> None:
    """In this process, from its next connection on: `limits.LOCK_WAIT` for a lock, then OperationalError; and a
    transaction that does nothing for `limits.TRANSACTION_IDLE` is ended by the server."""
    connection_created.connect(_set_limits, dispatch_uid="limit_waits")


def is_locked(error: DatabaseError) -> bool:
    """Whether `error` says that somebody else held what was needed for too long: nothing is broken."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", 0) or 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(cause, "pgcode", None) == _LOCK_NOT_AVAILABLE


def _set_limits(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.vendor == "postgresql":
        waits = {"lock_timeout": limits.LOCK_WAIT, "idle_in_transaction_session_timeout": limits.TRANSACTION_IDLE}
        with connection.cursor() as cursor:
            for name, span in waits.items():
                cursor.execute("SELECT set_config(%s, %s, false)", [name, f"{span.total_seconds() * 1000:.0f}"])
