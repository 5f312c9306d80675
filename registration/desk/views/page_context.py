"""The template context of the desk page: one registration, read from the database and the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.codes import issuing
from accounts.life.lifecycle import account_exists
from accounts.models import CodePurpose, Gender, User
from common.persian import format_jalali, to_persian_digits
from identity.person import DECISIVE, FIELDS, NOT_THERE, FieldVerdict, PersonRecord
from identity.services import RegistryView
from registration.desk import service as desk
from registration.desk import texts as desk_texts
from registration.models import Event, Registration
from registration.states import AT_BRANCH, State

MOST_LOOKS = 50
MOST_OTHERS = 30  # registrations of one national ID on the page; nobody reads more


# What is compared comes first. How much of the birth date is not known stands with the date.
_SHOWN = (*DECISIVE, *(name for name in FIELDS if name not in DECISIVE and name != "birth_unknown"))


@dataclass(frozen=True)
class ClaimLine:
    """One field: what was claimed, what the registry says, and how the two compare."""

    label: str
    claimed: str
    known: str
    mark: str  # a FieldVerdict value

    @property
    def mark_words(self) -> str:
        return str(desk_texts.MARKS[self.mark])


def context_of(row: Registration, *, by: User, asker: str, ask: bool) -> dict[str, Any]:
    """The context of the desk page, without the form.

    The registry is asked only while the request waits at a branch (the question is about a person), and where
    it costs something only if the clerk says so (`ask`); a RegistryLook of `by` is written. Otherwise the marks are
    those of the check. `asker`: the secret of this clerk's session for codes about `row`.
    """
    waiting = row.state in AT_BRANCH
    at_hand = desk.registry_is_at_hand()
    view = desk.registry_says(registration=row, by=by) if waiting and (ask or at_hand) else None
    differs = row.verdict_fields.get("mobile") == FieldVerdict.MISMATCH.value
    words, loudness = desk_texts.registry_words(view.outcome.value, owner_differs=differs) if view else ("", "")
    return {
        "registration": row,
        "code": desk_texts.tracking_code_words(row),
        "masked_mobile": desk_texts.masked_mobile(row),
        "waiting": waiting,
        "deceased": (view.outcome.value if view else row.verdict) == "deceased",
        "verdict": desk_texts.verdict_words(row) if row.submitted_at else "",
        "registry": words,
        "registry_loudness": loudness,
        "registry_shown": view is not None,
        "may_ask": waiting and view is None,
        "lines": _lines(row, view) if row.submitted_at else [],
        **_others(row),
        "account": _account_words(row),
        "history": _history(row),
        "wait": issuing.wait(purpose=CodePurpose.DESK, mobile=row.mobile, asker=asker) if waiting else 0,
        "what_now": "" if waiting else _what_now(row),
    }


def _others(row: Registration) -> dict[str, Any]:
    """The newest other registrations of this national ID, and whether there are more."""
    same_person = Registration.objects.filter(national_id=row.national_id).exclude(pk=row.pk)
    others = list(same_person.order_by("-pk")[: MOST_OTHERS + 1])
    return {
        "others": [(other, desk_texts.masked_mobile(other)) for other in others[:MOST_OTHERS]],
        "more_others": len(others) > MOST_OTHERS,
    }


def _lines(row: Registration, view: RegistryView | None) -> list[ClaimLine]:
    verdicts = view.fields if view else row.verdict_fields
    record = view.record if view else None
    lines = []
    for name in _SHOWN:
        mark = verdicts.get(name, FieldVerdict.UNKNOWN.value)
        lines.append(ClaimLine(_label(name), _shown(name, row), _shown(name, record), mark))
    return [*lines, _mobile_line(row)]


def _mobile_line(row: Registration) -> ClaimLine:
    """The line of the mobile. Its owner was asked at the check only: the clerk has the phone in front of them."""
    mark = row.verdict_fields.get("mobile", FieldVerdict.UNKNOWN.value)
    if row.verdict == "match":
        mark = FieldVerdict.MATCH.value
    known = {
        "match": _("in the name of this national ID, when it was checked"),
        "mismatch": _("not in the name of this national ID, when it was checked"),
    }.get(mark, "")
    return ClaimLine(_label("mobile"), desk_texts.masked_mobile(row), known, mark)


def _label(name: str) -> str:
    return str(Registration.column(name).verbose_name)


def _shown(name: str, source: Registration | PersonRecord | None) -> str:
    value = getattr(source, name) if source else None
    if value == NOT_THERE and DECISIVE[name].may_be_absent:
        return _("there is none")
    if source is None or value in (None, ""):
        return ""
    if name == "birth_date":
        return format_jalali(value, source.birth_unknown)
    if name == "gender":
        return str(Gender(value).label) if value in Gender.values else str(value)
    return to_persian_digits(value)


def _history(row: Registration) -> list[dict[str, Any]]:
    """What happened and who looked, as it came."""
    lines = [*(_event_line(event) for event in row.events.all()), *_looks(row)]
    return sorted(lines, key=lambda line: line["at"])


def _event_line(event: Event) -> dict[str, Any]:
    return {
        "at": event.at,
        "actor": desk_texts.actor_words(event.actor),
        "state": State(event.to_state).label,
        "why": desk_texts.why_words(event),
        "papers": desk_texts.papers_words(event),
        "note": event.note,
    }


def _looks(row: Registration) -> list[dict[str, Any]]:
    """The newest looks at the registry; a page that is loaded again is one more."""
    return [
        {"at": look.at, "actor": desk_texts.actor_words(look.actor), "why": desk_texts.LOOKED}
        for look in row.looks.order_by("-at", "-pk")[:MOST_LOOKS]
    ]


def _account_words(row: Registration) -> str:
    if account_exists(national_id=row.national_id):
        if row.state == State.APPROVED:
            return _("Made from this request; it is active.")
        return _("An active account exists already: this request cannot be activated.")
    if row.account_id:
        return _("Made from this request; it waits for activation.")
    return _("There is none yet.")


def _what_now(row: Registration) -> str:
    """Why there is nothing for the clerk to do about this request."""
    return {
        State.STARTED: _("The citizen has not confirmed the mobile yet. There is nothing to decide."),
        State.MOBILE_CONFIRMED: _("The citizen has not submitted the data yet. There is nothing to decide."),
        State.SUBMITTED: _("The data are being checked; the result goes out by SMS. There is nothing to decide yet."),
        State.APPROVED: _("This request is approved. The citizen signs in with the national ID and password."),
        State.REJECTED: _("This request was rejected. The citizen may register again."),
        State.SUPERSEDED: _("Another registration with this national ID was approved, so this one has ended."),
        State.EXPIRED: _("This request was left alone for too long and has ended. The citizen may register again."),
    }[State(row.state)]
