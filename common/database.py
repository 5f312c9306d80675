"""What every statement to the database keeps to: no wait without an end, and nothing that is left in a session.

PostgreSQL itself waits for ever: one forgotten transaction would stop a worker, or one web thread after the other.
Commands and migrations wait as long as it takes, because somebody watches them. SQLite's time is in
`settings.DATABASES`.

A pooler in transaction mode (PgBouncer) gives each transaction any of its connections, so a setting, a cursor or a
lock of the session would be left to whoever comes next, and not be there for us. tests/project/test_session_state.py
looks for such things (docs/decisions/0047-servers-as-they-are.md).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Model, QuerySet

from common import limits

_LOCK_NOT_AVAILABLE = "55P03"
_CONNECTION_FAULTS = ("08", "57P")  # class 08; 57P: shutdown, crash, starting up, idle session ended
_SERVER_FAULTS = ("53300", "25P03", "25006")  # no connection left; idle transaction ended; a standby takes no writes
_IDLE = 0  # psycopg2.extensions.TRANSACTION_STATUS_IDLE; SQLite's users need no psycopg2
PAGE = 500  # rows that `in_pages` has in memory

Row = TypeVar("Row", bound=Model)


def limit_waits() -> None:
    """From this process's next connection on: after `limits.LOCK_WAIT` for a lock OperationalError is raised, and the
    server ends a transaction that does nothing for `limits.TRANSACTION_IDLE`."""
    connection_created.connect(_add_limits, dispatch_uid="limit_waits")


def is_locked(error: DatabaseError) -> bool:
    """Whether `error` means that a lock was held by somebody else for too long; nothing is broken then."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", 0) or 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(cause, "pgcode", None) == _LOCK_NOT_AVAILABLE


def is_away(error: DatabaseError | InterfaceError) -> bool:
    """Whether `error` means that PostgreSQL does not take or has closed the connection: it is restarted, starts, fails
    over, or has no connection to give. The same statement may succeed in some seconds."""
    cause = error.__cause__
    if type(cause).__module__.partition(".")[0] != "psycopg2":
        return False
    code = getattr(cause, "pgcode", None)
    if code:
        return code.startswith(_CONNECTION_FAULTS) or code in _SERVER_FAULTS
    if isinstance(error, InterfaceError):
        return "connection already closed" in str(cause)
    # Without a code the words are libpq's own: it got no answer, or an answer that broke off.
    return isinstance(error, OperationalError) or type(cause).__name__ == "DatabaseError"


def in_pages(rows: QuerySet[Row], *, size: int = PAGE) -> Iterator[Row]:
    """`rows`, by their primary key upwards, `size` of them in memory: each page is a statement of its own.

    Instead of `.iterator()`, whose cursor lives in a session. A row that no longer belongs to `rows` when its page is
    read does not come; whoever changes a row looks at it again under its lock.
    """
    rows = rows.order_by("pk")
    page = list(rows[:size])
    while page:
        last, is_full = page[-1].pk, len(page) == size  # before the caller deletes it: then it has no key any more
        yield from page
        page = list(rows.filter(pk__gt=last)[:size]) if is_full else []


def _add_limits(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if connection.vendor == "postgresql" and _begin_with_limits not in connection.execute_wrappers:
        connection.execute_wrappers.append(_begin_with_limits)


def _begin_with_limits(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """The statement that begins a transaction sets the limits for it alone, on the same way to the server.

    PostgreSQL runs statements that are sent together as one transaction, so this is as good without BEGIN; but there
    are statements that refuse to be in one (CREATE DATABASE, VACUUM), so without BEGIN only those about rows have them.
    """
    session = context["connection"].connection
    if session.info.transaction_status == _IDLE and (not session.autocommit or _is_about_rows(sql)):
        sql = f"{_limits()}{sql}"
    return execute(sql, params, many, context)


def _is_about_rows(sql: Any) -> bool:
    return str(sql).lstrip()[:6].upper().startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"))


def _limits() -> str:
    lock, idle = (f"{span.total_seconds() * 1000:.0f}" for span in (limits.LOCK_WAIT, limits.TRANSACTION_IDLE))
    return f"SET LOCAL lock_timeout = {lock}; SET LOCAL idle_in_transaction_session_timeout = {idle}; "
