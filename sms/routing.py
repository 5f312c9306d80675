"""Chooses the gateways for a message, in order, and tells their breakers what the answers mean.

A gateway has one breaker for its account (credit, key: concerns all operators), one per operator, and one per kind of
message that it is out of order for. They are rows that all workers share (`common.breaker`).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from common import alarms, breaker, limits
from common.models import AlarmCode
from common.operators import OPERATORS
from common.process_state import register_reset
from sms import configuration, outages, receipts, seen, switches
from sms.configuration import ANY, Tier
from sms.gateways import base
from sms.models import MessageKind

OpenTier = tuple[tuple[base.Gateway, int], ...]  # gateways that share the load now, each with its weight
_built: dict[str, base.Gateway] = {}  # one of each in a process, because a gateway may hold connections
_lock = threading.Lock()
_WORKS = (
    base.Because.BUSY,
    base.Because.LINE,
    base.Because.FULL,
    base.Because.BIND,
    base.Because.MESSAGE,
)  # "try again" of a gateway that works
_probed_at = time.monotonic()


def check() -> None:
    """Raises ImproperlyConfigured, before anything is claimed, when the gateways or routes cannot work."""
    for name in configuration.names():
        _gateway(name)
    _route("")


def configured() -> tuple[base.Gateway, ...]:
    """All gateways of the settings, switched off or not. No statement."""
    return tuple(_gateway(name) for name in configuration.names())


def by_name(name: str) -> base.Gateway | None:
    """The gateway an earlier attempt went through; None if it is no longer configured."""
    return _gateway(name) if name in configuration.names() else None


def route(operator: str, kind: str) -> tuple[base.Gateway, ...]:
    """The gateways to try now for a message of `kind` to `operator`, best first. Empty: the message waits."""
    return in_order(open_tiers(operator, kind))


def open_tiers(operator: str, kind: str) -> tuple[OpenTier, ...]:
    """The route of messages of `kind` to `operator`, without gateways that are switched off, that nobody has seen, or
    whose breaker is open."""
    return tuple(_open_tier(tier, operator, kind) for tier in _route(operator))


def in_order(tiers: Sequence[OpenTier]) -> tuple[base.Gateway, ...]:
    """The gateways of `tiers` for one message. Within a tier a gateway is first in proportion to its weight; weight 0
    comes after the others."""
    return tuple(gateway for tier in tiers for gateway in _shuffled(tier))


def may_send(gateway: str, operator: str) -> bool:
    """Whether `gateway` may be called. Ask just before each call, also about a message in doubt: one that nobody has
    seen gets none either. While a breaker is half open, one caller is allowed the trial call and the others are
    refused."""
    account, at_operator = breakers(gateway, operator)
    return switches.is_on(gateway, operator) and seen.may_carry(gateway) and breaker.allow(at_operator, account)


def is_closed(gateway: str, operator: str) -> bool:
    """Whether both breakers are closed, so that `may_send` says the same about every call until they are read again."""
    return all(breaker.state(name).closed for name in breakers(gateway, operator))


def asks_for_a_trial(gateway: str, operator: str) -> bool:
    """Whether `may_send` would take the trial of a breaker, which writes into its row."""
    now, states = timezone.now(), [breaker.state(name) for name in breakers(gateway, operator)]
    return not all(state.closed for state in states) and all(state.may_be_tried(now) for state in states)


def not_sent(gateway: str, operator: str) -> None:
    """The call that `may_send` allowed was not made: give the trial back."""
    breaker.give_back(*breakers(gateway, operator))


def heard(gateway: str, operator: str, outcome: base.Outcome, kind: str = "", *, times: int = 1) -> None:
    """Tell the breakers the outcome of sending a message of `kind`, or of sending so many of them. Costs no statement
    while all goes well."""
    account, at_operator = breakers(gateway, operator)
    if isinstance(outcome, base.OutOfOrder):
        tripped, subject = account, gateway
        if outcome.kind:
            tripped, subject = breaker_of_kind(gateway, outcome.kind), subject_of_kind(gateway, outcome.kind)
        breaker.trip(tripped, outcome.detail)
        breaker.give_back(account, at_operator)
        alarms.sound(AlarmCode.OUT_OF_ORDER, subject, outcome.detail)
        outages.failed(gateway, operator)
        return
    if isinstance(outcome, base.Accepted):
        _end_of_kind(gateway, kind)
    because = outcome.because if isinstance(outcome, base.TryAgain) else None
    good = because in _WORKS or not isinstance(outcome, base.TryAgain | base.Unknown)
    was_open = not breaker.state(at_operator).closed
    breaker.record(at_operator, good, times=times)  # who is busy works: its line goes slower (`sms.lines`)
    if not breaker.state(account).closed:
        breaker.record(account, good)
        if breaker.state(account).closed:
            alarms.clear(AlarmCode.OUT_OF_ORDER, gateway)
            outages.let_go(gateway)
    if not good:
        outages.failed(gateway, operator)
    elif isinstance(outcome, base.Accepted):
        outages.works(gateway, operator, closed=was_open and breaker.state(at_operator).closed)


def _end_of_kind(gateway: str, kind: str) -> None:
    name = breaker_of_kind(gateway, kind)
    if not breaker.state(name).closed and breaker.close(name):
        alarms.clear(AlarmCode.OUT_OF_ORDER, subject_of_kind(gateway, kind))
        outages.let_go(gateway, kind=kind)


def probe() -> None:
    """Where a breaker has become half open, make one message due that waits for that gateway: if all of them wait for
    minutes, nobody would notice that it works again. One statement in `limits.SMS_PROBE_EVERY` at most while all
    breakers are closed."""
    global _probed_at
    if time.monotonic() - _probed_at < limits.SMS_PROBE_EVERY.total_seconds():
        return
    _probed_at, now = time.monotonic(), timezone.now()
    for name in configuration.names():
        if _is_half_open(breakers(name, "")[0], now):
            outages.try_one(name)
        for operator in ("", *OPERATORS):
            if _is_half_open(breakers(name, operator)[1], now):
                outages.try_one(name, operator)
        for kind in MessageKind.values:
            if _is_half_open(breaker_of_kind(name, kind), now):
                outages.try_one(name, kind=kind)


def _is_half_open(name: str, now: datetime) -> bool:
    state = breaker.state(name)
    return not state.closed and state.may_be_tried(now)


@register_reset
def forget() -> None:
    """Drop the gateways; the next call builds them again. Whoever holds one with open connections has to close it."""
    global _probed_at
    _probed_at = time.monotonic()
    with _lock:
        _built.clear()


@cache
def breakers(gateway: str, operator: str) -> tuple[str, str]:
    """The names of the two breakers: of the gateway's account, and of this gateway to this operator."""
    return f"sms:{gateway}:{ANY}", f"sms:{gateway}:{operator or '-'}"


