"""The state of the matching queue, for administrators: what waits, since when, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Min, Q
from django.utils import timezone

from common import limits
from common.breaker import BreakerState
from identity import services as identity
from identity.metering import Caps, Usage
from registration.models import Registration
from registration.states import State

LOOKED_AT = 1_000  # so many of the oldest are read for `answers`; the counts are of all


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Above these it is a problem: requests that wait, those held without an answer, seconds of the oldest."""

    waiting: int = limits.MATCHING_WAITS
    held: int = limits.MATCHING_HELD
    oldest: int = limits.MATCHING_OLDEST


@dataclass(frozen=True, slots=True)
class Held:
    """Requests that wait for the same: `outcome` of the last check, "" before the first; `kind`: of which question."""

    outcome: str
    kind: str
    count: int
    since: datetime  # the oldest was submitted


@dataclass(frozen=True, slots=True)
class Waiting:
    """`due` now, `in_hand` of a worker; `answers`: how often which registry said what, among the oldest."""

    count: int
    due: int
    in_hand: int
    oldest: datetime | None
    held: list[Held] = field(default_factory=list)
    answers: list[tuple[dict[str, str], int]] = field(default_factory=list)
    rests: dict[str, BreakerState] = field(default_factory=dict)
    usage: list[Usage] = field(default_factory=list)
    caps: Caps = field(default_factory=lambda: Caps(0, 0))

    @property
    def oldest_seconds(self) -> int:
        return int((timezone.now() - self.oldest).total_seconds()) if self.oldest else 0

    def problems(self, most: Thresholds) -> list[str]:
        """A sentence for each threshold that is passed, each fault of ours and each open breaker."""
        unanswered = sum(each.count for each in self.held if each.outcome)
        ours = [each for each in self.held if each.outcome in ("misconfigured", "invalid_input")]
        judged = [
            (self.count > most.waiting, f"{most.waiting} may wait, {self.count} do"),
            (unanswered > most.held, f"{most.held} may be held without an answer, {unanswered} are"),
            (self.oldest_seconds > most.oldest, f"the oldest waits for {self.oldest_seconds} s"),
            *((True, f"{each.count} held: {each.kind} {each.outcome}") for each in ours),
            *((True, f"breaker {name} is open ({state.reason or 'failures'})") for name, state in self.rests.items()),
        ]
        return [sentence for is_one, sentence in judged if is_one]


def look() -> Waiting:
    """The queue as it is now, read in a handful of statements."""
    rows = Registration.objects.filter(state=State.SUBMITTED, next_attempt_at__isnull=False)
    now = timezone.now()
    in_hand = Q(lease__isnull=False)
    totals = rows.aggregate(
        count=Count("pk"),
        due=Count("pk", filter=Q(next_attempt_at__lte=now)),
        in_hand=Count("pk", filter=in_hand & Q(next_attempt_at__gt=now)),
        oldest=Min("submitted_at"),
    )
    kinds = rows.values("verdict", "verdict_kind").annotate(count=Count("pk"), since=Min("submitted_at"))
    held = [Held(each["verdict"], each["verdict_kind"], each["count"], each["since"]) for each in kinds]
    return Waiting(
        **totals,
        held=sorted(held, key=lambda each: each.since),
        answers=_answers(
            list(rows.order_by("submitted_at", "pk").values_list("verdict_traces", flat=True)[:LOOKED_AT])
        ),
        rests=identity.rests(),
        usage=identity.usage(),
        caps=identity.caps(),
    )


def _answers(traces: list[list[dict[str, str]]]) -> list[tuple[dict[str, str], int]]:
    """The last answer about each, without the number of the call; the most frequent first."""
    names = ("registry", "question", "reply", "code")
    last = Counter(tuple(each[-1][name] for name in names) for each in traces if each)
    return [(dict(zip(names, answer, strict=True)), count) for answer, count in last.most_common()]
