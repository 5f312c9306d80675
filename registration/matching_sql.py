"""Statements by hand of matching, each for a whole batch or group: the ORM and its objects take longer here than the
database. What the citizen's own steps write is in `registration/sql.py`.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from common import leases
from common.recordsets import Recordset
from registration.models import Event, Registration
from registration.states import OPEN, State

_ORDER = ("submitted_at", "id")  # the oldest first, whenever it came due
# As the index `matching_queue` has it.
_QUEUED = f"state = '{State.SUBMITTED.value}'"


class Submitted(NamedTuple):
    """A registration that is checked and decided, with those of its columns that this needs, by the model's names."""

    pk: int
    lease: uuid.UUID | None
    birth_date: dt.date | None
    attempts: int
    revision: int
    national_id: str
    mobile: str
    operator: str
    tracking_code: str | None
    last_name: str
    first_name: str
    certificate_number: str
    certificate_serial: str
    series_letter: str
    series_number: str
    birth_unknown: str
    gender: str
    city: str
    email: str
    security_question: str
    security_answer: str
    password: str
    verdict: str
    verdict_kind: str
    came_from: str
    verdict_traces: list[dict[str, Any]]

    def __repr__(self) -> str:
        return f"Submitted({self.pk})"  # it may be printed in a traceback

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Held(NamedTuple):
    """A row that is locked; `is_crowded`: its national ID has another open registration."""

    row: Submitted
    is_crowded: bool


class Move(NamedTuple):
    """What a decision writes into a row and its event. `asked`: the question that decided, where it was asked;
    `account`: the one it gets."""

    pk: int
    account: int | None
    to: str
    why: str
    asked: str
    outcome: str
    kind: str
    fields: dict[str, str]
    traces: list[dict[str, Any]]


def claim(*, limit: int, lease_for: timedelta) -> list[Submitted]:
    """Claim the oldest that are due (`leases.claim`). One statement."""
    found = leases.claim_values(
        Registration, _columns(), lease=uuid.uuid4(), limit=limit, lease_for=lease_for, order=_ORDER, queued=_QUEUED
    )
    return [_submitted(values) for values in found]


def in_hand(national_ids: Collection[str], *, but: Collection[int]) -> set[str]:
    """Those of these IDs of which a worker has claimed a row, apart from the rows `but`."""
    if not national_ids:
        return set()
    claimed = "lease IS NOT NULL AND next_attempt_at > %s"
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT national_id, id FROM {_table()} "  # noqa: S608 - the model's table
            f"WHERE national_id IN ({_places(national_ids)}) AND {claimed}",
            [*national_ids, now],
        )
        return {national_id for national_id, pk in cursor.fetchall() if pk not in but}


def referrals(national_ids: Collection[str], *, kind: str, since: dt.datetime) -> dict[str, int]:
    """How often each of these IDs was referred to a branch after `since` because of the question `kind`; an ID that
    never was is left out."""
    if not national_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT referred.national_id, COUNT(*) FROM {_table()} AS referred "  # noqa: S608 - names of the models
            f"JOIN {_events()} AS event ON event.registration_id = referred.id "
            f"WHERE referred.national_id IN ({_places(national_ids)}) "
            "AND event.to_state = %s AND event.kind = %s AND event.at > %s GROUP BY referred.national_id",
            [*national_ids, State.REFERRED.value, kind, connection.ops.adapt_datetimefield_value(since)],
        )
        return dict(cursor.fetchall())


def lock(keys: Sequence[int]) -> list[Held]:
    """Lock those of these rows that still wait for a decision, until the transaction ends, and read them as they are.

    The caller holds their national IDs: what it finds of other registrations changes by no decision meanwhile.
    """
    columns = ", ".join(f"claimed.{connection.ops.quote_name(column)}" for column in _columns())
    others = (
        f"EXISTS (SELECT 1 FROM {_table()} AS other WHERE other.national_id = claimed.national_id "  # noqa: S608
        f"AND other.id <> claimed.id AND other.state IN ({_places(OPEN)}))"
    )
    locked = "FOR UPDATE OF claimed" if connection.features.has_select_for_update_of else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {others}, {columns} FROM {_table()} AS claimed "  # noqa: S608 - names of the model
            f"WHERE claimed.id IN ({_places(keys)}) AND claimed.state = %s ORDER BY claimed.id {locked}",
            [*map(str, OPEN), *keys, State.SUBMITTED.value],
        )
        return [Held(_submitted(values), bool(crowded)) for crowded, *values in cursor.fetchall()]


def move(moves: Sequence[Move], *, actor: str) -> None:
    """Write these decisions into their rows, which the caller has locked, and give the rows back; then an event for
    each. Two statements. Where an account takes them over, the row's secrets are emptied."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    written = _MOVES.written(moves)
    with connection.cursor() as cursor:
        cursor.execute(_moving(connection.vendor), [now, now, written])
        cursor.execute(_noting(connection.vendor), [now, actor, State.SUBMITTED.value, written])


_MOVES = Recordset(
    {
        "id": Event._meta.get_field("registration"),
        "account_id": Registration._meta.get_field("account"),
        "state": Registration._meta.get_field("state"),
        "why": Event._meta.get_field("why"),
        "asked": Event._meta.get_field("kind"),
        "verdict": Registration._meta.get_field("verdict"),
        "verdict_kind": Registration._meta.get_field("verdict_kind"),
        "verdict_fields": Registration._meta.get_field("verdict_fields"),
        "verdict_traces": Registration._meta.get_field("verdict_traces"),
    }
)


@cache
def _moving(_vendor: str) -> str:
    taken = ("account_id", "state", "verdict", "verdict_kind", "verdict_fields", "verdict_traces")
    emptied = {"password": "''", "security_answer": "''", "draft": "'{}'"}
    sets = [
        "state_since = %s, touched_at = %s, lease = NULL, next_attempt_at = NULL",
        *(f"{column} = new.{column}" for column in taken),
        *(f"{name} = CASE WHEN new.account_id IS NULL THEN {name} ELSE {empty} END" for name, empty in emptied.items()),
    ]
    return f"UPDATE {_table()} SET {', '.join(sets)} FROM {_MOVES.table} WHERE {_table()}.id = new.id"  # noqa: S608


@cache
def _noting(_vendor: str) -> str:
    return (
        f"INSERT INTO {_events()} "  # noqa: S608 - the model's table
        "(at, actor, from_state, registration_id, to_state, why, kind, note, papers) "
        f"SELECT %s, %s, %s, new.id, new.state, new.why, new.asked, '', '[]' FROM {_MOVES.table}"
    )


@cache
def _columns() -> tuple[str, ...]:
    """The columns of `Submitted`, in its order."""
    return tuple(str(Registration.column("id" if name == "pk" else name).column) for name in Submitted._fields)


def _submitted(values: Sequence[Any]) -> Submitted:
    """A row as a database without types of its own for leases and dates has it, too."""
    pk, lease, birth_date, *rest, traces = values
    if isinstance(lease, str):
        lease = uuid.UUID(lease)
    if isinstance(birth_date, str):
        birth_date = dt.date.fromisoformat(birth_date)
    return Submitted._make((pk, lease, birth_date, *rest, json.loads(traces)))


def _table() -> str:
    return connection.ops.quote_name(Registration._meta.db_table)


def _events() -> str:
    return connection.ops.quote_name(Event._meta.db_table)


def _places(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))
