"""The one function that changes the state of a registration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from registration.models import Event, Registration
from registration.states import MOVES, State
from tamin_portal.errors import PortalError

CITIZEN = "citizen"
PORTAL = "portal"


def move(
    registration: Registration,
    to: State,
    *,
    actor: str,
    why: str,
    note: str = "",
    papers: Sequence[str] = (),
    **changes: Any,
) -> Registration:
    """Move `registration` to `to`, writing `changes` and one event, under the row's lock.

    `actor` is CITIZEN, PORTAL or a staff user name; `why` a short English reason code. Returns the
    locked row as it now is. Raises PortalError("illegal_move", state=…) when the row, as it is in
    the database now, may not go there. Joins the caller's transaction.
    """
    with transaction.atomic():
        row = Registration.objects.select_for_update().get(pk=registration.pk)
        if to not in MOVES[State(row.state)]:
            raise PortalError("illegal_move", state=row.state)
        before, now = row.state, timezone.now()
        changes |= {"state": to, "state_since": now}
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(update_fields=list(changes))
        write_event(row, before=before, actor=actor, why=why, note=note, papers=papers)
    return row


def write_event(
    row: Registration, *, before: str, actor: str, why: str, note: str = "", papers: Sequence[str] = ()
) -> None:
    """Record what happened to `row`; for a beginning, `before` is empty."""
    Event.objects.create(
        registration=row,
        actor=actor,
        from_state=before,
        to_state=row.state,
        why=why,
        note=note,
        papers=list(papers),
    )
