"""Measures the SMS backlog for monitoring: messages and receipts that wait, recent failures, open breakers, alarms."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Min
from django.utils import timezone

from common import alarms, breaker, limits
from common.models import Alarm
from common.operators import OPERATORS
from sms import budget, configuration, routing
from sms.models import Message, MessageKind, MessageState, Receipt, ReceiptState

HOUR = timedelta(hours=1)
DEAD = (MessageState.FAILED, MessageState.EXPIRED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of one kind that are still to be sent, and the age of the oldest in seconds."""

    count: int
    oldest: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The highest values that count as normal: seconds that the oldest may wait, and numbers of messages."""

    codes: int = limits.BACKLOG_CODES_WAIT
    results: int = limits.BACKLOG_RESULTS_WAIT
    receipts: int = limits.BACKLOG_RECEIPTS_WAIT
    queue: int = limits.BACKLOG_QUEUE
    failed: int = limits.BACKLOG_FAILED
    unknown: int = limits.BACKLOG_UNKNOWN


@dataclass(frozen=True, slots=True)
class Backlog:
    """`failed` and `unknown`: messages of the last hour; `unread`: seconds that the oldest receipt has waited to be
    read; `breakers`: the open ones, each with its reason; `budget`: the usage of each share, empty if there is no
    budget."""

    waiting: dict[str, Waiting]
    failed: int
    unknown: int
    unread: int
    breakers: dict[str, str] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    budget: list[budget.ShareUsage] = field(default_factory=list)

    def problems(self, most: Thresholds) -> list[str]:
        """A sentence for each threshold that is passed, each open breaker and each alarm; empty: all is well."""
        longest = {kind: most.codes if kind == MessageKind.CODE else most.results for kind in MessageKind.values}
        count = sum(each.count for each in self.waiting.values())
        judged = [
            *(
                (each.oldest > longest[kind], f"{kind}: the oldest waits for {each.oldest} s")
                for kind, each in sorted(self.waiting.items())
            ),
            (count > most.queue, f"{most.queue} may wait, {count} do"),
            (self.failed > most.failed, f"{self.failed} failed or expired within the hour"),
            (self.unknown > most.unknown, f"what became of {self.unknown} sent within the hour nobody knows"),
            (self.unread > most.receipts, f"receipts: the oldest is unread for {self.unread} s"),
            *((True, f"breaker {name} is open ({reason or 'failures'})") for name, reason in self.breakers.items()),
            *((True, f"alarm {alarm}: {alarm.detail}".rstrip(": ")) for alarm in self.alarms),
        ]
        return [sentence for is_one, sentence in judged if is_one]


def look() -> Backlog:
    """The backlog now. A handful of statements, each on an index."""
    now = timezone.now()
    return Backlog(
        waiting=waiting(),
        failed=Message.objects.filter(state__in=DEAD, final_at__gt=now - HOUR).count(),
        unknown=Message.objects.filter(state=MessageState.UNKNOWN, sent_at__gt=now - HOUR).count(),
        unread=_unread(now),
        breakers=_open_breakers(),
        alarms=alarms.standing("sms"),
        budget=budget.usage(),
    )


def waiting() -> dict[str, Waiting]:
    """Messages that wait, by kind. One statement."""
    now = timezone.now()
    rows = Message.objects.filter(next_attempt_at__isnull=False).values("kind")
    counted = rows.annotate(count=Count("id"), oldest=Min("created_at"))
    return {row["kind"]: Waiting(row["count"], _seconds(row["oldest"], now)) for row in counted}


def _unread(now: datetime) -> int:
    unread = Receipt.objects.filter(state=ReceiptState.NEW, next_attempt_at__isnull=False)
    return _seconds(unread.aggregate(oldest=Min("received_at"))["oldest"] or now, now)


def _seconds(since: datetime, now: datetime) -> int:
    return int((now - since).total_seconds())


def _open_breakers() -> dict[str, str]:
    names = [
        name
        for gateway in configuration.names()
        for name in (
            *(name for operator in (*OPERATORS, "") for name in routing.breakers(gateway, operator)),
            *(routing.breaker_of_kind(gateway, kind) for kind in MessageKind.values),
        )
    ]
    states = {name.removeprefix("sms:"): breaker.state(name) for name in dict.fromkeys(names)}
    return {name: state.reason for name, state in states.items() if not state.closed}
