"""The second chance of a referred citizen: correct the identity, or prove another mobile.

The request keeps its tracking code, password and security answer, and goes back to matching. How often the civil
registry may be asked about a national ID is counted here. Only checks of the identity count, and only those that
referred somebody to a branch: an owner's mismatch says nothing about the data, so a stranger with a SIM of their
own uses up nobody's tries. All registrations of the ID are counted together, so that neither another number nor
another device brings new tries.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.codes import issuing, trying
from accounts.models import CodePurpose, OneTimeCode
from common import limits
from common.abuse.origins import Origin
from common.errors import PortalError
from common.hints import hint
from identity.matching import IDENTITY, OWNER
from identity.person import Person
from registration import matching_sql
from registration.models import Registration
from registration.services.decisions import hold_national_id
from registration.services.journey import (
    UNFINISHED,
    grant_of,
    lock_with_grant,
    refuse_without_grant,
    remember_service,
    save_draft,
    send_code,
    write_grant,
)
from registration.services.transitions import CITIZEN, move_locked
from registration.states import OPEN, State

_CORRECTED = "corrected"  # the event's `why`


@dataclass(frozen=True)
class Number:
    """Another mobile of the citizen, not proven yet; empty: none was given."""

    operator: str = ""
    mobile: str = ""


@dataclass(frozen=True)
class Renumbered:
    """`registration`: what this browser goes on with. `grant` is empty when it went back to matching; else the
    pair of (national ID, new number) had a request of its own, and the grant opens that one."""

    registration: Registration
    grant: str = ""


def identity_checks(national_ids: Collection[str]) -> dict[str, int]:
    """How often each of these IDs was referred because of the identity within `limits.CORRECTIONS_WITHIN`.

    One statement for all of them; an ID that never was stands there with 0.
    """
    since = timezone.now() - limits.CORRECTIONS_WITHIN
    return dict.fromkeys(national_ids, 0) | matching_sql.referrals(national_ids, kind=IDENTITY, since=since)


def may_ask(checks: int) -> bool:
    """Whether an ID that was checked so often may be checked once more: the first time and its corrections."""
    return checks <= limits.CORRECTIONS


def tries_left(*, national_id: str) -> int:
    """How many corrections of the identity this ID has left; 0: the branch is the way.

    Corrections that are being checked are used. What was never corrected is not counted before its check: it may
    be a stranger's.
    """
    used = identity_checks([national_id])[national_id]
    under_way = Registration.objects.filter(national_id=national_id, state=State.SUBMITTED, events__why=_CORRECTED)
    return max(0, limits.CORRECTIONS - max(0, used - 1) - under_way.distinct().count())


def correct(*, registration: Registration, grant: str, revision: int, identity: Person) -> Registration:
    """Hand the corrected identity (clean) to matching. `revision`: the row's when the page was made, so that
    a page that is sent twice (a double click, a lost answer) is one correction and uses up one try.

    Raises PortalError: grant_ended (continued on another device), registration_closed (decided or ended
    meanwhile), corrections_used, nothing_changed (the same answer would come, and be paid for; no try is used).
    """
    with transaction.atomic():
        hold_national_id(registration.national_id)  # registrations of one ID share the tries
        row = lock_with_grant(registration, grant)
        if row.revision != revision:
            return row
        _refuse_unless(row, IDENTITY)
        if not tries_left(national_id=row.national_id):
            raise PortalError("corrections_used")
        if all(getattr(row, name) == value for name, value in vars(identity).items()):
            raise PortalError("nothing_changed")
        return _resubmit(row, why=_CORRECTED, **vars(identity))


def pending_number(row: Registration) -> Number:
    """The number that `change_number` sent a code to."""
    return Number(operator=row.draft.get("new_operator", ""), mobile=row.draft.get("new_mobile", ""))


def change_number(
    *,
    registration: Registration,
    grant: str,
    mobile: str,
    operator: str,
    asker: str,
    origin: Origin,
    paid: bool = False,
) -> issuing.Issued:
    """Send a code to another number of the citizen's own. It is kept on the row until it is proven.

    Raises PortalError: grant_ended, registration_closed, same_number, and those of `codes.issuing.issue`; the
    number is kept then as well, so that nothing has to be typed again.
    """
    refuse_without_grant(registration, grant)
    _refuse_unless(registration, OWNER)
    if mobile == registration.mobile:
        raise PortalError("same_number")
    save_draft(registration=registration, grant=grant, answers={"new_operator": operator, "new_mobile": mobile})
    to = {"mobile": mobile, "operator": operator}
    return send_code(purpose=CodePurpose.NEW_MOBILE, **to, asker=asker, origin=origin, paid=paid)


def confirm_number(*, registration: Registration, grant: str, asker: str, typed_code: str) -> Renumbered:
    """Prove the new number by its code: the request, with its answers and tracking code, is checked again with it.

    Where the pair of the ID and this number has a draft, that one ends; where it has a request that was
    handed in, this browser goes on with that. Raises PortalError: grant_ended, registration_closed,
    and those of `codes.trying.try_code`.
    """
    number = pending_number(registration)
    refuse_without_grant(registration, grant)
    _refuse_unless(registration, OWNER)
    if not number.mobile:
        raise PortalError("code_expired")
    code = trying.try_code(purpose=CodePurpose.NEW_MOBILE, mobile=number.mobile, asker=asker, typed=typed_code)
    try:
        return _renumber(registration, grant, number, code, asker=asker)
    except IntegrityError:  # a step one with the same pair came in between; now it is seen
        return _renumber(registration, grant, number, code, asker=asker)


def _renumber(registration: Registration, grant: str, number: Number, code: OneTimeCode, *, asker: str) -> Renumbered:
    with transaction.atomic():
        hold_national_id(registration.national_id)
        row = lock_with_grant(registration, grant)
        trying.consume(code, used_for=str(row.token))
        if row.state == State.SUBMITTED and row.mobile == number.mobile:
            return Renumbered(row)  # the same page, sent twice
        _refuse_unless(row, OWNER)
        pair = Registration.objects.filter(national_id=row.national_id, mobile=number.mobile, state__in=OPEN)
        other = pair.select_for_update().first()
        if other and other.state not in UNFINISHED:
            theirs = grant_of(code, other, asker=asker)
            write_grant(other, theirs)
            remember_service(other, row.came_from)
            return Renumbered(other, theirs)
        if other:
            move_locked(other, State.SUPERSEDED, actor=CITIZEN, why="number_taken_over", grant_hash="", draft={})
            row.came_from = row.came_from or other.came_from
        to = {"mobile": number.mobile, "operator": number.operator}
        return Renumbered(_resubmit(row, why="other_number", came_from=row.came_from, **to))


def _refuse_unless(row: Registration, kind: str) -> None:
    if row.state != State.REFERRED or row.verdict_kind != kind:
        raise PortalError("registration_closed")


def _resubmit(row: Registration, *, why: str, **changes: Any) -> Registration:
    now = timezone.now()
    row = move_locked(
        row,
        State.SUBMITTED,
        actor=CITIZEN,
        why=why,
        revision=row.revision + 1,
        submitted_at=now,
        next_attempt_at=now,
        attempts=0,
        told_of_delay_at=None,
        verdict="",
        verdict_kind="",
        verdict_fields={},
        verdict_traces=[],
        draft={},
        **changes,
    )
    hint("registration.match")
    return row
