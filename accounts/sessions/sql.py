"""Statements by hand on sessions, on SQLite and PostgreSQL: read one, write one, note when several were last used.

By hand, because one of them runs at nearly every request, and Django takes longer to write such a statement than the
database to answer it; and because it has no INSERT that tells whether the key was there, and no UPDATE that leaves out
rows that somebody holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from typing import Any

from django.db import connection

_SQLITE_WAITS = 250  # ms for the lock of another writer


@dataclass(frozen=True, slots=True)
class Row:
    """The whole row of a session; the columns of `accounts.models.Session`."""

    session_key: str
    session_data: str
    expire_date: dt.datetime
    account_id: int | None
    began_at: dt.datetime
    seen_at: dt.datetime
    browser: str
    portal_sid: str


_COLUMNS = [field.name for field in fields(Row)]
_ALIVE = "session_key = %s AND expire_date > %s AND seen_at > %s"
_READ = f"SELECT session_data, seen_at < %s FROM accounts_session WHERE {_ALIVE}"  # noqa: S608
_INSERT = (
    f"INSERT INTO accounts_session ({', '.join(_COLUMNS)}) VALUES ({', '.join(['%s'] * len(_COLUMNS))}) "  # noqa: S608
    "ON CONFLICT (session_key) DO NOTHING"
)
_UPDATE = f"UPDATE accounts_session SET {', '.join(f'{name} = %s' for name in _COLUMNS)} WHERE session_key = %s"  # noqa: S608
# PostgreSQL: a row that is locked is left as it is. The commit need not wait for the disk either: a crash may lose a
# last use. Inside a transaction that setting would be everybody's.
_NOTE = """
    WITH given (name, moment) AS (VALUES {rows}), free AS (
        SELECT session_key, given.moment FROM accounts_session JOIN given ON session_key = given.name
        WHERE seen_at < given.moment FOR NO KEY UPDATE OF accounts_session SKIP LOCKED
    ){soon}
    UPDATE accounts_session SET seen_at = free.moment FROM free{also}
    WHERE accounts_session.session_key = free.session_key
"""
_SOON = ", soon AS (SELECT set_config('synchronous_commit', 'off', true))"
_NOTE_ON_SQLITE = """
    WITH given (name, moment) AS (VALUES {rows}) UPDATE accounts_session SET seen_at = given.moment FROM given
    WHERE accounts_session.session_key = given.name AND accounts_session.seen_at < given.moment
"""


def read(key: str, *, now: dt.datetime, idle_since: dt.datetime, fresh_since: dt.datetime) -> tuple[str, bool] | None:
    """The stored data of a session that is alive, and whether its last use was written before `fresh_since`; None when
    there is none, or it is over. Waits for nobody, and writes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_READ, _stored([fresh_since, key, now, idle_since]))
        found = cursor.fetchone()
    return (found[0], bool(found[1])) if found else None


def insert(row: Row) -> bool:
    """Write a new row; False: its key is somebody's already, and nothing was written."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, _stored(astuple(row)))
        return bool(cursor.rowcount == 1)


def update(key: str, row: Row) -> bool:
    """Write the row that has `key`, perhaps under another key; False: it is gone, and nothing was written."""
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, _stored([*astuple(row), key]))
        return bool(cursor.rowcount == 1)


def note_uses(uses: Mapping[str, dt.datetime]) -> None:
    """Write when these sessions were last used, where that is later than what is written. A row that is gone stays
    gone; a row that somebody holds is left to them."""
    values = _stored([value for use in uses.items() for value in use])
    if connection.vendor != "postgresql":
        statement = _NOTE_ON_SQLITE.format(rows=", ".join(["(%s, %s)"] * len(uses)))
    else:
        alone = not connection.in_atomic_block
        rows = ", ".join(["(%s, %s::timestamptz)"] * len(uses))
        statement = _NOTE.format(rows=rows, soon=_SOON if alone else "", also=", soon" if alone else "")
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@contextmanager
def short_lock_wait() -> Iterator[None]:
    """On SQLite, which lets one write at a time, wait for another writer only a short time: a page that only shows
    something must not wait for a long write."""
    if connection.vendor == "postgresql":
        yield
        return
    connection.ensure_connection()
    waits = connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000
    connection.connection.execute(f"PRAGMA busy_timeout = {_SQLITE_WAITS}")
    try:
        yield
    finally:
        connection.connection.execute(f"PRAGMA busy_timeout = {waits:.0f}")


def _stored(values: Sequence[Any]) -> list[Any]:
    adapt = connection.ops.adapt_datetimefield_value
    return [adapt(value) if isinstance(value, dt.datetime) else value for value in values]
