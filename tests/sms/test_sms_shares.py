"""The arithmetic of the day's budget: what each share may spend, hour by hour, whatever the others did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.models import Share
from sms.shares import FRACTIONS, HOURS, Day, divided

# Of 2,400 parts a day; a piece is what an hour brings.
BUDGET = 2_400
PARTS = {Share.RESULTS: 840, Share.OWN: 360, Share.PROVEN: 240, Share.NEW: 600, Share.REST: 360}
PIECES = {Share.OWN: 15, Share.PROVEN: 10, Share.NEW: 25, Share.REST: 15}
CODES = tuple(PIECES)


def day(hour: int, before: dict[Share, int] | None = None, now: dict[Share, int] | None = None) -> Day:
    return Day(BUDGET, hour, before or {}, now or {})


def test_the_lines_in_the_limits_are_together_the_whole_budget() -> None:
    assert sum(FRACTIONS.values()) == pytest.approx(1.0)
    assert tuple(FRACTIONS) == tuple(Share)
    assert divided(BUDGET) == PARTS


@given(st.integers(0, 10**7))
def test_no_part_of_any_budget_is_lost_or_given_twice(budget: int) -> None:
    assert sum(divided(budget).values()) == budget
    assert min(divided(budget).values()) >= 0


@pytest.mark.parametrize("share", CODES)
def test_the_first_hour_brings_a_code_its_own_piece_and_nothing_is_lent_yet(share: Share) -> None:
    assert day(0).room(share) == PIECES[share]


def test_results_have_their_whole_part_from_midnight_on() -> None:
    assert day(0).room(Share.RESULTS) == 840


def test_what_an_hour_does_not_use_is_carried_over() -> None:
    assert day(9).room(Share.REST) == 10 * 15
    assert day(9, {Share.REST: 100}, {Share.REST: 20}).room(Share.REST) == 30


def test_a_share_borrows_what_lower_ones_carried_over_but_not_their_running_hour() -> None:
    """NEW at nine: ten pieces of its own, and the nine that REST left over."""
    assert day(9).room(Share.NEW) == 10 * 25 + 9 * 15
    assert day(9).room(Share.PROVEN) == 10 * 10 + 9 * (25 + 15)


def test_rest_has_less_when_a_higher_share_has_borrowed_from_it() -> None:
    borrowed = day(9, {}, {Share.NEW: 10 * 25 + 100})
    assert borrowed.room(Share.REST) == 10 * 15 - 100
    assert borrowed.room(Share.PROVEN) == 10 * 10 + 35


def test_who_borrows_takes_the_lowest_share_first() -> None:
    borrowed = day(12, {Share.RESULTS: 840 + 100})
    assert borrowed.room(Share.REST) == 13 * 15 - 100
    assert borrowed.room(Share.OWN) - borrowed.room(Share.PROVEN) == 13 * 15 - 10  # nothing was taken from these


def test_not_even_a_backlog_of_results_takes_the_running_hour_of_codes() -> None:
    everything = day(12).room(Share.RESULTS)
    assert everything == 840 + 12 * sum(PIECES.values())
    for left in (day(12, {}, {Share.RESULTS: everything}), day(12, {}, {Share.RESULTS: everything * 2})):
        assert [left.room(share) for share in Share] == [0, 15, 10, 25, 15]


def test_what_is_never_held_back_is_paid_for_by_what_comes_later() -> None:
    """Security notices beyond everything that was there: the next hours carry nothing over until it is made up for."""
    over = day(12, {}, {Share.RESULTS: 840 + 12 * 65 + 30}).at(13)
    assert over.room(Share.RESULTS) == 65 - 30
    assert over.room(Share.OWN) == 15 + 35
    assert over.room(Share.REST) == 15


@pytest.mark.parametrize("flooded", CODES)
@pytest.mark.parametrize("hour", [0, 9, 23])
def test_a_flood_in_a_share_leaves_every_higher_one_all_of_its_own(flooded: Share, hour: int) -> None:
    taken = day(hour).room(flooded)
    after = day(hour, {}, {flooded: taken})
    assert after.room(flooded) == 0
    order = list(Share)
    for higher in order[: order.index(flooded)]:
        assert after.room(higher) >= after.released(higher)


def test_a_flood_in_rest_takes_nothing_from_anybody_but_what_rest_would_have_lent() -> None:
    for hour in range(HOURS):
        after = day(hour, {}, {Share.REST: day(hour).room(Share.REST)})
        for share in (Share.RESULTS, Share.OWN, Share.PROVEN, Share.NEW):
            assert day(hour).room(share) - after.room(share) == hour * PIECES[Share.REST]


ASKS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(Share), st.integers(1, 60)), max_size=80)


@given(st.integers(1, 3_000), ASKS)
def test_over_any_day_nobody_loses_the_running_hours_piece_and_the_budget_is_never_exceeded(
    budget: int, asks: list[tuple[int, Share, int]]
) -> None:
    """`asks`: hours that go by, who asks, and for how many parts; each gets as much as there is."""
    now = Day(budget, 0, {}, {})
    for hours, share, parts in asks:
        now = now.at(now.hour + hours) if hours and now.hour + hours < HOURS else now
        spent = min(parts, now.room(share))
        now = Day(budget, now.hour, now.before, {**now.now, share: now.now.get(share, 0) + spent})
        assert sum(now.spent(each) for each in Share) <= sum(now.released(each) for each in Share) <= budget
        for each in CODES:
            part = divided(budget)[each]
            piece = part * (now.hour + 1) // HOURS - part * now.hour // HOURS
            assert now.room(each) >= piece - now.now.get(each, 0)


@given(st.integers(1, 3_000), ASKS, st.sampled_from(CODES))
def test_whatever_the_day_was_like_a_flood_takes_nothing_of_what_a_higher_share_has_left(
    budget: int, asks: list[tuple[int, Share, int]], flooded: Share
) -> None:
    """What a share has left of its own: its room without what it could borrow, that is with all lower ones flooded."""
    now = Day(budget, 0, {}, {})
    for hours, share, parts in asks:
        now = now.at(now.hour + hours) if hours and now.hour + hours < HOURS else now
        now = Day(budget, now.hour, now.before, {**now.now, share: now.now.get(share, 0) + min(parts, now.room(share))})
    order = list(Share)
    for higher in order[: order.index(flooded)]:
        lower = order[order.index(higher) + 1 :]
        own = _flooded(now, lower).room(higher)
        assert _flooded(now, [flooded]).room(higher) >= own


def _flooded(now: Day, shares: list[Share]) -> Day:
    for share in shares:
        spent = now.now.get(share, 0) + now.room(share)
        now = Day(now.budget, now.hour, now.before, {**now.now, share: spent})
    return now
