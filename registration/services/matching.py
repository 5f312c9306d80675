"""The matching queue: claims submitted registrations, asks the registries, decides by their answers.

The oldest come first. The registries are asked about a whole batch at once, and decisions are made in groups as the
answers come in: a group is one transaction (docs/decisions/0013), so a worker that dies leaves nothing half decided.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from django.db import DatabaseError, transaction

from common import limits
from common.leases import work_off
from identity import services as identity
from identity.matching import IDENTITY, Outcome, Verdict
from identity.person import Claim, fields_of
from identity.services import Question
from registration import matching_sql
from registration.matching_sql import Held, Submitted
from registration.models import Registration
from registration.services import decisions, retries, second_chance
from registration.services.decisions import Found

log = logging.getLogger(__name__)
Answered = tuple[Submitted, Verdict]


def match_due(*, seconds: float = 50) -> int:
    """Decide submitted registrations until none is due or `seconds` have passed; returns how many
    were claimed. Then tell those who have waited for long. Safe to run in any number of workers at once, and to
    kill at any moment."""
    at_once = identity.at_once(limits.MATCH_BATCH)
    claimed = work_off(lambda: matching_sql.claim(limit=at_once, lease_for=limits.MATCH_LEASE), _match, seconds=seconds)
    retries.tell_of_delays()
    return claimed


def claim_of(row: Registration | Submitted) -> Claim:
    """The registration as the claim that the registries are asked about."""
    if row.birth_date is None:
        raise ValueError("only a submitted registration has a claim")
    return Claim(national_id=row.national_id, mobile=row.mobile, **fields_of(row))


def decide(answered: Sequence[Answered]) -> None:
    """Act on these verdicts in one transaction, as far as the leases the rows were claimed with are still ours."""
    with transaction.atomic():
        decisions.hold_national_ids([row.national_id for row, _verdict in answered])
        now_held, matched, unmatched = list[Found](), list[Found](), list[Found]()
        for found in _still_ours(answered):
            if found.outcome in retries.ASK_AGAIN:
                now_held.append(found)
            else:
                (matched if found.outcome == Outcome.MATCH else unmatched).append(found)
        retries.hold(now_held)
        decisions.conclude(matched=matched, unmatched=unmatched)


def _match(rows: list[Submitted]) -> None:
    asked = [(row, question) for row in _one_of_each(rows) if (question := _question(row))]
    checks = second_chance.identity_checks([row.national_id for row, _question in asked])
    questions = [
        replace(question, ask_person=second_chance.may_ask(checks[row.national_id]), owner_matched=_owner_matched(row))
        for row, question in asked
    ]
    group: list[Answered] = []
    heard = 0.0
    for number, verdict in identity.check_all(questions):
        group.append((asked[number][0], verdict))
        waited, heard = time.monotonic() - (heard or time.monotonic()), time.monotonic()
        if len(group) == limits.MATCH_GROUP or waited > limits.MATCH_GROUP_WAITS:
            _conclude(group)
            group, heard = [], time.monotonic()
    _conclude(group)


def _one_of_each(rows: Sequence[Submitted]) -> list[Submitted]:
    """One row of each national ID that no other worker is asking about; the others come after it, when it is
    decided: side by side they would all count the same tries."""
    first: dict[str, Submitted] = {}
    for row in rows:
        first.setdefault(row.national_id, row)
    mine = {row.pk for row in rows}
    # Read after the claim, so that of two workers at least one sees the other.
    elsewhere = matching_sql.in_hand(first.keys(), but=mine)
    if elsewhere:
        with transaction.atomic():  # if both see each other, the first to get here gives its rows back
            decisions.hold_national_ids(elsewhere)
            elsewhere = matching_sql.in_hand(elsewhere, but=mine)
            retries.give_back([first[national_id] for national_id in elsewhere], after=limits.MATCH_FIRST_PAUSE)
    retries.give_back([row for row in rows if first[row.national_id] is not row], after=timedelta(0))
    return [row for row in first.values() if row.national_id not in elsewhere]


def _question(row: Submitted) -> Question | None:
    try:
        return Question(claim_of(row), row.attempts)
    except ValueError as error:  # one bad row must not hold up the others; it is tried again later
        _cannot([row], error)
        return None


def _conclude(group: Sequence[Answered]) -> None:
    """Decide about all of `group`, or, where that fails, about each by itself."""
    in_time = [(row, verdict) for row, verdict in group if identity.was_asked(verdict)]
    retries.give_back(
        [row for row, verdict in group if not identity.was_asked(verdict)], after=limits.MATCH_FIRST_PAUSE
    )
    if not in_time:
        return
    try:
        decide(in_time)
    except Exception as error:
        if len(in_time) == 1:  # it is tried again later
            _cannot([row for row, _verdict in in_time], error)
            return
        log.warning("%s decisions together failed (%s); one by one", len(in_time), type(error).__name__)
        for one in in_time:
            _conclude([one])
        return
    retries.release(in_time)


def _still_ours(answered: Sequence[Answered]) -> list[Found]:
    """The rows as they are now, locked, with what was found; without those that another worker has by now, or
    that were decided meanwhile."""
    ours = {held.row.pk: held for held in matching_sql.lock([row.pk for row, _verdict in answered])}
    found = ((row.lease, ours.get(row.pk), verdict) for row, verdict in answered)
    return [_found(held, verdict) for lease, held, verdict in found if held and lease and held.row.lease == lease]


def _owner_matched(row: Submitted) -> bool:
    """It waits for an answer about the person, who was asked about because the owner matched."""
    return row.verdict_kind == IDENTITY and row.verdict in retries.ASK_AGAIN


def _found(held: Held, verdict: Verdict) -> Found:
    row, traces = held.row, [trace.as_object() for trace in verdict.traces]
    if _owner_matched(row) and not any(trace["question"] == "owner" for trace in traces):
        traces = [trace for trace in row.verdict_traces if trace["question"] == "owner"] + traces
    return Found(row, verdict.outcome.value, verdict.kind, verdict.fields, traces, held.is_crowded)


def _cannot(rows: Sequence[Submitted], error: Exception) -> None:
    """They are due again when the lease would have lapsed, and hold up no other request of their ID until then.
    Logged without the error's text: it may be personal."""
    with suppress(DatabaseError):  # then the lease lapses
        for row in rows:
            Registration.objects.filter(pk=row.pk, lease=row.lease).update(lease=None)
    where = traceback.extract_tb(error.__traceback__)[-1]
    log.error(
        "registration %s could not be decided: %s at %s:%s",
        ", ".join(str(row.pk) for row in rows), type(error).__name__, where.filename, where.lineno,
    )  # fmt: skip
