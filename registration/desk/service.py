"""The branch desk: a clerk checks papers and decides, with the citizen and their phone in front of them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from accounts.codes import issuing, trying
from accounts.models import Allowance, CodePurpose, User
from common import limits
from common.errors import PortalError
from identity import services as identity
from registration.models import Registration, RegistryLook
from registration.services import decisions, transitions
from registration.services.matching import claim_of
from registration.states import AT_BRANCH, State

PERSON = "person"  # the question that a look is about
# Both are asked for by the guide: «اصل کارت ملی و شناسنامه».
REQUIRED_PAPERS = ("national_card", "birth_certificate")


def check_seen(*, registration: Registration, revision: int) -> None:
    """Check that the registration still waits at a branch, and is as the clerk saw it. `revision`: the row's
    when the page was made. Raises PortalError: not_at_desk, changed_meanwhile."""
    if registration.state not in AT_BRANCH:
        raise PortalError("not_at_desk", state=registration.state)
    if registration.revision != revision:
        raise PortalError("changed_meanwhile")


def send_code(*, registration: Registration, revision: int, asker: str) -> issuing.Issued:
    """Send an SMS code to *this registration's* mobile, for the clerk's session. Raises code_limit and those of
    `check_seen`."""
    check_seen(registration=registration, revision=revision)
    return issuing.issue(
        purpose=CodePurpose.DESK,
        mobile=registration.mobile,
        asker=asker,
        operator=registration.operator,
        allowance=Allowance.DESK,
    )


def activate(
    *,
    registration: Registration,
    revision: int,
    by: User,
    asker: str,
    typed_code: str,
    papers: Sequence[str],
    note: str,
) -> Registration:
    """Activate a registration whose papers the clerk has seen and whose own mobile received `typed_code`.

    Raises PortalError: papers_missing, note_missing, account_exists, those of `check_seen` and
    `codes.trying.try_code`. A refusal changes nothing.
    """
    if set(REQUIRED_PAPERS) - set(papers):
        raise PortalError("papers_missing")
    _check_note(note)
    check_seen(registration=registration, revision=revision)
    code = trying.try_code(purpose=CodePurpose.DESK, mobile=registration.mobile, asker=asker, typed=typed_code)
    with transaction.atomic():
        row = _as_seen(registration, revision)
        trying.consume(code, used_for=str(row.token))
        return decisions.approve(row, actor=by.username, why="papers_checked", note=note, papers=[*papers])


def reject(
    *, registration: Registration, revision: int, by: User, reason: str, papers: Sequence[str] = ()
) -> Registration:
    """Refuse with a reason that the citizen is told. Raises note_missing, reason_too_long and those of
    `check_seen`."""
    _check_reason(reason)
    with transaction.atomic():
        row = _as_seen(registration, revision)
        return decisions.reject(row, actor=by.username, reason=reason, papers=papers)


def activate_by_administrator(*, registration: Registration, by: str, reason: str) -> Registration:
    """Activate by a command: no code, no papers, name and reason in the event. Repeating changes nothing.

    Raises PortalError: note_missing, note_too_long, account_exists, those of `check_seen`.
    """
    if registration.state == State.APPROVED:
        return registration
    _check_note(reason)
    with transaction.atomic():
        row = _as_seen(registration, registration.revision)
        return decisions.approve(row, actor=transitions.administrator(by), why="operator", note=reason)


def reject_by_administrator(*, registration: Registration, by: str, reason: str) -> Registration:
    """Reject by a command. Repeating changes nothing. Raises PortalError: note_missing, reason_too_long, those of
    `check_seen`."""
    if registration.state == State.REJECTED:
        return registration
    _check_reason(reason)
    with transaction.atomic():
        row = _as_seen(registration, registration.revision)
        return decisions.reject(row, actor=transitions.administrator(by), reason=reason)


def registry_is_at_hand() -> bool:
    """Whether the civil registry may be asked each time a page is shown: it answers at once and costs nothing."""
    return identity.is_at_hand(PERSON)


def registry_says(*, registration: Registration, by: User) -> identity.RegistryView:
    """What the civil registry says now about the claim, to show to `by`. A RegistryLook is written before; nothing of
    the answer is stored."""
    RegistryLook.objects.create(registration=registration, actor=by.username, question=PERSON)
    return identity.registry_view(claim=claim_of(registration), attempt=max(registration.attempts, 1))


def _check_note(note: str) -> None:
    if not note.strip():
        raise PortalError("note_missing")
    if len(note) > limits.DESK_NOTE_LONGEST:
        raise PortalError("note_too_long", most=limits.DESK_NOTE_LONGEST)


def _check_reason(reason: str) -> None:
    """Refuse a reason that does not fit into the SMS as a whole."""
    _check_note(reason)
    if len(" ".join(reason.split())) > limits.REJECTION_REASON_LONGEST:
        raise PortalError("reason_too_long", most=limits.REJECTION_REASON_LONGEST)


def _as_seen(registration: Registration, revision: int) -> Registration:
    """The row, locked, as `check_seen` wants it: from here to the transaction's end the citizen changes nothing."""
    decisions.hold_national_id(registration.national_id)
    row = Registration.objects.select_for_update().get(pk=registration.pk)
    check_seen(registration=row, revision=revision)
    return row
