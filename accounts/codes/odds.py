"""Computes the odds of guessing a code under the limits, for the table in SECURITY.md."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Allowance
from common import limits


@dataclass(frozen=True, slots=True)
class Odds:
    """The odds against one number in any 24 hours, whatever the number of sessions and addresses. `codes`: how many it
    is sent at most. Whoever may use two allowances has the sum of both."""

    codes: int

    @property
    def tries(self) -> int:
        """How many guesses are compared with a live code, at most."""
        return self.codes * limits.CODE_TRIES

    @property
    def per_million(self) -> float:
        """How many of a million attackers succeed who use every try."""
        return self.tries * 1_000_000 / 10**limits.CODE_DIGITS


def of(allowance: Allowance) -> Odds:
    """The odds against the codes of one allowance."""
    kept = limits.CODES_KEPT_PER_DAY if allowance == Allowance.ASKED else 0
    return Odds(codes=limits.CODES_PER_DAY + kept)


def of_all() -> Odds:
    """The odds of an attacker who could use every allowance of a number. Nobody can: it is the outermost bound."""
    return Odds(codes=sum(of(allowance).codes for allowance in Allowance))
