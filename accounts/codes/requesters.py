"""Who asks for a code, and at what price: counted before anything is sent, alike for every number and every ID.

A code that is sent, or used, counts for the conduct of who asked as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import Allowance, Challenge, CodePurpose, OneTimeCode
from common import limits
from common.abuse import conduct
from common.abuse.conduct import Kind, Level
from common.abuse.origins import NOWHERE, Origin


@dataclass(frozen=True, slots=True)
class Requester:
    """`origin`: where it was asked. `is_good`: the conduct there is good, which decides whose share of the budget pays.
    `is_held`: nothing is sent before a proof of work, or its turn; `rank`: its place in the queue of those;
    `is_own_fault`: for what its address has done."""

    origin: Origin = NOWHERE
    is_good: bool = True
    is_held: bool = False
    rank: int = 0
    is_own_fault: bool = False


UNCOUNTED = Requester()  # somebody who has proven more than a stranger can: their conduct is not counted


def weigh(*, origin: Origin, mobile: str = "", paid: bool = False) -> Requester:
    """Count one more code that is asked for from `origin`, in a committed step, and say how its conduct stands.

    `mobile`: the number, where the asker typed it; a number on record must change nothing. `paid`: a proof of work
    came with it.
    """
    prefix = mobile[: limits.PREFIX_LENGTH]
    found = conduct.look(kind=Kind.CODE, origin=origin, prefix=prefix)
    is_held = found.level == Level.PRESSURE and not paid
    is_own_fault = is_held and found.address == Level.PRESSURE
    conduct.count(kind=Kind.CODE, origin=origin, is_own_fault=is_own_fault)
    return Requester(origin=origin, is_good=found.is_good, is_held=is_held, rank=found.rank, is_own_fault=is_own_fault)


def take_back(by: Requester) -> None:
    """What was counted has caused nothing: the same button was pressed again."""
    if by.origin != NOWHERE:
        conduct.take_back(kind=Kind.CODE, origin=by.origin, is_own_fault=by.is_own_fault)


def price(*, origin: Origin, mobile: str = "") -> int:
    """How dear a proof of work is for who asks from `origin`: how many times the first difficulty."""
    return conduct.look(kind=Kind.CODE, origin=origin, prefix=mobile[: limits.PREFIX_LENGTH]).price


def of_challenge(challenge: Challenge) -> Requester:
    """As it was weighed when the challenge was asked for."""
    origin = Origin(address=challenge.address, network=challenge.network)
    return Requester(origin=origin, is_good=challenge.is_good)


def count_sent(code: OneTimeCode) -> None:
    """`code` is sent to a number that a stranger chose. Not counted when it is asked for: who only waits for a code
    puts nobody under pressure. In the caller's transaction."""
    if prefix := _prefix(code):
        conduct.count_sent(kind=Kind.CODE, prefix=prefix)


def credit(codes: Iterable[OneTimeCode]) -> None:
    """One of `codes` was used. Those that were sent before it to the same session count as used with it."""
    for code in codes:
        origin = Origin(address=code.address, network=code.network)
        conduct.credit(kind=Kind.CODE, origin=origin, prefix=_prefix(code), tried_at=code.created_at)


def _prefix(code: OneTimeCode) -> str:
    """The first digits of a number that a stranger chose; "" where that of an account is meant."""
    is_chosen = code.purpose in (CodePurpose.REGISTER, CodePurpose.NEW_MOBILE) and code.address
    return code.mobile[: limits.PREFIX_LENGTH] if is_chosen and code.allowance == Allowance.ASKED else ""
