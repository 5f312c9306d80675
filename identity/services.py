"""Ask the registries about a claim; load and tidy the imported extracts.

The owner of the mobile is asked first and the person only after that matched: a thief on their own
SIM learns nothing about the data they typed, and an inquiry that costs money is not made for them.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar

from django.conf import settings

from identity import extracts, matching
from identity.extracts import LoadReport
from identity.matching import Claim, FieldVerdict, Outcome, PersonRecord, Verdict
from identity.models import ExtractKind
from identity.registries import registry
from identity.registries.base import Inquiry, OwnerAnswer, PersonAnswer, Registry, Reply

log = logging.getLogger(__name__)
Answer = TypeVar("Answer", OwnerAnswer, PersonAnswer)

# What a reply means when there is nothing to compare.
_OUTCOMES = {
    Reply.NOT_FOUND: Outcome.NOT_FOUND,
    Reply.INVALID_INPUT: Outcome.INVALID_INPUT,
    Reply.UNAVAILABLE: Outcome.UNAVAILABLE,
    Reply.MISCONFIGURED: Outcome.MISCONFIGURED,
}


@dataclass(frozen=True, slots=True)
class RegistryView:
    """What the desk sees beside the claim. Never stored: asked anew each time it is shown.

    `record` is None where the registry found nobody, did not answer, or answers in similarities
    only; `fields` holds a `FieldVerdict` value per field that was compared.
    """

    outcome: Outcome
    record: PersonRecord | None = None
    fields: dict[str, str] = field(default_factory=dict)


def check(*, claim: Claim, attempt: int) -> Verdict:
    """The verdict on `claim`. `attempt` counts from 1 and grows each time this claim is asked again.

    Never raises for a registry's fault: UNAVAILABLE and MISCONFIGURED are verdicts. Call it outside
    a transaction: it may take as long as a registry's time-out.
    """
    inquiry = Inquiry(claim, attempt)
    owner = _ask_owner(inquiry)
    if owner is not Outcome.MATCH:
        fields = {"mobile": FieldVerdict.MISMATCH.value} if owner is Outcome.MISMATCH else {}
        return Verdict(owner, matching.OWNER, fields)
    verdict = _judge(claim, _ask_person(inquiry))
    return Verdict(verdict.outcome, verdict.kind, {"mobile": FieldVerdict.MATCH.value} | verdict.fields)


def registry_view(*, claim: Claim, attempt: int = 1) -> RegistryView:
    """What the civil registry says now about the claimed ID and birth date, for a clerk.

    The clerk has the person and their papers in front of them, so the owner of the mobile is not
    asked first. The caller writes down who looked.
    """
    answer = _ask_person(Inquiry(claim, attempt))
    verdict = _judge(claim, answer)
    return RegistryView(verdict.outcome, answer.record, verdict.fields)


def load_civil_registry(
    *, source: BinaryIO, skip_bad: bool = False, progress: Callable[[int], None] | None = None
) -> LoadReport:
    """Replace the civil extract by `source`; see `identity.extracts.load`."""
    return extracts.load(kind=ExtractKind.CIVIL, source=source, skip_bad=skip_bad, progress=progress)


def load_mobile_owners(
    *, source: BinaryIO, skip_bad: bool = False, progress: Callable[[int], None] | None = None
) -> LoadReport:
    """Replace the extract of owners by `source`; see `identity.extracts.load`."""
    return extracts.load(kind=ExtractKind.OWNERS, source=source, skip_bad=skip_bad, progress=progress)


def purge_extracts(*, dry_run: bool = False) -> int:
    """Delete generations that are no longer used; returns how many. See `identity.extracts.purge`."""
    return extracts.purge(dry_run=dry_run)


def _ask_owner(inquiry: Inquiry) -> Outcome:
    answer = _ask("owner", lambda one: one.owner(inquiry), OwnerAnswer(Reply.UNAVAILABLE))
    if answer.reply in (Reply.ANSWERED, Reply.NOT_FOUND):
        # A mobile that the registry has never heard of is not this person's either.
        return Outcome.MATCH if answer.reply is Reply.ANSWERED and answer.is_owner else Outcome.MISMATCH
    return _OUTCOMES[answer.reply]


def _ask_person(inquiry: Inquiry) -> PersonAnswer:
    return _ask("person", lambda one: one.person(inquiry), PersonAnswer(Reply.UNAVAILABLE))


def _judge(claim: Claim, answer: PersonAnswer) -> Verdict:
    if answer.reply is not Reply.ANSWERED:
        return Verdict(_OUTCOMES[answer.reply], matching.IDENTITY)
    record = answer.record or PersonRecord()
    fields = {**matching.compare_fields(claim, record), **answer.judged}
    return matching.decide(fields, deceased=record.deceased or answer.deceased)


def _ask(question: str, put: Callable[[Registry], Answer], unavailable: Answer) -> Answer:
    """The first answer in the settings' order; only UNAVAILABLE falls through to the next registry."""
    answer = unavailable
    if not settings.IDENTITY_REGISTRIES:
        log.error("IDENTITY_REGISTRIES is empty: nobody to ask")
        return type(unavailable)(Reply.MISCONFIGURED)
    for name in settings.IDENTITY_REGISTRIES:
        answer = _put(name, question, put, unavailable)
        if answer.reply is not Reply.UNAVAILABLE:
            break
    return answer


def _put(name: str, question: str, put: Callable[[Registry], Answer], unavailable: Answer) -> Answer:
    """One registry's answer. What it raises is logged by its type and place: its text may be personal."""
    try:
        one = registry(name)
    except ImportError:
        log.error("registry %s of IDENTITY_REGISTRIES does not exist", name)
        return type(unavailable)(Reply.MISCONFIGURED)
    try:
        answer = put(one)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        log.error(
            "registry %s failed on %s: %s at %s:%s", name, question, type(error).__name__, where.filename, where.lineno
        )
        return unavailable
    if answer.reply in (Reply.UNAVAILABLE, Reply.MISCONFIGURED, Reply.INVALID_INPUT):
        log.warning(
            "registry %s answered %s to %s (code %s, trace %s)", name, answer.reply, question, answer.code, answer.trace
        )
    return answer
