"""The citizen's three steps: start, confirm the mobile, submit. A browser needs the row's grant after step two."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.codes import issuing, requesters, trying
from accounts.life.lifecycle import account_exists
from accounts.models import CodePurpose, OneTimeCode
from accounts.passwords import answers
from accounts.passwords import rules as passwords
from common.abuse import hashing_places
from common.abuse.origins import Origin
from common.errors import PortalError
from common.hints import hint
from common.secrets import keyed_hash, keyed_hash_matches
from identity.person import Person
from registration import sql, tracking
from registration.models import Registration
from registration.services.transitions import CITIZEN, begin, move_as_read, move_locked
from registration.sql import locked
from registration.states import ENDED, OPEN, State

UNFINISHED = (State.STARTED, State.MOBILE_CONFIRMED)
TYPING = (State.MOBILE_CONFIRMED, State.REFERRED)  # what is typed is kept on the row
_DRAWS = 20  # of a tracking code; of 900 million codes a million are used in a year


@dataclass(frozen=True)
class Started:
    """`registration`: the row of this (national ID, mobile). `duplicate`: a request or an account for
    this national ID exists, and DUPLICATE_NOTICE wants it said now. `wait`: seconds until another
    code may be asked for."""

    registration: Registration
    duplicate: bool
    wait: int


@dataclass(frozen=True)
class Confirmed:
    """`grant` opens the row to the browser that typed the code; empty when an account exists.
    `duplicate_notice`: another request for this national ID exists, and only now may this be said."""

    registration: Registration
    grant: str
    duplicate_notice: bool = False

    @property
    def account_exists(self) -> bool:
        return not self.grant


@dataclass(frozen=True, repr=False)
class Identity(Person):
    """Step three, clean. `password` and `security_answer` are as typed; they are stored hashed."""

    country: str
    city: str
    email: str
    security_question: str
    password: str
    security_answer: str

    def columns(self) -> dict[str, Any]:
        """What the row stores, secrets hashed (slow: call it outside a transaction)."""
        plain = {name: value for name, value in vars(self).items() if name not in ("password", "security_answer")}
        return plain | {
            "password": passwords.hash_password(self.password),
            "security_answer": answers.hash_answer(self.security_answer),
        }


def start(
    *,
    national_id: str,
    mobile: str,
    operator: str,
    asker: str,
    origin: Origin,
    paid: bool = False,
    correcting: str = "",
) -> Started:
    """Step one: find or open the row of this pair and send a code, or give this session a place for one.

    Grants nothing. `origin`: where it was asked; `paid`: with a proof of work.

    `correcting` is the token of the draft whose number this browser mistyped; it is no duplicate.
    Raises PortalError("code_limit", retry_at=…); the row is kept, so nothing typed is lost.
    """
    pair = {"national_id": national_id, "mobile": mobile, "operator": operator}
    mistyped = uuid.UUID(correcting) if correcting else None
    with transaction.atomic():  # nothing in it waits for a gateway or for Redis
        by = requesters.look(origin=origin, mobile=mobile, paid=paid)
        begun = begin(**pair, mistyped=mistyped, hold=issuing.lock_of(mobile))
        found = issuing.issue_within(purpose=CodePurpose.REGISTER, mobile=mobile, operator=operator, asker=asker, by=by)
    issued = issuing.settled(found)
    duplicate = settings.DUPLICATE_NOTICE == "guide" and begun.others
    return Started(registration=begun.row, duplicate=duplicate, wait=issued.wait)


def resend(*, registration: Registration, asker: str, origin: Origin, paid: bool = False) -> issuing.Issued:
    """Another code for a row this session started; the earlier ones stay valid for their time."""
    to = {"mobile": registration.mobile, "operator": registration.operator}
    return send_code(purpose=CodePurpose.REGISTER, **to, asker=asker, origin=origin, paid=paid)


def send_code(
    *, purpose: CodePurpose, mobile: str, operator: str, asker: str, origin: Origin, paid: bool
) -> issuing.Issued:
    """Send a code to a number that the citizen typed, and count who asked for it; not who pressed the button again.

    Raises PortalError, those of `codes.issuing.issue`.
    """
    by = requesters.look(origin=origin, mobile=mobile, paid=paid)
    return issuing.issue(purpose=purpose, mobile=mobile, asker=asker, operator=operator, by=by)


def confirm(*, registration: Registration, asker: str, typed_code: str, came_from: str = "") -> Confirmed:
    """Step two: the right code gives this browser a fresh grant and ends every older one. The same code again, while it
    is still answered, gives the same grant: whichever answer of a double click arrives last, it is good.

    A row that was already further (another device, a resumed journey) keeps its state; one that
    has ended meanwhile is begun anew, so the answer may be about another row. `came_from`: the service from which this
    browser came; a row never learns it before its number is proven. Raises PortalError: grant_ended (the
    same code again, after the row was continued elsewhere), and those of `codes.trying.try_code`.
    """
    code = trying.try_code(purpose=CodePurpose.REGISTER, mobile=registration.mobile, asker=asker, typed=typed_code)
    with transaction.atomic():  # the row is locked before the codes, as by step one: neither waits for the other then
        row, grant = _opened_as_read(registration, code, asker=asker)
        as_it_is = row or locked(registration.pk)
        is_first = trying.consume(code, used_for=str(registration.token))  # a refusal undoes all of it
        if row is None:
            row, grant = _opened_under_lock(as_it_is, code, asker=asker, is_first=is_first)
        remember_service(row, came_from)
        notice = bool(grant) and settings.DUPLICATE_NOTICE == "after_proof" and _others_open(row)
    return Confirmed(registration=row, grant=grant, duplicate_notice=notice)


def _opened_as_read(row: Registration, code: OneTimeCode, *, asker: str) -> tuple[Registration | None, str]:
    """The usual case in one statement: a draft that is still unproven, of somebody without an account. The row as it is
    then and its grant; None: it is otherwise."""
    if row.state != State.STARTED:
        return None, ""
    grant = grant_of(code, row, asker=asker)
    return move_as_read(row, State.MOBILE_CONFIRMED, **_right(grant), without_account=True), grant


def _opened_under_lock(row: Registration, code: OneTimeCode, *, asker: str, is_first: bool) -> tuple[Registration, str]:
    """The row that the right code opens, and its grant; empty: an account exists. `row` is locked. Raises
    PortalError("grant_ended")."""
    if row.state in (State.STARTED, *ENDED) and account_exists(national_id=row.national_id):
        if row.state == State.STARTED:
            proven = timezone.now()
            row = move_locked(row, State.SUPERSEDED, actor=CITIZEN, why="account_exists", confirmed_at=proven)
        return row, ""
    if row.state in ENDED:
        row = begin(national_id=row.national_id, mobile=row.mobile, operator=row.operator).row
    grant = grant_of(code, row, asker=asker)
    if not is_first and row.grant_hash and not holds_grant(row, grant):
        raise PortalError("grant_ended")  # it was continued elsewhere since: a repeated code does not take it back
    if row.state == State.STARTED:
        row = move_locked(row, State.MOBILE_CONFIRMED, **_right(grant))
    else:
        write_grant(row, grant)
    return row, grant


def _right(grant: str) -> dict[str, Any]:
    """What a right code writes into a draft."""
    proven: dict[str, Any] = {"confirmed_at": timezone.now(), "grant_hash": keyed_hash("grant", grant)}
    return proven | {"actor": CITIZEN, "why": "code_right"}


def grant_of(code: OneTimeCode, row: Registration, *, asker: str) -> str:
    """The grant that this right code gives for `row`: a keyed hash of the code's row and of the session's secret, so
    nobody else can compute it, and the second request of a double click gets the same one."""
    return keyed_hash("grant of a code", f"{code.pk}:{row.token}:{asker}")


def write_grant(row: Registration, grant: str) -> None:
    """Let `grant` open `row`; every older one ends. The caller has locked the row, in its transaction."""
    row.grant_hash, row.touched_at = keyed_hash("grant", grant), timezone.now()
    row.save(update_fields=["grant_hash", "touched_at"])


def remember_service(row: Registration, came_from: str) -> None:
    """Keep on a proven row from which service its citizen came last; "": what is kept stays."""
    if came_from and row.came_from != came_from:
        row.came_from = came_from
        row.save(update_fields=["came_from"])


def holds_grant(registration: Registration, grant: str) -> bool:
    """Whether `grant` is the one that opens this row now."""
    return keyed_hash_matches("grant", grant, registration.grant_hash)


def refuse_without_grant(registration: Registration, grant: str) -> None:
    """Raises PortalError("grant_ended") where `grant` does not open this row (any more)."""
    if not holds_grant(registration, grant):
        raise PortalError("grant_ended")


def lock_with_grant(registration: Registration, grant: str) -> Registration:
    """The row as it is now, locked until the caller's transaction ends. Raises PortalError("grant_ended")."""
    row = locked(registration.pk)
    refuse_without_grant(row, grant)
    return row


