"""Finds a registration by the session's token, by the national ID, or by what an administrator typed."""

from __future__ import annotations

import uuid

from common.errors import PortalError
from common.persian import InputError, parse_national_id
from registration import sql, tracking
from registration.models import Registration
from registration.states import AT_BRANCH, OPEN, State

# How far a registration has come; the furthest one answers for a national ID.
_FURTHEST = (
    State.APPROVED,
    State.AWAITING_BRANCH,
    State.REFERRED,
    State.SUBMITTED,
    State.MOBILE_CONFIRMED,
    State.STARTED,
)


def by_token(token: str) -> Registration | None:
    """The registration with this token; None for anything that is no token of ours."""
    try:
        return sql.by_token(uuid.UUID(token))
    except (ValueError, AttributeError, TypeError):
        return None


def furthest(*, national_id: str) -> Registration | None:
    """The furthest open or approved registration of this national ID, else its newest, else None."""
    rows = list(Registration.objects.filter(national_id=national_id).order_by("-created_at", "-pk"))
    live = [row for row in rows if row.state in (*OPEN, State.APPROVED)]
    if live:
        return min(live, key=lambda row: _FURTHEST.index(State(row.state)))
    return rows[0] if rows else None


def was_overtaken(row: Registration) -> bool:
    """Whether another registration of this national ID was approved after `row` was begun."""
    others = Registration.objects.filter(national_id=row.national_id, state=State.APPROVED).exclude(pk=row.pk)
    return others.filter(state_since__gt=row.created_at).exists()


def one_to_decide(text: str) -> Registration:
    """As `by_typed`, for a decision: by national ID only where just one request could be meant.

    Raises PortalError: not_found, several (`codes`: theirs, for naming one of them).
    """
    row, code = by_typed(text), tracking.parse(text)
    if code and code == row.tracking_code:
        return row
    waiting = Registration.objects.filter(national_id=row.national_id, state__in=(State.SUBMITTED, *AT_BRANCH))
    codes = [str(each) for each in waiting.order_by("pk")]
    if len(codes) > 1:
        raise PortalError("several", codes=", ".join(codes))
    return row


def by_typed(text: str) -> Registration:
    """The registration an administrator means: by tracking code, else by national ID (its furthest).

    Raises PortalError("not_found").
    """
    code = tracking.parse(text)
    row = Registration.objects.filter(tracking_code=code).first() if code else None
    if row is None:
        try:
            row = furthest(national_id=parse_national_id(text))
        except InputError:
            row = None
    if row is None:
        raise PortalError("not_found")
    return row
