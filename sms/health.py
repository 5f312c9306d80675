"""How the gateways are doing: per gateway and operator what was delivered, how fast, and the breaker.

Counted from the newest messages of the last day, so that a page never reads a whole table.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min
from django.utils import timezone

from sms import configuration, routing, switches
from sms.models import Message, MessageState
from tamin_portal import breaker
from tamin_portal.breaker import BreakerState

LOOK_BACK = timedelta(hours=24)
MOST = 20_000  # messages


@dataclass(slots=True)
class Line:
    """One gateway and one operator. `taken`: messages it accepted; `seconds`: how long each delivery took."""

    gateway: str
    operator: str
    is_on: bool
    account: BreakerState
    line: BreakerState
    taken: int = 0
    delivered: int = 0
    undelivered: int = 0
    unknown: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def share_delivered(self) -> float | None:
        """Of those whose end is known; None: of none."""
        known = self.delivered + self.undelivered
        return self.delivered / known if known else None

    @property
    def median(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None

    @property
    def slow(self) -> float | None:
        """The 95th percentile: of twenty, nineteen were quicker."""
        if len(self.seconds) < 2:
            return self.median
        return statistics.quantiles(self.seconds, n=20, method="inclusive")[-1]

    @property
    def open_until(self) -> datetime | None:
        """Until when the breaker lets nothing through; None: closed."""
        both = [state.open_until for state in (self.account, self.line) if state.open_until]
        return max(both, default=None)

    @property
    def reason(self) -> str:
        return self.account.reason or self.line.reason


def lines() -> list[Line]:
    """Every configured gateway with every operator it could carry or carried, by name."""
    found = {pair: _line(*pair) for pair in _configured_pairs()}
    for gateway, operator, state, sent_at, final_at in _recent():
        line = found.setdefault((gateway, operator), _line(gateway, operator))
        _count(line, state, sent_at, final_at)
    return [found[pair] for pair in sorted(found)]


def _configured_pairs() -> set[tuple[str, str]]:
    pairs = set()
    for operator in (*configuration.operators(), configuration.ANY):
        for tier in configuration.route(operator):
            pairs |= {(name, operator) for name, _weight in tier}
    return pairs


def _recent() -> Iterable[tuple[Any, ...]]:
    rows = Message.objects.filter(sent_at__gt=timezone.now() - LOOK_BACK).order_by("-sent_at")
    return rows.values_list("gateway", "operator", "state", "sent_at", "final_at")[:MOST]


def _line(gateway: str, operator: str) -> Line:
    account, line = routing.lines(gateway, operator)
    is_on = switches.is_on(gateway, operator)
    return Line(gateway, operator, is_on, breaker.state(account), breaker.state(line))


def _count(line: Line, state: str, sent_at: datetime, final_at: datetime | None) -> None:
    if state == MessageState.UNKNOWN:
        line.unknown += 1
        return
    line.taken += 1
    if state == MessageState.DELIVERED and final_at:
        line.delivered += 1
        line.seconds.append((final_at - sent_at).total_seconds())
    elif state == MessageState.UNDELIVERED:
        line.undelivered += 1


# ── What waits


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of one kind that are still to be sent, and the age of the oldest in seconds."""

    count: int
    oldest: int


def backlog() -> dict[str, Waiting]:
    """By kind. One statement."""
    now = timezone.now()
    rows = Message.objects.filter(next_attempt_at__isnull=False).values("kind")
    counted = rows.annotate(count=Count("id"), oldest=Min("created_at"))
    return {row["kind"]: Waiting(row["count"], int((now - row["oldest"]).total_seconds())) for row in counted}
