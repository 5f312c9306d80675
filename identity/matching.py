"""Compares a claim with a registry's record, field by field (rules: `identity.person`), and decides the verdict.

Pure: no Django, no registry, no clock. A MISMATCH of any field is a mismatch. Otherwise a person is needed by a near
name, a name that was not returned, and by what is said not to be in the certificate, unless the registry says the same.
Otherwise it is a match. A deceased person is told before all of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from identity.person import DECISIVE, NOT_THERE, Born, Claim, FieldVerdict, PersonRecord, comparable


class Outcome(StrEnum):
    """What a check found out about a claim. The caller decides what follows from it."""

    MATCH = "match"
    NEEDS_A_PERSON = "needs_a_person"
    MISMATCH = "mismatch"
    NOT_FOUND = "not_found"
    DECEASED = "deceased"
    INVALID_INPUT = "invalid_input"
    UNAVAILABLE = "unavailable"  # to be asked again automatically
    MISCONFIGURED = "misconfigured"  # key, quota, no extract: alarm for administrators; the request waits


OWNER, IDENTITY = "owner", "identity"  # a citizen learns no more than this


@dataclass(frozen=True, slots=True)
class Trace:
    """One inquiry as its provider knows it, for questions to their support. Nothing personal.

    `reply` is a value of `identity.registries.base.Reply`; `code` the provider's own error code, or our word for why it
    was not asked; `trace` its number for the call. `of_this_one`: the registry works, but its answer about this claim
    cannot be used.
    """

    registry: str
    question: str  # owner | person
    reply: str
    code: str = ""
    trace: str = ""
    of_this_one: bool = False

    def as_object(self) -> dict[str, Any]:
        """As rows keep it."""
        return {
            "registry": self.registry,
            "question": self.question,
            "reply": self.reply,
            "code": self.code,
            "trace": self.trace,
            "of_this_one": self.of_this_one,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of a check. `kind` names the question that decided, empty on a match.

    `fields` holds a `FieldVerdict` value for each field of the claim that was compared; `traces` the inquiries that
    were made, in order.
    """

    outcome: Outcome
    kind: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    traces: tuple[Trace, ...] = ()


def compare_fields(claim: Claim, record: PersonRecord) -> dict[str, FieldVerdict]:
    """The verdict on each decisive field."""
    return {name: _compare_field(name, claim, record) for name in DECISIVE}


def _compare_field(name: str, claim: Claim, record: PersonRecord) -> FieldVerdict:
    rule, claimed, known = DECISIVE[name], comparable(claim, name), comparable(record, name)
    if known and claimed == known:  # by every rule the same; most are
        return FieldVerdict.MATCH
    is_none = rule.may_be_absent and known == NOT_THERE and record.tells_what_is_not_there
    if rule.may_be_absent and claimed == NOT_THERE:
        zeros = bool(known) and rule.compare(claimed, known, claim.national_id) is FieldVerdict.MATCH
        return FieldVerdict.MATCH if is_none or zeros else FieldVerdict.NEEDS_A_PERSON
    if is_none:
        return FieldVerdict.NEEDS_A_PERSON
    if known is None or (known == "" and not rule.empty_is_a_value):
        return _unknown(name, claimed)
    return rule.compare(claimed, known, claim.national_id)


def _unknown(name: str, claimed: object) -> FieldVerdict:
    """Of a field that was not returned. A birth date that the claim leaves open was not part of the key either."""
    left_open = name == "birth_date" and isinstance(claimed, Born) and claimed.unknown
    return FieldVerdict.NEEDS_A_PERSON if left_open else FieldVerdict.UNKNOWN


def decide(fields: Mapping[str, FieldVerdict], *, deceased: bool = False) -> Verdict:
    """The overall verdict from verdicts on fields, made here or by a registry that returns similarities."""
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
    """The verdict on `claim` given the record that the civil registry returned for its ID and birth date."""
    return decide(compare_fields(claim, record), deceased=record.deceased)
