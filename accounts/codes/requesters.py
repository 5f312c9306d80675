"""Weighs who asks for a code by the conduct of their address: whether the code is held, and which share of the budget
pays. Counted before anything is sent, alike for every number and every ID.

A code that is sent, or used, counts for the conduct of the address too (`common.abuse.conduct`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from accounts.models import Allowance, Challenge, CodePurpose, OneTimeCode
from common import limits
from common.abuse import conduct
from common.abuse.conduct import Kind, Level
from common.abuse.origins import NOWHERE, Origin


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks for a code, as weighed. `origin`: the address and network; `is_good`: its conduct is good, which decides
    whose share of the budget pays; `is_held`: nothing is sent before a proof of work, or its turn; `rank`: its place in
    the queue of held codes; `is_own_fault`: it is held for what its own address has done; `counts`: the request is
    still to be counted, by whoever issues the code, in the same transaction."""

    origin: Origin = NOWHERE
    is_good: bool = True
    is_held: bool = False
    rank: int = 0
    is_own_fault: bool = False
    counts: bool = False


UNCOUNTED = Requester()  # has proven more than a stranger can: the conduct is not counted


def weigh(*, origin: Origin, mobile: str = "", paid: bool = False) -> Requester:
    """Count one more code that is asked for from `origin`, in a committed step, and return how its conduct stands.

    `mobile`: the number, if the requester typed it; a number on record must change nothing. `paid`: a proof of work
    came with the request.
    """
    by = look(origin=origin, mobile=mobile, paid=paid)
    count(by)
    return replace(by, counts=False)


def look(*, origin: Origin, mobile: str = "", paid: bool = False) -> Requester:
    """As `weigh`, but it is counted later, by `accounts.codes.issuing`, if it causes something: not when the same
    button is pressed again."""
    found = conduct.look(kind=Kind.CODE, origin=origin, prefix=mobile[: limits.PREFIX_LENGTH])
    is_held = found.level == Level.PRESSURE and not paid
    return Requester(
        origin=origin,
        is_good=found.is_good,
        is_held=is_held,
        rank=found.rank,
        is_own_fault=is_held and found.address == Level.PRESSURE,
        counts=True,
    )


def count(by: Requester) -> None:
    """Count the request of `by`, where `look` left that to be done."""
    if by.counts:
        conduct.count(kind=Kind.CODE, origin=by.origin, is_own_fault=by.is_own_fault)


def price(*, origin: Origin, mobile: str = "") -> int:
    """The price of a proof of work for requests from `origin`: how many times the first difficulty."""
    return conduct.look(kind=Kind.CODE, origin=origin, prefix=mobile[: limits.PREFIX_LENGTH]).price


def of_challenge(challenge: Challenge) -> Requester:
    """The requester as weighed when the challenge was asked for."""
    origin = Origin(address=challenge.address, network=challenge.network)
    return Requester(origin=origin, is_good=challenge.is_good)


def count_sent(code: OneTimeCode, by: Requester = UNCOUNTED) -> None:
    """Count that `code` is sent to a number that a stranger chose. Counted at the sending, not at the request: a
    requester who only waits for a code puts nobody under pressure. In the caller's transaction, as its last statement;
    with it the request of `by`, as `count`."""
    prefix = _prefix(code)
    if by.counts:
        conduct.count(kind=Kind.CODE, origin=by.origin, is_own_fault=by.is_own_fault, sent_to=prefix)
    elif prefix:
        conduct.count_sent(kind=Kind.CODE, prefix=prefix)


def credit(codes: Iterable[OneTimeCode]) -> None:
    """Count that one of `codes` was used. Those sent before it to the same session count as used with it."""
    for code in codes:
        origin = Origin(address=code.address, network=code.network)
        conduct.credit(kind=Kind.CODE, origin=origin, prefix=_prefix(code), tried_at=code.created_at)


def _prefix(code: OneTimeCode) -> str:
    """The first digits of a number that a stranger chose; empty where the number of an account is meant."""
    is_chosen = code.purpose in (CodePurpose.REGISTER, CodePurpose.NEW_MOBILE) and code.address
    return code.mobile[: limits.PREFIX_LENGTH] if is_chosen and code.allowance == Allowance.ASKED else ""
