"""The citizen's three steps: start, confirm the mobile, submit. A browser needs the row's grant after step two."""

from __future__ import annotations

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
from registration import tracking
from registration.models import Registration
from registration.services.transitions import CITIZEN, move, write_event
from registration.states import ENDED, OPEN, State

UNFINISHED = (State.STARTED, State.MOBILE_CONFIRMED)


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
    others = Registration.objects.filter(national_id=national_id, state__in=(*OPEN, State.APPROVED))
    if correcting:
        others = others.exclude(token=correcting, state=State.STARTED)
    duplicate = settings.DUPLICATE_NOTICE == "guide" and others.exists()
    row = _row_of(national_id=national_id, mobile=mobile, operator=operator)
    issued = _issue(row, asker=asker, origin=origin, paid=paid)
    return Started(registration=row, duplicate=duplicate, wait=issued.wait)


def resend(*, registration: Registration, asker: str, origin: Origin, paid: bool = False) -> issuing.Issued:
    """Another code for a row this session started; the earlier ones stay valid for their time."""
    return _issue(registration, asker=asker, origin=origin, paid=paid)


def send_code(
    *, purpose: CodePurpose, mobile: str, operator: str, asker: str, origin: Origin, paid: bool
) -> issuing.Issued:
    """Send a code to a number that the citizen typed, and count who asked for it; not who pressed the button again.

    Raises PortalError, those of `codes.issuing.issue`.
    """
    by = requesters.weigh(origin=origin, mobile=mobile, paid=paid)
    issued = issuing.issue(purpose=purpose, mobile=mobile, asker=asker, operator=operator, by=by)
    if not (issued.sent or issued.comes):
        requesters.take_back(by)
    return issued


def confirm(*, registration: Registration, asker: str, typed_code: str, came_from: str = "") -> Confirmed:
    """Step two: the right code gives this browser a fresh grant and ends every older one. The same code again, while it
    is still answered, gives the same grant: whichever answer of a double click arrives last, it is good.

    A row that was already further (another device, a resumed journey) keeps its state; one that
    has ended meanwhile is begun anew, so the answer may be about another row. `came_from`: the service from which this
    browser came; a row never learns it before its number is proven. Raises PortalError: grant_ended (the
    same code again, after the row was continued elsewhere), and those of `codes.trying.try_code`.
    """
    code = trying.try_code(purpose=CodePurpose.REGISTER, mobile=registration.mobile, asker=asker, typed=typed_code)
    with transaction.atomic():
        is_first = trying.consume(code, used_for=str(registration.token))
        row, now = Registration.objects.select_for_update().get(pk=registration.pk), timezone.now()
        if row.state in (State.STARTED, *ENDED) and account_exists(national_id=row.national_id):
            if row.state == State.STARTED:
                row = move(row, State.SUPERSEDED, actor=CITIZEN, why="account_exists", confirmed_at=now)
            remember_service(row, came_from)
            return Confirmed(registration=row, grant="")
        if row.state in ENDED:
            row = _row_of(national_id=row.national_id, mobile=row.mobile, operator=row.operator)
        grant = grant_of(code, row, asker=asker)
        if not is_first and row.grant_hash and not holds_grant(row, grant):
            raise PortalError("grant_ended")  # it was continued elsewhere since: a repeated code does not take it back
        if row.state == State.STARTED:
            kept = keyed_hash("grant", grant)
            row = move(row, State.MOBILE_CONFIRMED, actor=CITIZEN, why="code_right", confirmed_at=now, grant_hash=kept)
        else:
            write_grant(row, grant)
        remember_service(row, came_from)
        notice = settings.DUPLICATE_NOTICE == "after_proof" and _others_open(row)
    return Confirmed(registration=row, grant=grant, duplicate_notice=notice)


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
    row = Registration.objects.select_for_update().get(pk=registration.pk)
    refuse_without_grant(row, grant)
    return row


def save_draft(*, registration: Registration, grant: str, answers: dict[str, str]) -> None:
    """Keep what was typed in a part of step three or in a correction (never secrets) until it is submitted; what other
    parts said stays. `registration` is given the draft as it is then. Raises PortalError("grant_ended").
    """
    refuse_without_grant(registration, grant)
    with transaction.atomic():
        row = lock_with_grant(registration, grant)
        if row.state in (State.MOBILE_CONFIRMED, State.REFERRED):
            row.draft, row.touched_at = row.draft | answers, timezone.now()
            row.save(update_fields=["draft", "touched_at"])
    registration.draft = row.draft


def submit(*, registration: Registration, grant: str, identity: Identity) -> Registration:
    """Step three: hand the claim to matching. Repeating it with the same grant changes nothing.

    Raises PortalError: grant_ended (continued on another device), registration_closed, hashing_busy (`seconds`).
    """
    refuse_without_grant(registration, grant)
    if registration.state not in UNFINISHED:
        return _already_submitted(registration)
    with hashing_places.place(hashing_places.Whose.INSIDE):
        columns = identity.columns()
    with transaction.atomic():
        row = lock_with_grant(registration, grant)
        if row.state != State.MOBILE_CONFIRMED:
            return _already_submitted(row)
        now = timezone.now()
        due: dict[str, Any] = {"submitted_at": now, "next_attempt_at": now, "attempts": 0}
        code = _fresh_tracking_code()
        row = move(row, State.SUBMITTED, actor=CITIZEN, why="submitted", tracking_code=code, draft={}, **due, **columns)
        hint("registration.match")
    return row


def _issue(row: Registration, *, asker: str, origin: Origin, paid: bool) -> issuing.Issued:
    to = {"mobile": row.mobile, "operator": row.operator}
    return send_code(purpose=CodePurpose.REGISTER, **to, asker=asker, origin=origin, paid=paid)


def _others_open(row: Registration) -> bool:
    return Registration.objects.filter(national_id=row.national_id, state__in=OPEN).exclude(pk=row.pk).exists()


def _already_submitted(row: Registration) -> Registration:
    if row.tracking_code:
        return row
    raise PortalError("registration_closed", state=row.state)


def _fresh_tracking_code() -> str:
    """Not yet taken; a collision in the instant between is refused by the unique column."""
    for _attempt in range(20):
        code = tracking.new_code()
        if not Registration.objects.filter(tracking_code=code).exists():
            return code
    raise IntegrityError("no free tracking code in twenty draws")


def _row_of(*, national_id: str, mobile: str, operator: str) -> Registration:
    """The open row of this pair, with a fresh sign of life; a new one if there is none.

    Takes no lock: whoever holds the national ID must not keep citizens waiting. Two at once are
    told apart by the database's constraint, and the later one gets the earlier one's row.
    """
    pair = Registration.objects.filter(national_id=national_id, mobile=mobile, state__in=OPEN)
    row = pair.first()
    if row is None:
        try:
            with transaction.atomic():
                row = Registration.objects.create(national_id=national_id, mobile=mobile, operator=operator)
                write_event(row, before="", actor=CITIZEN, why="step_one")
            return row
        except IntegrityError:
            row = pair.get()
    row.operator, row.touched_at = operator, timezone.now()
    row.save(update_fields=["operator", "touched_at"])
    return row
