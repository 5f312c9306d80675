"""Divides a day's budget of SMS parts among the shares. Pure arithmetic in whole parts.

Each share has a part of the budget (`limits.SMS_BUDGET_…`). Results have theirs from midnight on. The part of every
other share is released in 24 equal pieces, one at the beginning of each hour; what is not used is carried over. A share
spends in this order: its own piece of the current hour, what it carried over, what lower shares carried over, the
lowest first. The current hour's piece is never lent. So no share can use what is kept for a higher one, and in every
hour each share has at least that hour's piece, whatever the others did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

from common import limits
from sms.models import Share

HOURS = 24
FRACTIONS: dict[Share, float] = {  # in the order of standing, which is that of `Share`
    Share.RESULTS: limits.SMS_BUDGET_RESULTS,
    Share.OWN: limits.SMS_BUDGET_OWN,
    Share.PROVEN: limits.SMS_BUDGET_PROVEN,
    Share.NEW: limits.SMS_BUDGET_NEW,
    Share.REST: limits.SMS_BUDGET_REST,
}
_ORDER = tuple(FRACTIONS)


@cache
def divided(budget: int) -> Mapping[Share, int]:
    """The parts of SMS that each share has of `budget` in a whole day; their sum is exactly `budget`."""
    bounds = [0, *(round(budget * sum_) for sum_ in accumulate(FRACTIONS.values()))]
    return {share: end - begin for share, (begin, end) in zip(_ORDER, pairwise(bounds), strict=True)}


@dataclass(frozen=True, slots=True)
class Day:
    """`hour`: the current hour, 0 to 23. `before` and `now`: parts spent in the past hours, and in this one."""

    budget: int
    hour: int
    before: Mapping[Share, int]
    now: Mapping[Share, int]

    def released(self, share: Share) -> int:
        """Parts of its own that `share` has received today until now, including this hour's piece."""
        return self._until(share, self.hour + 1)

    def spent(self, share: Share) -> int:
        return self.before.get(share, 0) + self.now.get(share, 0)

    def room(self, share: Share) -> int:
        """Parts that `share` may still spend in this hour, including what it may borrow."""
        carried = [self._until(each, self.hour) for each in _ORDER]
        pieces = [self._until(each, self.hour + 1) - own for each, own in zip(_ORDER, carried, strict=True)]
        now = [self.now.get(each, 0) for each in _ORDER]
        carried = _left(carried, [self.before.get(each, 0) for each in _ORDER])
        carried = _left(carried, [max(0, spent - piece) for spent, piece in zip(now, pieces, strict=True)])
        own = _ORDER.index(share)
        return max(0, pieces[own] - now[own]) + sum(carried[own:])

    def at(self, hour: int) -> Day:
        """The same day at a later `hour`, if nothing more is spent until then."""
        return Day(self.budget, hour, {share: self.spent(share) for share in _ORDER}, {})

    def _until(self, share: Share, hour: int) -> int:
        """Parts that `share` has received before the piece of `hour`."""
        part = divided(self.budget)[share]
        return part if share is Share.RESULTS else part * hour // HOURS


def _left(have: Sequence[int], spent: Sequence[int]) -> list[int]:
    """What is left of `have` after each share has spent its own and then borrowed from lower ones, the lowest first.
    Spending that no share could lend (by messages that are never held back) exceeds the budget and is ignored here."""
    left = [max(0, own - taken) for own, taken in zip(have, spent, strict=True)]
    for borrower in reversed(range(len(have))):
        missing = max(0, spent[borrower] - have[borrower])
        for lender in reversed(range(borrower + 1, len(have))):
            lent = min(missing, left[lender])
            left[lender] -= lent
            missing -= lent
    return left
