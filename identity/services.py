"""The services of identity: check claims at the registries, look at a person for the desk, load and purge extracts.

The owner of the mobile is asked about first, and the person only if that matched. So a thief who types another person's
data with their own SIM learns nothing about it, and no paid inquiry is made for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import BinaryIO, cast

from django.utils import timezone

from common import backoff, limits
from common.breaker import BreakerState
from identity import configuration, extracts, matching, metering, resting
from identity.configuration import OWNER, PERSON
from identity.extracts import LoadReport
from identity.inquiries import NO_TIME, Case, InquiryBatch
from identity.matching import Outcome, Trace, Verdict
from identity.metering import Caps, Usage
from identity.models import ExtractKind
from identity.person import Claim, FieldVerdict, OwnerClaim, PersonRecord
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Reply

_MOBILE = "mobile"  # the field that the owner's question is about

# The outcome of a reply that has nothing to compare.
_OUTCOMES = {
    Reply.NOT_FOUND: Outcome.NOT_FOUND,
    Reply.INVALID_INPUT: Outcome.INVALID_INPUT,
    Reply.UNAVAILABLE: Outcome.UNAVAILABLE,
    Reply.MISCONFIGURED: Outcome.MISCONFIGURED,
}

# The owner matched, and no more inquiries about this person are allowed, or none can be made.
_NOBODY_IS_ASKED = Verdict(Outcome.NEEDS_A_PERSON, matching.IDENTITY, {_MOBILE: FieldVerdict.MATCH.value})


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about one claim. `attempt` counts from 1 and grows each time the same claim is asked about again.

    `ask_person` False: no more inquiries about this person are allowed; if the owner matches, a person looks. So does
    one where the claim does not say the day of birth and a registry cannot be asked without it.
    `owner_matched`: an earlier check found that the mobile is theirs; that is not paid for again.
    """

    claim: Claim
    attempt: int = 1
    ask_person: bool = True
    owner_matched: bool = False


@dataclass(frozen=True, slots=True)
class OwnerQuestion:
    """Whether this mobile belongs to this national ID. `attempt` as in `Question`."""

    national_id: str
    mobile: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class RegistryView:
    """What the desk sees beside the claim. Never stored: asked anew each time it is shown.

    `record` is None if the registry found nobody, did not answer, returns only similarities, or cannot be asked without
    the day of birth; `fields` holds a `FieldVerdict` value for each field that was compared.
    """

    outcome: Outcome
    record: PersonRecord | None = None
    fields: dict[str, str] = field(default_factory=dict)
    traces: tuple[Trace, ...] = ()


def check_all(
    questions: Sequence[Question], *, seconds: float = limits.REGISTRY_BATCH_TIME
) -> Iterator[tuple[int, Verdict]]:
    """The verdict on each of `questions`, with its index, once, as soon as it is known.

    Never raises for a registry's fault: UNAVAILABLE and MISCONFIGURED are verdicts. What could not be asked within
    `seconds` is UNAVAILABLE; calls under way are waited for (limits.REGISTRY_ANSWER_WITHIN). Call it outside a
    transaction.
    """
    traces: dict[int, tuple[Trace, ...]] = {}
    asking = [
        question if _can_ask_about(question.claim) else replace(question, ask_person=False) for question in questions
    ]
    with InquiryBatch(seconds=seconds) as asked:
        for number, question in enumerate(asking):
            inquiry = Inquiry(question.claim, question.attempt)
            if question.owner_matched and not question.ask_person:
                yield number, _NOBODY_IS_ASKED
            elif question.owner_matched:
                asked.put(number, PERSON, inquiry)
            else:
                asked.put(number, OWNER, inquiry, and_person=question.ask_person)
        for case in asked.answers():
            question = asking[case.number]
            traces[case.number] = traces.get(case.number, ()) + tuple(case.traces)
            if case.question == OWNER and question.ask_person and _owner(case) is Outcome.MATCH:
                asked.put(case.number, PERSON, Inquiry(question.claim, question.attempt))
                continue
            verdict = _about_owner(case) if case.question == OWNER else _about_person(case, question.claim)
            yield case.number, Verdict(verdict.outcome, verdict.kind, verdict.fields, traces[case.number])


def check(*, claim: Claim, attempt: int = 1) -> Verdict:
    """The verdict on one claim; see `check_all`."""
    [(_, verdict)] = check_all([Question(claim, attempt)])
    return verdict


def owners(questions: Sequence[OwnerQuestion]) -> Iterator[tuple[int, Outcome]]:
    """The outcome for each of `questions`, with its index, once, as soon as it is known.

    MATCH or MISMATCH; any other outcome means that there is no answer and the question must be asked again. Call it
    outside a transaction.
    """
    with InquiryBatch(seconds=limits.REGISTRY_BATCH_TIME) as asked:
        for number, question in enumerate(questions):
            claim = OwnerClaim(question.national_id, question.mobile)
            asked.put(number, OWNER, OwnerInquiry(claim, question.attempt))
        for case in asked.answers():
            yield case.number, _owner(case)


