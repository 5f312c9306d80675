"""Computes the odds of guessing a member of staff's one-time code (TOTP), for the table in SECURITY.md."""

from __future__ import annotations

from datetime import timedelta

from django_otp.plugins.otp_totp.models import TOTPDevice

from common import limits

ORDERS = 2  # of a code's halves: `accounts.staff.totp.as_shown`
_DAY = timedelta(days=1).total_seconds()


def values() -> int:
    """With how many values one guess is compared, at most: the codes of now, before and after, each in both orders."""
    tolerance: int = TOTPDevice._meta.get_field("tolerance").default
    return ORDERS * (2 * tolerance + 1)


def tries() -> int:
    """How many guesses are compared in 24 hours between two right codes: after each wrong one twice as long a pause."""
    factor = TOTPDevice().get_throttle_factor()
    count = 1
    while factor * (2**count - 1) <= _DAY:
        count += 1
    return count


def per_million() -> float:
    """How many of a million attackers succeed who know the password and use every try of a day."""
    return tries() * values() * 1_000_000 / 10**limits.STAFF_TOTP_DIGITS
