"""Raw SQL statements of a drain, each for many rows: the ORM takes longer here than the database.

A message that goes well is read and locked (`lock_due`), begun (`begin`) and ended (`accept`), and so written twice.
By which gateway it goes is decided between the first and the second, in their transaction: none is written as claimed
and then again as begun. What is claimed first and begun later goes by `common.leases`.

SKIP LOCKED: what somebody else has locked is left to them and keeps nobody back. SQLite, which has one writer, needs no
locks; it has no data-modifying CTE either, so what is one statement on PostgreSQL is two there.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Model
from django.db.models.base import ModelState

from common import leases
from sms.models import Attempt, Message, MessageState

# What a drain needs to know of a message. The rest is read by Django if it is asked for.
_READ = (
    *("id", "key", "kind", "share", "priority", "to", "operator", "text", "parts", "state"),
    *("created_at", "expires_at", "attempts", "next_attempt_at"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A locked message. `accepted_by`: the attempt that was accepted, if only its message says so."""

    lease: UUID | None
    state: str
    accepted_by: int | None


class Taken(NamedTuple):
    """An acceptance to be written: the message, its only attempt, and the gateway's ids of it."""

    message: int
    lease: UUID
    attempt: int
    provider_id: str


def lock_due(limit: int, now: datetime, *, lease: UUID, until: datetime) -> list[Message]:
    """Lock up to `limit` due messages until the transaction ends, codes before results and older before newer. They
    are returned as `claim` and `begin` will write them: claimed with `lease` `until` then."""
    columns = ", ".join(map(connection.ops.quote_name, _READ))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {_table(Message)} WHERE next_attempt_at <= %s "  # noqa: S608
            f"ORDER BY priority, next_attempt_at LIMIT %s {_skip_locked()}",  # the order of the index `sms_due`
            [_stored(now), limit],
        )
        rows = cursor.fetchall()
    converters, alias = _converters(), connection.alias
    made = [_made(row, converters, alias) for row in rows]
    made.sort(key=attrgetter("priority", "next_attempt_at", "id"))
    for message in made:
        message.lease, message.next_attempt_at, message.attempts = lease, until, message.attempts + 1
    return made


def claim(messages: Collection[int], *, lease: UUID, until: datetime) -> None:
    """Claim `messages`, which `lock_due` has locked."""
    where, ids = _among(messages)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_table(Message)} SET lease = %s, next_attempt_at = %s, attempts = attempts + 1 "  # noqa: S608
            f"WHERE id {where}",
            [leases.as_stored(lease), _stored(until), *ids],
        )


def lock(messages: Collection[int]) -> dict[int, Row]:
    """Lock `messages` until the transaction ends, except those that somebody else has locked; by primary key."""
    where, ids = _among(messages)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, lease, state, accepted_by FROM {_table(Message)} "  # noqa: S608
            f"WHERE id {where} ORDER BY id {_skip_locked()}",
            ids,
        )
        return {pk: Row(_as_uuid(lease), state, attempt) for pk, lease, state, attempt in cursor.fetchall()}


def begin(
    messages: Collection[int], gateway: str, now: datetime, *, until: datetime, lease: UUID | None = None
) -> dict[int, int]:
    """Record that `gateway` is about to be called for `messages`, which are locked: they are being sent, claimed
    `until` then, and each has an unfinished attempt. Returns the attempts' primary keys by message. `lease`: they are
    claimed with it now; None: they have been claimed."""
    where, ids = _among(messages)
    claimed = ", lease = %s, attempts = attempts + 1" if lease else ""
    update = f"UPDATE {_table(Message)} SET state = %s, gateway = %s, next_attempt_at = %s{claimed} WHERE id {where}"  # noqa: S608
    changes = [MessageState.SENDING.value, gateway, _stored(until), *([leases.as_stored(lease)] if lease else []), *ids]
    into = f"INSERT INTO {_table(Attempt)} (message_id, gateway, started_at, outcome, detail) "
    made = "SELECT id, %s, %s, '', ''"
    values = [gateway, _stored(now)]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"WITH begun AS ({update} RETURNING id) {into}{made} FROM begun RETURNING message_id, id",
                [*changes, *values],
            )
        else:
            cursor.execute(update, changes)
            cursor.execute(
                f"{into}{made} FROM {_table(Message)} WHERE id {where} RETURNING message_id, id", [*values, *ids]
            )
        return dict(cursor.fetchall())


