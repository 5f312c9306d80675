"""Pauses before work is tried again: how they grow, and how much they differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from common import backoff

MANY = 200


def _seconds(pauses: list[timedelta]) -> tuple[float, float]:
    return min(pauses).total_seconds(), max(pauses).total_seconds()


@pytest.mark.parametrize(("attempts", "middle"), [(1, 10), (2, 20), (3, 40), (7, 640), (8, 900), (1_000, 900)])
def test_a_pause_doubles_up_to_the_longest_and_differs_by_a_fifth(attempts: int, middle: int) -> None:
    first, longest = timedelta(seconds=10), timedelta(minutes=15)
    least, most = _seconds([backoff.doubling(attempts, first=first, longest=longest) for _ in range(MANY)])
    assert middle * 0.8 <= least < middle * 0.9
    assert middle * 1.1 < most <= middle * 1.2


@pytest.mark.parametrize(("attempts", "shortest"), [(0, 10), (1, 10), (2, 30), (3, 120), (4, 120), (1_000, 120)])
def test_a_listed_pause_is_never_shorter_and_its_last_repeats(attempts: int, shortest: int) -> None:
    least, most = _seconds([backoff.listed(attempts, (10, 30, 120)) for _ in range(MANY)])
    assert shortest <= least < shortest * 1.1
    assert shortest * 1.15 < most <= shortest * 1.25


def test_soon_after_a_moment_is_spread_over_what_is_given() -> None:
    moment = datetime(2026, 11, 28, tzinfo=UTC)
    least, most = _seconds([backoff.soon_after(moment, within=timedelta(seconds=5)) - moment for _ in range(MANY)])
    assert 1 <= least < 2
    assert 4 < most <= 5
