"""Claim + record → verdict, field by field. Pure: no Django, no registry, no clock.

Which fields decide, and how each is compared (`DECISIVE` is this table in code, docs/matching.md has it too):

| field              | compared as                                              | not returned  |
|--------------------|----------------------------------------------------------|---------------|
| last_name          | name, however it is written; near: a سید of one side     | a person looks|
| first_name         | name, however it is written; near: a سید of one side     | a person looks|
| birth_date         | the same day                                             | unknown       |
| gender             | the same                                                 | unknown       |
| certificate_number | number; 0, blank and the own national ID are the same    | unknown       |
| series_letter      | letter or number; الف, ا and أ are the same              | unknown       |
| series_number      | number                                                   | unknown       |
| certificate_serial | number                                                   | unknown       |

A number is its digits in any script without leading zeros. A MISMATCH of any field is a mismatch, else a near name or
a name that was not returned is for a person, else it is a match; who has died is told apart before all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from identity.person import Claim, PersonRecord
from tamin_portal import persian


class FieldVerdict(StrEnum):
    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"  # not asked, or not returned
    NEEDS_A_PERSON = "needs_a_person"  # near: a سید that one side leaves out


class Outcome(StrEnum):
    """What a check answers about a claim. What follows from it is the caller's rule."""

    MATCH = "match"
    NEEDS_A_PERSON = "needs_a_person"
    MISMATCH = "mismatch"
    NOT_FOUND = "not_found"
    DECEASED = "deceased"
    INVALID_INPUT = "invalid_input"
    UNAVAILABLE = "unavailable"  # try again by itself
    MISCONFIGURED = "misconfigured"  # key, quota, no extract: alert the operator and hold


OWNER, IDENTITY = "owner", "identity"  # the coarse kind: all that a citizen learns


@dataclass(frozen=True, slots=True)
class Trace:
    """One inquiry, by what its provider would ask for on the telephone. Nothing personal.

    `reply` is a value of `identity.registries.base.Reply`, `code` the provider's own error code or our word for
    why it was not asked, `trace` its number for the call. `of_this_one`: it does answer, but this cannot be used.
    """

    registry: str
    question: str  # owner | person
    reply: str
    code: str = ""
    trace: str = ""
    of_this_one: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a check. `kind` names the question that decided, empty on a match.

    `fields` holds a `FieldVerdict` value per attribute of the claim that was looked at; `traces` the inquiries
    that were made, in order.
    """

    outcome: Outcome
    kind: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    traces: tuple[Trace, ...] = ()


def _same_name(claimed: str, known: str, _national_id: str) -> FieldVerdict:
    return {
        persian.NameMatch.SAME: FieldVerdict.MATCH,
        persian.NameMatch.FOR_A_PERSON: FieldVerdict.NEEDS_A_PERSON,
        persian.NameMatch.DIFFERENT: FieldVerdict.MISMATCH,
    }[persian.compare_names(claimed, known)]


def _equal(claimed: object, known: object, _national_id: str) -> FieldVerdict:
    return FieldVerdict.MATCH if claimed == known else FieldVerdict.MISMATCH


def _same_number(claimed: str, known: str, _national_id: str) -> FieldVerdict:
    """Digits whatever their script and leading zeros: some registries keep numbers as integers."""
    return _equal(_bare_number(claimed), _bare_number(known), _national_id)


def _same_certificate(claimed: str, known: str, national_id: str) -> FieldVerdict:
    """0, blank and the person's own national ID are the same thing for younger people."""
    none = ("", _bare_number(national_id))
    one, other = (_bare_number(number) for number in (claimed, known))
    return _equal("" if one in none else one, "" if other in none else other, national_id)


def _same_series_letter(claimed: str, known: str, _national_id: str) -> FieldVerdict:
    return _equal(_series_letter(claimed), _series_letter(known), _national_id)


def _bare_number(text: str) -> str:
    return persian.fold_number(text).lstrip("0")


def _series_letter(text: str) -> str:
    try:
        return persian.parse_series_letter(text)
    except persian.InputError:
        return persian.fold_number(text)


@dataclass(frozen=True, slots=True)
class Decisive:
    """`needed`: without this field nobody gets an account by machine; a person looks instead.

    `empty_is_a_value`: an empty text from the registry is compared, not taken as "not returned".
    """

    compare: Callable[[Any, Any, str], FieldVerdict]
    needed: bool = False
    empty_is_a_value: bool = False


# The birth date is part of the question's key (a wrong one is NOT_FOUND), so it is not needed back.
DECISIVE: Mapping[str, Decisive] = {
    "last_name": Decisive(_same_name, needed=True),
    "first_name": Decisive(_same_name, needed=True),
    "birth_date": Decisive(_equal),
    "gender": Decisive(_equal),
    "certificate_number": Decisive(_same_certificate, empty_is_a_value=True),
    "series_letter": Decisive(_same_series_letter),
    "series_number": Decisive(_same_number),
    "certificate_serial": Decisive(_same_number),
}


def compare_fields(claim: Claim, record: PersonRecord) -> dict[str, FieldVerdict]:
    """A verdict per decisive field."""
    return {name: _compare_field(name, claim, record) for name in DECISIVE}


def _compare_field(name: str, claim: Claim, record: PersonRecord) -> FieldVerdict:
    rule, known = DECISIVE[name], getattr(record, name)
    if known is None or (known == "" and not rule.empty_is_a_value):
        return FieldVerdict.UNKNOWN
    return rule.compare(getattr(claim, name), known, claim.national_id)


def decide(fields: Mapping[str, FieldVerdict], *, deceased: bool = False) -> Verdict:
    """The overall verdict of fields judged here or by a registry that answers in similarities."""
    seen = set(fields.values())
    missing = any(
        fields.get(name, FieldVerdict.UNKNOWN) is FieldVerdict.UNKNOWN for name, rule in DECISIVE.items() if rule.needed
    )
    if deceased:
        outcome = Outcome.DECEASED
    elif FieldVerdict.MISMATCH in seen:
        outcome = Outcome.MISMATCH
    elif FieldVerdict.NEEDS_A_PERSON in seen or missing:
        outcome = Outcome.NEEDS_A_PERSON
    else:
        outcome = Outcome.MATCH
    kind = "" if outcome is Outcome.MATCH else IDENTITY
    return Verdict(outcome, kind, {name: verdict.value for name, verdict in fields.items()})


def compare(claim: Claim, record: PersonRecord) -> Verdict:
    """The verdict on `claim` given what the civil registry returned for its ID and birth date."""
    return decide(compare_fields(claim, record), deceased=record.deceased)
