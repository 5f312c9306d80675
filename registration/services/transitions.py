"""The only functions that change the state of a registration, and the event that each change writes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from common.errors import PortalError
from registration import matching_sql, sql
from registration.matching_sql import Move
from registration.models import Event, Registration
from registration.states import TRANSITIONS, State

CITIZEN = "citizen"
PORTAL = "portal"
ADMINISTRATOR = "operator "  # as stored; the name follows
_AT_ONCE = 500  # rows a statement


def administrator(name: str) -> str:
    """The actor of what the administrator of this name does by a command, as it is stored."""
    return f"{ADMINISTRATOR}{name}"


def move(
    registration: Registration,
    to: State,
    *,
    actor: str,
    why: str,
    kind: str = "",
    note: str = "",
    papers: Sequence[str] = (),
    **changes: Any,
) -> Registration:
    """Move `registration` to `to`, writing `changes` and one event, under the row's lock.

    `actor` is CITIZEN, PORTAL, `administrator(name)` or a clerk's user name; `why` a short English reason code; `kind`
    the question of the check that decided, if one did. Returns the locked row as it now is. Raises
    PortalError("illegal_move", state=…) when the row, as it is in the database now, may not go there. Joins
    the caller's transaction.
    """
    with transaction.atomic():
        row = sql.locked(registration.pk)
        return move_locked(row, to, actor=actor, why=why, kind=kind, note=note, papers=papers, **changes)


def move_locked(
    row: Registration,
    to: State,
    *,
    actor: str,
    why: str,
    kind: str = "",
    note: str = "",
    papers: Sequence[str] = (),
    **changes: Any,
) -> Registration:
    """As `move`, for a row that the caller has locked and read in its transaction: one statement instead of two."""
    event = _event(row, to, actor=actor, why=why, kind=kind, note=note, papers=papers)
    moved = sql.move(row, _with_state(row, to, changes), event=event)
    if moved is None:  # it was not locked: its state is another one by now
        raise PortalError("illegal_move", state=row.state)
    return _with_objects(moved, changes)


def move_as_read(
    row: Registration,
    to: State,
    *,
    actor: str,
    why: str,
    opened_by: str | None = None,
    without_account: bool = False,
    **changes: Any,
) -> Registration | None:
    """As `move_locked`, for a row that was read without a lock. None, and nothing is written: it has been moved since,
    or another grant than `opened_by` (its hash) opens it, or there is an account of its national ID although it has to
    be `without_account`. The caller then locks it and looks. One statement on PostgreSQL; it locks the row itself."""
    event = _event(row, to, actor=actor, why=why)
    changes = _with_state(row, to, changes)
    return sql.move(row, changes, event=event, opened_by=opened_by, without_account=without_account)


def move_matched(moves: Sequence[Move]) -> None:
    """As `move`, for rows that matching has claimed, and that the caller has locked and found submitted: one statement
    for all of them, which gives them back, and one for their events.

    Raises PortalError("illegal_move") if one of them may not go where it is to. Needs the caller's transaction.
    """
    for each in moves:
        if each.to not in TRANSITIONS[State.SUBMITTED]:
            raise PortalError("illegal_move", state=State.SUBMITTED)
    if moves:
        matching_sql.move(moves, actor=PORTAL)


def move_all(rows: QuerySet[Registration], frm: State, to: State, *, actor: str, why: str) -> int:
    """Move every one of `rows` that stands in `frm`, with an event each, in a few statements.

    For rows that hold nothing worth a look of its own (unproven drafts: anybody can make thousands).
    Returns how many. Joins the caller's transaction; the move itself must be legal.
    """
    if to not in TRANSITIONS[frm]:
        raise PortalError("illegal_move", state=frm)
    with transaction.atomic():
        keys = list(rows.filter(state=frm).select_for_update().values_list("pk", flat=True))
        now = timezone.now()
        for first in range(0, len(keys), _AT_ONCE):
            some = keys[first : first + _AT_ONCE]
            Registration.objects.filter(pk__in=some).update(state=to, state_since=now, touched_at=now)
            Event.objects.bulk_create(
                Event(registration_id=key, actor=actor, from_state=frm, to_state=to, why=why) for key in some
            )
    return len(keys)


def begin(
    *, national_id: str, mobile: str, operator: str, mistyped: uuid.UUID | None = None, hold: str = ""
) -> sql.Begun:
    """The open row of this pair, with a fresh sign of life; a new one with its event if there is none. `mistyped` and
    `hold` as `sql.begin`.

    Takes no lock on the national ID: whoever holds it must not keep citizens waiting. Two at once are told apart by the
    database's constraint, and the later one gets the earlier one's row.
    """
    row = Registration(national_id=national_id, mobile=mobile, operator=operator)
    event = Event(actor=CITIZEN, to_state=row.state, why="step_one")
    return sql.begin(row, event=event, mistyped=mistyped, hold=hold)


def _with_state(row: Registration, to: State, changes: Mapping[str, Any]) -> dict[str, Any]:
    """`changes` and the new state. Raises PortalError("illegal_move")."""
    if to not in TRANSITIONS[State(row.state)]:
        raise PortalError("illegal_move", state=row.state)
    now = timezone.now()
    return {**changes, "state": to, "state_since": now, "touched_at": now}


def _event(
    row: Registration,
    to: State,
    *,
    actor: str,
    why: str,
    kind: str = "",
    note: str = "",
    papers: Sequence[str] = (),
) -> Event:
    return Event(from_state=row.state, to_state=to, actor=actor, why=why, kind=kind, note=note, papers=list(papers))


def _with_objects(row: Registration, changes: Mapping[str, Any]) -> Registration:
    """`row` knows the objects that it was given."""
    for name, value in changes.items():
        if isinstance(value, Model):
            setattr(row, name, value)
    return row
