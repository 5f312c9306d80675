"""Pauses before work is tried again: they grow, and differ at random, so that a crowd does not come back at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

_MOST_DOUBLINGS = 20  # what a timedelta and any `longest` can hold


def doubling(attempts: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """The pause after try number `attempts` (from 1): `first`, doubled with each further try up to `longest`; then up
    to a fifth shorter or longer."""
    grown = first * 2 ** min(attempts - 1, _MOST_DOUBLINGS)
    return min(grown, longest) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret


def listed(attempts: int, seconds: Sequence[float]) -> timedelta:
    """The pause after try number `attempts` (from 1): that entry of `seconds`, the last one for all further tries; then
    up to a quarter longer."""
    pause = seconds[min(max(attempts, 1), len(seconds)) - 1]
    return timedelta(seconds=pause * random.uniform(1, 1.25))  # noqa: S311 - jitter, no secret


def soon_after(moment: datetime, *, within: timedelta) -> datetime:
    """A time after `moment`, later than a fifth of `within` and not later than all of it."""
    return moment + within * random.uniform(0.2, 1)  # noqa: S311 - jitter, no secret