def save_draft(*, registration: Registration, grant: str, answers: dict[str, str]) -> None:
    """Keep what was typed in a part of step three or in a correction (never secrets) until it is submitted; what other
    parts said stays. `registration` is given the draft as it is then. Raises PortalError("grant_ended").
    """
    refuse_without_grant(registration, grant)
    draft = sql.add_to_draft(registration, answers, now=timezone.now(), states=TYPING)
    if draft is None:  # another grant, or no step in which something is typed
        with transaction.atomic():
            draft = lock_with_grant(registration, grant).draft
    registration.draft = draft


def submit(*, registration: Registration, grant: str, identity: Identity) -> Registration:
    """Step three: hand the claim to matching. Repeating it with the same grant changes nothing.

    Raises PortalError: grant_ended (continued on another device), registration_closed, hashing_busy (`seconds`).
    """
    refuse_without_grant(registration, grant)
    if registration.state not in UNFINISHED:
        return _already_submitted(registration)
    with hashing_places.place(hashing_places.Whose.INSIDE):
        columns = identity.columns()
    now = timezone.now()
    due: dict[str, Any] = {"submitted_at": now, "next_attempt_at": now, "attempts": 0, "draft": {}}
    row = _with_a_tracking_code(registration, columns | due) if registration.state == State.MOBILE_CONFIRMED else None
    if row is None:  # another page was quicker, or another device
        with transaction.atomic():
            return _already_submitted(lock_with_grant(registration, grant))
    hint("registration.match")
    return row


def _with_a_tracking_code(registration: Registration, claim: dict[str, Any]) -> Registration | None:
    """Move the draft to `submitted` with its `claim` and a tracking code that is nobody's. None: its state or its grant
    is another one by now. The unique column decides whose a code is: of the rare two that draw one, the later draws
    again."""
    for _attempt in range(_DRAWS):
        code = tracking.new_code()
        try:
            return move_as_read(
                registration,
                State.SUBMITTED,
                opened_by=registration.grant_hash,
                actor=CITIZEN,
                why="submitted",
                tracking_code=code,
                **claim,
            )
        except IntegrityError:
            if not Registration.objects.filter(tracking_code=code).exists():
                raise  # another constraint refused it
    raise IntegrityError("no free tracking code in twenty draws")


def _others_open(row: Registration) -> bool:
    return Registration.objects.filter(national_id=row.national_id, state__in=OPEN).exclude(pk=row.pk).exists()


def _already_submitted(row: Registration) -> Registration:
    if row.tracking_code:
        return row
    raise PortalError("registration_closed", state=row.state)
