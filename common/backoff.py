"""Pauses before work is tried again: growing, and mostly with random jitter, so that not everything is retried
at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

_MOST_DOUBLINGS = 20  # longer than any longest pause, without overflow


def doubling(attempts: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """As `doubling_exactly`, made up to a fifth shorter or longer at random."""
    return doubling_exactly(attempts, first=first, longest=longest) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def doubling_exactly(attempts: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """The pause after try number `attempts` (from 1): `first`, doubled with each further try up to `longest`."""
    return min(first * 2 ** min(attempts - 1, _MOST_DOUBLINGS), longest)


def listed(attempts: int, seconds: Sequence[float]) -> timedelta:
    """As `listed_exactly`, made up to a quarter longer at random."""
    return listed_exactly(attempts, seconds) * random.uniform(1, 1.25)  # noqa: S311 - jitter, no secret


def listed_exactly(attempts: int, seconds: Sequence[float]) -> timedelta:
    """The pause after try number `attempts` (from 1): that entry of `seconds`; the last entry repeats."""
    return timedelta(seconds=seconds[min(max(attempts, 1), len(seconds)) - 1])


def soon_after(moment: datetime, *, within: timedelta) -> datetime:
    """A random time after `moment`: at least a fifth of `within`, at most all of it."""
    return moment + within * random.uniform(0.2, 1)  # noqa: S311 - jitter, no secret
