"""Statements by hand of the journey: a row and its event in one, and what the ORM would ask one after the other.

PostgreSQL writes a row and its event by one statement (WITH … INSERT); SQLite, which has none of these, by two in one
transaction. Values are parameters; names come from the models.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.life.sql import HAS_ACCOUNT
from common.leases import HOLD_NAME
from common.prepared import Prepared, Table, as_written
from registration.models import Event, Registration
from registration.states import OPEN, State

_ROWS, _EVENTS = Table(Registration), Table(Event)
_OPEN = ", ".join(f"'{state.value}'" for state in OPEN)  # as the index of the constraint says it
_BY_TOKEN = Prepared(lambda values: Registration.objects.filter(token__in=values))
_LOCKED = Prepared(lambda values: Registration.objects.select_for_update().filter(pk__in=values))


@dataclass(frozen=True, slots=True)
class Begun:
    """The open row of a pair. `others`: before this its national ID had an open or approved row already."""

    row: Registration
    others: bool


def by_token(token: uuid.UUID) -> Registration | None:
    """The row with this token."""
    return _BY_TOKEN.first([token])


def locked(key: int) -> Registration:
    """The row as it is now, locked until the transaction ends. Raises Registration.DoesNotExist."""
    row = _LOCKED.first([key])
    if row is None:
        raise Registration.DoesNotExist
    return row


def begin(row: Registration, *, event: Event, mistyped: uuid.UUID | None = None, hold: str = "") -> Begun:
    """Write `row`, which is new, and its `event`, or find the open one of its pair, which gets its operator and sign of
    life and no event. `mistyped`: the token of a draft that is none of the others, as long as its number is unproven.

    `hold`: a name that is locked as well (`common.leases.lock_name`), after the row; then it needs a transaction.

    One statement on PostgreSQL: two browsers with the same pair at once are told apart by the constraint, and the later
    one gets the earlier one's row; what is asked about others is as it was before.
    """
    columns, places, values = _ROWS.new(row)
    token, but = as_written(row.token), as_written(mistyped or row.token)
    begun = (
        f"INSERT INTO {_ROWS.name} ({columns}) VALUES ({places}) "  # noqa: S608 - names of the model
        f"ON CONFLICT (national_id, mobile) WHERE state IN ({_OPEN}) "
        f"DO UPDATE SET operator = excluded.operator, touched_at = excluded.touched_at RETURNING {_ROWS.columns}"
    )
    others = (
        f"EXISTS (SELECT 1 FROM {_ROWS.name} WHERE national_id = %s "  # noqa: S608
        f"AND state IN ({_OPEN}, '{State.APPROVED.value}') AND NOT (token = %s AND state = '{State.STARTED.value}'))"
    )
    if connection.vendor == "postgresql":
        noted, noted_values = _noted("begun", event, only="WHERE token = %s")
        held = HOLD_NAME if hold else "NULL"
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH begun AS ({begun}), noted AS ({noted}) "  # noqa: S608
                f"SELECT {others}, {held}, {_ROWS.columns} FROM begun",
                [*values, *noted_values, token, row.national_id, but, *([hold] if hold else [])],
            )
            any_others, _held, *found = cursor.fetchone()
        return Begun(_ROWS.row(found), bool(any_others))
    with transaction.atomic(), connection.cursor() as cursor:
        any_others = _first(f"SELECT {others}", [row.national_id, but])
        cursor.execute(begun, values)
        now = _ROWS.row(cursor.fetchone())
        if now.token == row.token:
            event.registration_id = now.pk
            _EVENTS.insert(event)
    return Begun(now, bool(any_others and any_others[0]))


def move(
    row: Registration,
    changes: Mapping[str, Any],
    *,
    event: Event,
    opened_by: str | None = None,
    without_account: bool = False,
) -> Registration | None:
    """Write `changes` (by fields) and the `event`, if `row` is still in the state that it was read in; returns the row
    as it is then. None, and nothing is written: it is not.

    `opened_by`: the hash of the grant that has to open the row still; `without_account`: there may be no account of its
    national ID.
    """
    sets, values = _ROWS.changes(changes)
    which, keys = "id = %s AND state = %s", [row.pk, row.state]
    if opened_by is not None:
        which, keys = f"{which} AND grant_hash = %s", [*keys, opened_by]
    if without_account:
        which, keys = f"{which} AND NOT {HAS_ACCOUNT}", [*keys, row.national_id]
    moved = f"UPDATE {_ROWS.name} SET {sets} WHERE {which} RETURNING {_ROWS.columns}"  # noqa: S608 - names of the model
    if connection.vendor == "postgresql":
        noted, noted_values = _noted("moved", event)
        statement = f"WITH moved AS ({moved}), noted AS ({noted}) SELECT {_ROWS.columns} FROM moved"  # noqa: S608
        found = _first(statement, [*values, *keys, *noted_values])
    else:
        with transaction.atomic():
            found = _first(moved, [*values, *keys])
            if found:
                event.registration_id = row.pk
                _EVENTS.insert(event)
    return _ROWS.row(found) if found else None


def add_to_draft(row: Registration, answers: Mapping[str, str], *, now: datetime, states: Collection[State]) -> Any:
    """Add `answers` to the draft of `row`, if its grant is still the one that it was read with, and its state one of
    `states`. Returns the whole draft; None, and nothing is written: it is not so any more."""
    is_postgresql = connection.vendor == "postgresql"
    added = "draft || %s::jsonb" if is_postgresql else "json_patch(draft, %s)"
    found = _first(
        f"UPDATE {_ROWS.name} SET draft = {added}, touched_at = %s "  # noqa: S608 - the model's table
        f"WHERE id = %s AND grant_hash = %s AND state IN ({', '.join(['%s'] * len(states))}) RETURNING draft",
        [json.dumps(dict(answers)), as_written(now), row.pk, row.grant_hash, *[state.value for state in states]],
    )
    return json.loads(found[0]) if found else None


def _noted(source: str, event: Event, only: str = "") -> tuple[str, list[Any]]:
    """The INSERT of `event` for the row of the CTE `source`, and its values; which registration it is, the row says."""
    columns, places, values = _EVENTS.new(event)
    names, given = columns.split(", "), places.split(", ")
    which = names.index('"registration_id"')
    given[which] = "id"
    del values[which]
    return f"INSERT INTO {_EVENTS.name} ({columns}) SELECT {', '.join(given)} FROM {source} {only}", values  # noqa: S608


def _first(statement: str, values: Sequence[Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