def subject_of_kind(gateway: str, kind: str) -> str:
    """The subject of an alarm about `gateway` that is out of order for messages of `kind` only."""
    return f"{gateway} {kind}"


@cache
def breaker_of_kind(gateway: str, kind: str) -> str:
    """The name of the breaker of `gateway` for messages of `kind` to any operator. It has no single trial call: a
    message that meets a gateway still out of order goes on to the next gateway at once."""
    return f"sms:{gateway}:{ANY}:{kind}"


def _route(operator: str) -> configuration.Route:
    try:
        return configuration.route(operator)
    except ValueError as error:
        raise ImproperlyConfigured(f"SMS_ROUTES: {error}") from None


def _open_tier(tier: Tier, operator: str, kind: str) -> OpenTier:
    now = timezone.now()
    return tuple(
        (_gateway(name), switches.weight(name, operator, weight))
        for name, weight in tier
        if switches.is_on(name, operator)
        and seen.may_carry(name)
        and all(
            breaker.state(each).may_be_tried(now) for each in (*breakers(name, operator), breaker_of_kind(name, kind))
        )
    )


def _shuffled(tier: OpenTier) -> Iterator[base.Gateway]:
    left = list(tier)
    while len(left) > 1:
        weights = [weight for _gateway, weight in left]
        chosen = random.choices(left, weights if any(weights) else None)[0]  # noqa: S311 - no secret
        left.remove(chosen)
        yield chosen[0]
    yield from (gateway for gateway, _weight in left)


def _gateway(name: str) -> base.Gateway:
    with _lock:
        if name not in _built:
            try:
                gateway = configuration.build(name)
            except ValueError as error:
                raise ImproperlyConfigured(f"SMS_GATEWAYS: {name}: {error}") from None
            gateway.on_receipts = receipts.keep_all
            _built[name] = gateway
        return _built[name]
