"""Claim + record → verdict, field by field, by the rules of `identity.person`. Pure: no Django, no registry, no clock.

A MISMATCH of any field is a mismatch, else a near name or a name that was not returned is for a person, else it is a
match; who has died is told apart before all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from identity.person import DECISIVE, Claim, FieldVerdict, PersonRecord


class Outcome(StrEnum):
    """What a check answers about a claim. What follows from it is the caller's rule."""

    MATCH = "match"
    NEEDS_A_PERSON = "needs_a_person"
    MISMATCH = "mismatch"
    NOT_FOUND = "not_found"
    DECEASED = "deceased"
    INVALID_INPUT = "invalid_input"
    UNAVAILABLE = "unavailable"  # try again by itself
    MISCONFIGURED = "misconfigured"  # key, quota, no extract: alert the administrator and hold


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
