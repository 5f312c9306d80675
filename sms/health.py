"""Measures the health of gateways: deliveries, delivery times and breaker of each gateway, per operator.

The database counts the last day; times are computed from the newest deliveries only, so that a page never reads a whole
table.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from common import breaker, limits
from common.breaker import BreakerState
from common.operators import name_of
from sms import configuration, routing, seen, switches
from sms.models import Message, MessageKind, MessageState

MOST = 20_000  # deliveries whose times are looked at


@dataclass(slots=True)
class GatewayHealth:
    """One gateway with one operator.

    `taken`: messages the gateway accepted; of these `delivered` and `undelivered` have a receipt, and the receipt of
    `unconfirmed` is overdue. `due`: messages old enough to have a receipt; `confirmed`: the delivered ones among them.
    `seconds`: how long deliveries took. `account`, `at_operator`: the breakers. `closed_to`: kinds of message that the
    gateway is out of order for, each with its reason. `weight`: as in the settings, None if no route of this operator
    has the gateway; `shifted`: the weight set at run time, None if none is set.
    `unseen`: the command after which it gets traffic; empty: it gets some.
    """

    gateway: str
    operator: str
    is_on: bool
    account: BreakerState
    at_operator: BreakerState
    closed_to: dict[str, str]
    weight: int | None = None
    shifted: int | None = None
    unseen: str = ""
    taken: int = 0
    delivered: int = 0
    undelivered: int = 0
    unconfirmed: int = 0
    unknown: int = 0
    due: int = 0
    confirmed: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def operator_name(self) -> str:
        return name_of(self.operator)

    @property
    def share_delivered(self) -> float | None:
        """The share of due messages that are confirmed: an unconfirmed one counts as not delivered. None: nothing is
        due."""
        return self.confirmed / self.due if self.due else None

    @property
    def median(self) -> float | None:
        return statistics.median(self.seconds) if self.seconds else None

    @property
    def slow(self) -> float | None:
        """The 95th percentile of delivery times: nineteen of twenty were quicker."""
        if len(self.seconds) < 2:
            return self.median
        return statistics.quantiles(self.seconds, n=20, method="inclusive")[-1]

    @property
    def closed_kinds(self) -> list[tuple[str, str]]:
        """`closed_to` for a page: the kind's label and the reason."""
        return [(str(MessageKind(kind).label), reason) for kind, reason in self.closed_to.items()]

    @property
    def open_until(self) -> datetime | None:
        """Until when a breaker lets nothing through; None: both are closed."""
        both = [state.open_until for state in (self.account, self.at_operator) if state.open_until]
        return max(both, default=None)

    @property
    def reason(self) -> str:
        return self.account.reason or self.at_operator.reason


def look() -> list[GatewayHealth]:
    """The health of every configured gateway with every operator it could carry or has carried, sorted by name."""
    now = timezone.now()
    found = {pair: _health(*pair) for pair in _configured_pairs()}
    for row in _counts(now):
        pair = row.pop("gateway"), row.pop("operator")
        found[pair] = replace(found.get(pair) or _health(*pair), **row)
    for gateway, operator, sent_at, final_at in _deliveries(now):
        if health := found.get((gateway, operator)):
            health.seconds.append((final_at - sent_at).total_seconds())
    return [found[pair] for pair in sorted(found)]


def _configured_pairs() -> set[tuple[str, str]]:
    pairs = {pair for pair in switches.pairs() if pair[0] in configuration.names()}
    for operator in (*configuration.operators(), configuration.ANY):
        pairs |= {(name, operator) for name in _weights(operator)}
    return pairs


def _weights(operator: str) -> dict[str, int]:
    """The gateways of the route to `operator`, each with its weight in the settings."""
    return {name: weight for tier in configuration.route(operator) for name, weight in tier}


def _counts(now: datetime) -> Iterable[Any]:
    """Counts per gateway and operator. The delivered share leaves out recent messages: among those, quick deliveries
    are known first, so the share would look too good."""
    taken = Q(state__in=(MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNDELIVERED))
    told = Q(state__in=(MessageState.DELIVERED, MessageState.UNDELIVERED))
    awaited = Q(state=MessageState.ACCEPTED, final_at__isnull=True)  # final: where no receipt comes
    old = Q(sent_at__lte=now - limits.RECEIPT_DUE_WITHIN)
    return Message.objects.filter(sent_at__gt=now - limits.SMS_HEALTH_WITHIN).values("gateway", "operator").annotate(
        taken=Count("id", filter=taken),
        delivered=Count("id", filter=Q(state=MessageState.DELIVERED)),
        undelivered=Count("id", filter=Q(state=MessageState.UNDELIVERED)),
        unconfirmed=Count("id", filter=awaited & old),
        unknown=Count("id", filter=Q(state=MessageState.UNKNOWN)),
        due=Count("id", filter=(told | awaited) & old),
        confirmed=Count("id", filter=Q(state=MessageState.DELIVERED) & old),
    )  # fmt: skip


def _deliveries(now: datetime) -> Iterable[tuple[Any, ...]]:
    """The newest deliveries: percentiles need each one, and SQLite has no percentile function."""
    within = now - limits.SMS_HEALTH_WITHIN
    rows = Message.objects.filter(sent_at__gt=within, state=MessageState.DELIVERED, final_at__isnull=False)
    return rows.order_by("-sent_at").values_list("gateway", "operator", "sent_at", "final_at")[:MOST]


def _health(gateway: str, operator: str) -> GatewayHealth:
    account, at_operator = routing.breakers(gateway, operator)
    kinds = {kind: breaker.state(routing.breaker_of_kind(gateway, kind)) for kind in MessageKind.values}
    return GatewayHealth(
        gateway,
        operator,
        is_on=switches.is_on(gateway, operator),
        account=breaker.state(account),
        at_operator=breaker.state(at_operator),
        closed_to={kind: state.reason for kind, state in kinds.items() if not state.closed},
        weight=_weights(operator).get(gateway),
        shifted=switches.shifted_weight(gateway, operator),
        unseen="" if seen.may_carry(gateway) else seen.what_to_do(gateway),
    )
