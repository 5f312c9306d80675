"""The only functions that change the state of a registration, and the event that each change writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from common.errors import PortalError
from registration import matching_sql
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
        row = Registration.objects.select_for_update().get(pk=registration.pk)
        if to not in TRANSITIONS[State(row.state)]:
            raise PortalError("illegal_move", state=row.state)
        before, now = row.state, timezone.now()
        changes |= {"state": to, "state_since": now, "touched_at": now}
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(update_fields=list(changes))
        write_event(row, before=before, actor=actor, why=why, kind=kind, note=note, papers=papers)
    return row


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


def write_event(
    row: Registration,
    *,
    before: str,
    actor: str,
    why: str,
    kind: str = "",
    note: str = "",
    papers: Sequence[str] = (),
) -> None:
    """Record what happened to `row`; for a beginning, `before` is empty."""
    Event.objects.create(
        registration=row,
        actor=actor,
        from_state=before,
        to_state=row.state,
        why=why,
        kind=kind,
        note=note,
        papers=list(papers),
    )