def accept(taken: Sequence[Taken], gateway: str, *, sent_at: datetime, final_at: datetime | None) -> set[int]:
    """Write that `gateway` has accepted messages, of those that still have their lease and that nobody else has locked;
    returns these. Their attempts are not written again: `Message.accepted_by` says how each ended."""
    table, (said, values), source = _table(Message), _said(taken), "said"
    if connection.features.has_select_for_update_skip_locked:
        source = "ours"
        where, ids = _among([one.message for one in taken])  # else the whole table is read while it is not large
        said += (
            f", ours AS MATERIALIZED (SELECT said.* FROM said JOIN {table} AS message USING (id, lease) "  # noqa: S608
            f"WHERE message.id {where} {_skip_locked('message')})"
        )
        values += ids
    with connection.cursor() as cursor:
        cursor.execute(
            f"{said} UPDATE {table} SET state = %s, gateway = %s, provider_id = {source}.provider_id, "  # noqa: S608
            f"accepted_by = {source}.attempt, sent_at = %s, final_at = %s, lease = NULL, next_attempt_at = NULL "
            f"FROM {source} WHERE {table}.id = {source}.id AND {table}.lease = {source}.lease RETURNING {table}.id",
            [*values, MessageState.ACCEPTED.value, gateway, _stored(sent_at), final_at and _stored(final_at)],
        )
        return {pk for (pk,) in cursor.fetchall()}


def _said(taken: Sequence[Taken]) -> tuple[str, list[Any]]:
    """The acceptances as rows of a statement, and its parameters: on PostgreSQL one for each column."""
    if connection.vendor != "postgresql":
        rows = ", ".join(["(%s, %s, %s, %s)"] * len(taken))
        each = ((one.message, leases.as_stored(one.lease), one.attempt, one.provider_id) for one in taken)
        return f"WITH said(id, lease, attempt, provider_id) AS (VALUES {rows})", [*itertools.chain.from_iterable(each)]
    written = {lease: str(lease) for lease in {one.lease for one in taken}}  # a batch has few
    columns = "unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::text[])"
    values = [
        _array(one.message for one in taken),
        _array(written[one.lease] for one in taken),
        _array(one.attempt for one in taken),
        [one.provider_id for one in taken],
    ]
    return f"WITH said(id, lease, attempt, provider_id) AS (SELECT * FROM {columns})", values  # noqa: S608


def _made(row: Sequence[Any], converters: _Converters, alias: str) -> Message:
    """The row as an object of the model, without what `Model.__init__` does for each field: that costs as much as all
    else that is done about a message until it is sent."""
    made: Message = Message.__new__(Message)
    values = made.__dict__
    values.update(zip(_READ, row, strict=True))
    for name, convert, column in converters:
        values[name] = convert(values[name], column, connection)
    values["_state"] = state = ModelState()
    state.adding, state.db = False, alias
    return made


_Converters = list[tuple[str, Any, Any]]


def _converters() -> _Converters:
    """How values of `_READ` are converted that the database gives in another form; none on PostgreSQL."""
    found = []
    for name in _READ:
        field: Any = Message._meta.get_field(name)
        column = field.get_col(Message._meta.db_table)
        converters = [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)]
        found += [(name, convert, column) for convert in converters]
    return found


def _among(ids: Collection[int]) -> tuple[str, list[Any]]:
    """The condition that an id is one of `ids`, and its parameters: on PostgreSQL one, so that a statement for a
    thousand rows is as short as one for two."""
    if connection.vendor == "postgresql":
        return "= ANY (%s::bigint[])", [_array(ids)]
    return f"IN ({', '.join(['%s'] * len(ids))})", [*ids]


def _array(values: Iterable[int | str]) -> str:
    """An array as PostgreSQL reads it; psycopg2 takes much longer to write a thousand of them."""
    return "{" + ",".join(map(str, values)) + "}"


def _skip_locked(of: str = "") -> str:
    """Locks rows against everybody who would write them; not against who writes others that refer to them."""
    if not connection.features.has_select_for_update_skip_locked:
        return ""
    return f"FOR NO KEY UPDATE {f'OF {of} ' if of else ''}SKIP LOCKED"


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _stored(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _as_uuid(stored: UUID | str | None) -> UUID | None:
    return UUID(stored) if isinstance(stored, str) else stored
