"""Kills and outages among real processes, in their short forms: `benchmarks/sms_faults.py` has the long ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks import databases
from benchmarks.sms_faults import bench

pytestmark = pytest.mark.faults
N = 60
Run = Callable[[str, bool], None]
either_gateway = pytest.mark.parametrize("key", [True, False], ids=["with a key", "without a key"])


@pytest.fixture(scope="module")
def run_fault() -> Iterator[Callable[..., dict[str, Any]]]:
    with bench() as run:
        yield run


@pytest.fixture
def meets_its_demands(run_fault: Callable[..., dict[str, Any]]) -> Run:
    def run(fault: str, key: bool) -> None:
        verdict = run_fault(fault, N, key=key, short=True)
        assert verdict["misses"] == [], verdict

    return run


@either_gateway
def test_a_killed_worker_loses_nothing(meets_its_demands: Run, key: bool) -> None:
    meets_its_demands("worker", key)


@either_gateway
def test_killed_processes_of_a_forking_pool_lose_nothing(meets_its_demands: Run, key: bool) -> None:
    meets_its_demands("pool", key)


@either_gateway
def test_a_redis_that_forgets_everything_loses_nothing(meets_its_demands: Run, key: bool) -> None:
    meets_its_demands("redis", key)


@either_gateway
def test_pages_answer_while_redis_is_frozen_and_nothing_is_lost(meets_its_demands: Run, key: bool) -> None:
    meets_its_demands("frozen", key)


@either_gateway
@pytest.mark.skipif(databases.programs() is None, reason="no PostgreSQL server is installed")
def test_a_restart_and_a_crash_of_postgresql_lose_nothing(meets_its_demands: Run, key: bool) -> None:
    meets_its_demands("postgres", key)


@pytest.mark.parametrize("fault", ["refuses", "later"])
def test_codes_go_by_the_second_gateway_while_the_first_does_not_take_them(meets_its_demands: Run, fault: str) -> None:
    meets_its_demands(fault, True)


@either_gateway
def test_a_gateway_that_drops_the_connection_after_taking_the_sms(meets_its_demands: Run, key: bool) -> None:
    meets_its_demands("drops", key)


@either_gateway
def test_repeated_hints_and_repeated_enqueues_are_one_sms(meets_its_demands: Run, key: bool) -> None:
    meets_its_demands("repeated", key)


def test_a_code_that_was_not_accepted_in_its_time_is_not_sent(meets_its_demands: Run) -> None:
    meets_its_demands("late", True)


def test_receipts_three_times_reversed_and_early_end_in_one_right_state(meets_its_demands: Run) -> None:
    meets_its_demands("receipts", False)
