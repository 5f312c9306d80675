"""The statements of a drain that are written by hand: many rows in one, without an object for each.

Django's own way costs more here than the database. What they mean is in `sms.sending.records`; `leases.claim`
and `leases.settle_many` are of the same kind.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import connection

from sms.models import Attempt, Message


def lock(messages: Collection[int]) -> dict[int, tuple[UUID | None, str]]:
    """Lock messages until the transaction ends, but none that somebody else has locked; returns the lease and the
    state of each by primary key. On SQLite there is one writer anyway."""
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
    """An unfinished Attempt of each of `messages`; returns their primary keys by message."""
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