def registry_view(*, claim: Claim, attempt: int = 1) -> RegistryView:
    """What the civil registry says now about the claimed ID and birth date, for a clerk.

    The clerk has the person and their papers in front of them, so the owner of the mobile is not asked about. The
    caller records who looked.
    """
    if not _can_ask_about(claim):
        return RegistryView(Outcome.NEEDS_A_PERSON)
    with InquiryBatch(seconds=limits.REGISTRY_BATCH_TIME) as asked:
        asked.put(0, PERSON, Inquiry(claim, attempt))
        [case] = asked.answers()
    answer = cast(PersonAnswer, case.answer)
    verdict = _judge(claim, answer)
    return RegistryView(verdict.outcome, answer.record, verdict.fields, tuple(case.traces))


def rested_until(question: str) -> datetime | None:
    """The earliest time at which `question` (owner, person) can be asked again; see `identity.resting`."""
    return resting.rested_until(question)


def ask_again_at(
    question: str, *, attempts: int, first: timedelta, longest: timedelta, after_rest: timedelta
) -> datetime:
    """When to ask `question` (owner, person) again after try number `attempts` had no answer: after a pause that grows
    from `first` to `longest`. If all its registries rest: within `after_rest` after one may be tried."""
    now, rested = timezone.now(), rested_until(question)
    if rested:
        return backoff.soon_after(max(rested, now), within=after_rest)
    return now + backoff.doubling(attempts, first=first, longest=longest)


def usage(day: date | None = None) -> list[Usage]:
    """The inquiries of `day` (default: today) and their cost; see `identity.metering`."""
    return metering.usage(day)


def caps() -> Caps:
    """The caps of a day."""
    return metering.caps()


def rests() -> dict[str, BreakerState]:
    """The registries that rest now, each by its name and question."""
    return resting.all_rests()


def at_once(most: int) -> int:
    """How many claims are best put into one `check_all`, `most` at the most; see `identity.configuration`."""
    return configuration.at_once(most)


def is_at_hand(question: str) -> bool:
    """Whether the first registry of `question` is not on the network: it answers at once and costs nothing."""
    return configuration.is_at_hand(question)


def was_asked(verdict: Verdict) -> bool:
    """Whether a registry was asked. False: the time of the batch was over first."""
    return not verdict.traces or verdict.traces[-1].code != NO_TIME


def load_civil_registry(
    *, source: BinaryIO, skip_bad: bool = False, progress: Callable[[int], None] | None = None
) -> LoadReport:
    """Replace the civil extract by `source`; see `identity.extracts.load`."""
    report = extracts.load(kind=ExtractKind.CIVIL, source=source, skip_bad=skip_bad, progress=progress)
    resting.end_alarms(PERSON)
    return report


def load_mobile_owners(
    *, source: BinaryIO, skip_bad: bool = False, progress: Callable[[int], None] | None = None
) -> LoadReport:
    """Replace the extract of owners by `source`; see `identity.extracts.load`."""
    report = extracts.load(kind=ExtractKind.OWNERS, source=source, skip_bad=skip_bad, progress=progress)
    resting.end_alarms(OWNER)
    return report


def purge_extracts(*, dry_run: bool = False) -> int:
    """Delete generations that are no longer used; returns how many. See `identity.extracts.purge`."""
    return extracts.purge(dry_run=dry_run)


def _can_ask_about(claim: Claim) -> bool:
    """Whether the registries can be asked who this is: ID and birth date are their key."""
    return not claim.birth_unknown or configuration.takes_part_of_a_date(PERSON)


def _owner(case: Case) -> Outcome:
    answer = cast(OwnerAnswer, case.answer)
    if answer.reply in (Reply.ANSWERED, Reply.NOT_FOUND):
        # A mobile that the registry does not know does not belong to this person.
        return Outcome.MATCH if answer.reply is Reply.ANSWERED and answer.is_owner else Outcome.MISMATCH
    return _OUTCOMES[answer.reply]


def _about_owner(case: Case) -> Verdict:
    """The verdict if the person is not asked about: the owner did not match, or no more inquiries are allowed."""
    outcome = _owner(case)
    if outcome is Outcome.MATCH:
        return _NOBODY_IS_ASKED
    fields = {_MOBILE: FieldVerdict.MISMATCH.value} if outcome is Outcome.MISMATCH else {}
    return Verdict(outcome, matching.OWNER, fields)


def _about_person(case: Case, claim: Claim) -> Verdict:
    verdict = _judge(claim, cast(PersonAnswer, case.answer))
    return Verdict(verdict.outcome, verdict.kind, {_MOBILE: FieldVerdict.MATCH.value} | verdict.fields)


def _judge(claim: Claim, answer: PersonAnswer) -> Verdict:
    if answer.reply is not Reply.ANSWERED:
        return Verdict(_OUTCOMES[answer.reply], matching.IDENTITY)
    record = answer.record or PersonRecord()
    fields = {**matching.compare_fields(claim, record), **answer.judged}
    return matching.decide(fields, deceased=record.deceased or answer.deceased)
