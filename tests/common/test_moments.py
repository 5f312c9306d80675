"""How a sentence says when and how long."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from common.persian import format_jalali
from common.sentences import wait_in_words, when


@pytest.mark.parametrize(("days", "words"), [(0, "امروز ساعت ۱۰:۴۲"), (1, "فردا ساعت ۱۰:۴۲")])
def test_today_and_tomorrow_are_said_so(days: int, words: str) -> None:
    moment = timezone.localtime().replace(hour=10, minute=42) + dt.timedelta(days=days)
    assert when(moment) == words
    assert when(moment.astimezone(dt.UTC)) == words


def test_another_day_is_said_with_its_whole_date() -> None:
    moment = timezone.localtime().replace(hour=0, minute=5) + dt.timedelta(days=2)
    assert when(moment) == f"روز {format_jalali(moment.date())} ساعت ۰۰:۰۵"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "۱ ثانیه"), (1, "۱ ثانیه"), (119, "۱۱۹ ثانیه"), (120, "۲ دقیقه"), (121, "۳ دقیقه")]
)
def test_a_wait_is_never_of_no_seconds_and_long_ones_are_minutes(seconds: int, words: str) -> None:
    assert wait_in_words(seconds) == words
