"""Raw SQL statements of a drain, each for many rows: the ORM takes longer here than the database.

`sms.sending.records` uses them; `leases.claim` and `leases.settle_many` are raw SQL for the same reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import connection

from sms.models import Attempt, Message


def lock(messages: Collection[int]) -> dict[int, tuple[UUID | None, str]]:
    """Lock `messages` until the transaction ends, except those that somebody else has locked; returns lease and state
    by primary key. SQLite needs no lock: it has one writer."""
    unlocked = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    places = ", ".join(["%s"] * len(messages))
    table = connection.ops.quote_name(Message._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, lease, state FROM {table} WHERE id IN ({places}) ORDER BY id {unlocked}",  # noqa: S608
            [*messages],
        )
        return {pk: (_as_uuid(lease), state) for pk, lease, state in cursor.fetchall()}


def _as_uuid(stored: UUID | str | None) -> UUID | None:
    return UUID(stored) if isinstance(stored, str) else stored


def begin_attempts(messages: Collection[int], gateway: str, now: datetime) -> dict[int, int]:
    """Insert an unfinished Attempt for each of `messages`; returns the attempts' primary keys by message."""
    table = connection.ops.quote_name(Attempt._meta.db_table)
    rows = ", ".join(["(%s, %s, %s, '', '')"] * len(messages))
    began = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (message_id, gateway, started_at, outcome, detail) "  # noqa: S608
            f"VALUES {rows} RETURNING message_id, id",
            [*itertools.chain.from_iterable((message, gateway, began) for message in messages)],
        )
        return dict(cursor.fetchall())
