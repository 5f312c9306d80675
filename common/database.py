"""Limits how long the portal waits for a row that somebody else has locked.

PostgreSQL itself waits for ever: one forgotten transaction would stop a worker, or one web thread after the other.
Commands and migrations wait as long as it takes, because somebody watches them. SQLite's time is in
`settings.DATABASES`.
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
    """From this process's next connection on: after `limits.LOCK_WAIT` for a lock OperationalError is raised, and the
    server ends a transaction that does nothing for `limits.TRANSACTION_IDLE`."""
    connection_created.connect(_set_limits, dispatch_uid="limit_waits")


def is_locked(error: DatabaseError) -> bool:
    """Whether `error` means that a lock was held by somebody else for too long; nothing is broken then."""
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
