"""When the registries are asked again about held requests: those whose check got no answer.

A registry's outage never sends anybody to a branch. Nothing here decides about a request: it only sets when the
registries are asked again, and tells the citizen once that it takes longer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from common import backoff, leases, limits
from common.hints import hint
from common.process_state import register_reset
from identity import services as identity
from identity.matching import IDENTITY, OWNER, Outcome, Verdict
from registration.matching_sql import Submitted
from registration.models import Registration
from registration.services import decisions
from registration.services.decisions import Found
from registration.states import State

log = logging.getLogger(__name__)

NO_ANSWER = (Outcome.UNAVAILABLE, Outcome.MISCONFIGURED)  # perhaps for everybody; INVALID_INPUT is about one person
ASK_AGAIN = (*NO_ANSWER, Outcome.INVALID_INPUT)  # every other outcome decides
_OUR_FAULT = (Outcome.MISCONFIGURED, Outcome.INVALID_INPUT)
_QUESTIONS = {OWNER: "owner", IDENTITY: "person"}  # what is asked, by the kind that a verdict names
_ANSWERED = ("answered", "not_found")
_released: dict[str, float] = {}  # when this process last released, by kind (monotonic seconds)


def match_again(*, registration: Registration) -> bool:
    """Make a held submitted registration due now. False: it is not waiting for matching."""
    with transaction.atomic():
        changed = Registration.objects.filter(pk=registration.pk, state=State.SUBMITTED).update(
            next_attempt_at=timezone.now(), lease=None
        )
        hint("registration.match")
    return bool(changed)


def match_all_again() -> int:
    """Make every held submitted registration due now; returns how many. One that a worker has is left to it."""
    with transaction.atomic():
        changed = Registration.objects.filter(state=State.SUBMITTED, lease__isnull=True).update(
            next_attempt_at=timezone.now()
        )
        hint("registration.match")
    return changed


def hold(found: Sequence[Found]) -> None:
    """Hold these: give up their leases, and set when they are due again.

    The caller has locked and read the rows, in its transaction. A statement for all that wait alike.
    """
    now, alike = timezone.now(), dict[tuple[datetime, str], list[Found]]()
    pauses: dict[tuple[str, str, int, bool], datetime] = {}
    for each in found:
        sort = (each.outcome, each.kind, each.row.attempts, _is_of_this_one(each))
        due = pauses.setdefault(sort, _due_again(*sort, now))
        alike.setdefault((due, repr(each.traces)), []).append(each)
    for (due, _traces), those in alike.items():
        rows, said = [each.row for each in those], those[0]
        changes: dict[str, Any] = {"verdict": said.outcome, "verdict_kind": said.kind, "verdict_traces": said.traces}
        held = Registration.objects.filter(pk__in=[row.pk for row in rows])
        held.update(lease=None, next_attempt_at=due, **changes)
        if said.outcome in _OUR_FAULT:
            log.error(
                "%s registrations are held: %s %s; the administrator must look", len(rows), said.outcome, said.traces
            )


def tell_of_delays() -> int:
    """Tell those whose check takes long, once each, whenever they are asked about again; returns how many.

    At most `limits.MATCH_TOLD_AT_ONCE`, the oldest first; the others at the next tick. One that is being decided about
    at this moment is left alone.
    """
    now = timezone.now()
    with transaction.atomic():
        late = Registration.objects.select_for_update(skip_locked=True).filter(
            state=State.SUBMITTED,
            next_attempt_at__isnull=False,
            submitted_at__lte=now - limits.MATCH_TELL_AFTER,
            told_of_delay_at__isnull=True,
        )
        rows = list(late.order_by("submitted_at", "id")[: limits.MATCH_TOLD_AT_ONCE])
        if rows:
            decisions.tell_of_delay(rows)
            Registration.objects.filter(pk__in=[row.pk for row in rows]).update(told_of_delay_at=now)
    return len(rows)


def give_back(rows: Sequence[Submitted], *, after: timedelta) -> None:
    """Give back rows about which no registry was asked: due `after` now, and the attempt does not count."""
    due = timezone.now() + after
    for row in rows:
        Registration.objects.filter(pk=row.pk, lease=row.lease).update(
            lease=None, next_attempt_at=due, attempts=row.attempts - 1
        )


def release(decided: Sequence[tuple[Submitted, Verdict]]) -> int:
    """Make held requests due now whose registry works again, as these verdicts show; returns about how many.

    A key, a quota or an extract that was missing is there for everybody. A registry that was down is back when
    it answers about somebody for whom it did not: one that fails on a single person must not be asked, and paid,
    each time it answers about another. At most once in the first pause; they are worked off oldest first.
    """
    waiting = Q()
    for kind, question in _QUESTIONS.items():
        answered = [row for row, verdict in decided if _was_answered(verdict, question)]
        back = any(row.verdict == Outcome.UNAVAILABLE and row.verdict_kind == kind for row in answered)
        outcomes = [Outcome.MISCONFIGURED, *([Outcome.UNAVAILABLE] if back else [])]
        if answered and _may_release(kind, outcomes):
            waiting |= Q(verdict_kind=kind, verdict__in=[outcome.value for outcome in outcomes])
    if not waiting:
        return 0
    held = Registration.objects.filter(waiting, state=State.SUBMITTED)
    return leases.bring_forward(held, later_than=limits.MATCH_FIRST_PAUSE)


def outage() -> bool:
    """Whether a registry is out: then "usually N minutes" would be untrue."""
    if any(identity.rested_until(question) for question in _QUESTIONS.values()):
        return True
    held = Registration.objects.filter(state=State.SUBMITTED, verdict__in=[outcome.value for outcome in NO_ANSWER])
    return held[: limits.MATCH_OUTAGE_HELD].count() == limits.MATCH_OUTAGE_HELD


def _was_answered(verdict: Verdict, question: str) -> bool:
    return any(trace.question == question and trace.reply in _ANSWERED for trace in verdict.traces)


def _may_release(kind: str, outcomes: Collection[Outcome]) -> bool:
    name, now = f"{kind}:{len(outcomes)}", time.monotonic()
    if now - _released.get(name, float("-inf")) < limits.MATCH_FIRST_PAUSE.total_seconds():
        return False
    _released[name] = now
    return True


def _is_of_this_one(found: Found) -> bool:
    """Whether the registry answers, but not usefully about this one. Each repeated question is paid."""
    return found.outcome == Outcome.INVALID_INPUT or bool(found.traces and found.traces[-1].get("of_this_one"))


def _due_again(outcome: str, kind: str, attempts: int, of_this_one: bool, now: datetime) -> datetime:
    """Growing pauses. A fault of ours waits the longest pause at once; what is `of_this_one` grows to hours, also
    while the registries rest."""
    if outcome == Outcome.MISCONFIGURED:
        return now + limits.MATCH_LONGEST_PAUSE
    if of_this_one:
        first = limits.MATCH_LONGEST_PAUSE if outcome == Outcome.INVALID_INPUT else limits.MATCH_FIRST_PAUSE
        return now + backoff.doubling(attempts, first=first, longest=limits.MATCH_LONGEST_PAUSE_OF_ONE)
    return identity.ask_again_at(
        _QUESTIONS[kind],
        attempts=attempts,
        first=limits.MATCH_FIRST_PAUSE,
        longest=limits.MATCH_LONGEST_PAUSE,
        after_rest=limits.MATCH_AFTER_REST,
    )


@register_reset
def forget() -> None:
    """Forget when this process released requests, as if it had just started."""
    _released.clear()
