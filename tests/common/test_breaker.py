"""The circuit breaker: opens when a service keeps failing, lets one trial through, closes when that is good."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import breaker, limits
from common.models import Breaker

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "sms:one:mci"


def results(pattern: str, name: str = NAME) -> None:
    """One call after the other: 1 good, 0 failed."""
    for result in pattern:
        breaker.record(name, result == "1")


def time_passes(span: timedelta) -> None:
    for row in Breaker.objects.filter(open_until__isnull=False):
        row.open_until -= span
        row.trial_until = row.trial_until and row.trial_until - span
        row.save()
    breaker.forget()


def pause() -> float:
    return (Breaker.objects.get(name=NAME).open_until - timezone.now()).total_seconds()


@pytest.mark.parametrize(
    ("pattern", "open_"),
    [
        ("0000", False),
        ("00000", True),
        ("1111100000", True),
        ("11111100000", False),
        ("1" * 15 + "00000", False),
        ("1" * 15 + "0000000000", True),  # the older ones are forgotten
    ],
)
def test_it_opens_at_five_failures_that_are_half_of_the_last_twenty(pattern, open_):
    results(pattern)
    assert breaker.state(NAME).closed is not open_
    assert breaker.allow(NAME) is not open_


def test_other_names_stay_closed():
    results("00000")
    assert breaker.allow("sms:one:mtn")


def test_the_pause_begins_with_fifteen_seconds_and_doubles_up_to_five_minutes():
    results("00000")
    seen = [pause()]
    for _ in range(6):
        time_passes(limits.BREAKER_LONGEST_PAUSE)
        assert breaker.allow(NAME)
        results("0")
        assert not breaker.allow(NAME)
        seen.append(pause())
    for length, expected in zip(seen, (15, 30, 60, 120, 240, 300, 300), strict=True):
        assert expected - 2 < length <= expected


def test_nobody_is_let_through_before_the_pause_is_over():
    results("00000")
    time_passes(timedelta(seconds=13))
    assert not breaker.allow(NAME)
    assert not breaker.state(NAME).may_be_tried(timezone.now())


def test_one_trial_and_a_good_one_closes_and_forgets_the_past():
    results("00000")
    time_passes(limits.BREAKER_FIRST_PAUSE)
    assert [breaker.allow(NAME) for _ in range(3)] == [True, False, False]
    results("1")
    assert breaker.allow(NAME)
    results("0000")
    assert breaker.allow(NAME)


def test_a_trial_that_never_ends_is_given_to_another():
    results("00000")
    time_passes(limits.BREAKER_FIRST_PAUSE)
    assert breaker.allow(NAME)
    time_passes(limits.BREAKER_TRIAL)
    assert breaker.allow(NAME)


def test_a_trial_that_is_given_back_is_for_the_next_and_one_of_another_process_stays():
    results("00000")
    time_passes(limits.BREAKER_FIRST_PAUSE)
    assert breaker.allow(NAME)
    breaker.give_back(NAME)
    assert breaker.allow(NAME)
    Breaker.objects.update(trial_until=timezone.now() + limits.BREAKER_TRIAL)
    breaker.give_back(NAME)
    assert not breaker.allow(NAME)


def test_answers_that_were_on_their_way_when_it_opened_change_nothing():
    results("00000")
    before = pause()
    results("0000011111")
    assert abs(pause() - before) < 1
    assert not breaker.allow(NAME)


def test_of_many_workers_one_gets_the_trial():
    results("00000")
    time_passes(limits.BREAKER_FIRST_PAUSE)
    together = threading.Barrier(6)
    got: list[bool] = []

    def ask() -> None:
        together.wait(10)
        try:
            got.append(breaker.allow(NAME))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(got) == [False] * 5 + [True]


def test_what_another_process_saw_counts_here():
    Breaker.objects.create(name=NAME, recent="0000")
    results("0")
    assert not breaker.allow(NAME)


def test_a_trip_opens_at_once_for_long():
    breaker.trip(NAME, "418")
    breaker.trip(NAME, "403")
    assert not breaker.allow(NAME)
    assert breaker.state(NAME).reason == "403"
    assert 298 < pause() <= 300


def test_an_administrator_closes_it():
    breaker.trip(NAME, "418")
    assert breaker.close(NAME)
    assert not breaker.close(NAME)
    assert breaker.state(NAME) == breaker.CLOSED


def test_a_healthy_service_costs_a_few_statements_a_second_not_one_a_call(monkeypatch):
    monkeypatch.setattr(breaker, "LOOK_EVERY", 3600)
    breaker.forget()
    with CaptureQueriesContext(connection) as captured:
        for _ in range(1000):
            assert breaker.allow(NAME)
            breaker.record(NAME, True)
    assert len(captured) < 12


def test_a_failure_that_comes_in_late_ends_nobody_elses_trial():
    """Another worker called before it opened; that the trial was good still closes it."""
    results("00000")
    time_passes(limits.BREAKER_FIRST_PAUSE)
    assert breaker.allow(NAME)
    breaker.forget_all()  # the other worker
    results("0")
    breaker.forget_all()  # the one with the trial, as far as its success needs no more
    results("1")
    assert breaker.state(NAME).closed


def test_a_failed_trial_is_ended_by_whoever_has_it():
    results("00000")
    time_passes(limits.BREAKER_FIRST_PAUSE)
    assert breaker.allow(NAME)
    results("0")
    assert not breaker.state(NAME).may_be_tried(timezone.now())
    assert pause() > limits.BREAKER_FIRST_PAUSE.total_seconds()
