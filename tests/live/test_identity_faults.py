"""Faults of registries and of the workers that ask them, in short forms: `benchmarks/identity_faults.py` has the long.

A run of single answers is a row for each way in which one provider can answer, or break, at one question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from benchmarks import identity_faults

pytestmark = pytest.mark.faults
EACH, N, MANY = 30, 120, 400  # N: more than one batch; many: to be in the middle of, however quick it is
Run = Callable[[str, int], None]


@pytest.fixture(scope="module")
def run_fault() -> Iterator[Callable[..., dict[str, Any]]]:
    with identity_faults.bench() as run:
        yield run


@pytest.fixture
def meets_its_demands(run_fault: Callable[..., dict[str, Any]]) -> Run:
    def run(fault: str, n: int) -> None:
        kinds = identity_faults.FAULTS[fault]
        with ThreadPoolExecutor(3) as runs:
            verdicts = list(runs.map(lambda kind: run_fault(fault, n, kind=kind, short=True), kinds))
        assert [miss for verdict in verdicts for miss in verdict["misses"]] == []
        assert all(verdict["rows"] for verdict in verdicts)

    return run


@pytest.mark.parametrize("provider", ["uid", "jibit", "similarity"])
def test_no_answer_of_a_registry_sends_anybody_to_a_branch_unless_it_is_about_them(
    meets_its_demands: Run, provider: str
) -> None:
    meets_its_demands(provider, EACH)


def test_a_worker_killed_in_a_batch_leaves_everybody_decided_once_and_told_once(meets_its_demands: Run) -> None:
    meets_its_demands("killed", MANY)


def test_two_workers_on_one_batch_ask_about_nobody_twice(meets_its_demands: Run) -> None:
    meets_its_demands("two", N)


def test_nobody_turns_to_not_found_while_the_extracts_are_replaced(meets_its_demands: Run) -> None:
    meets_its_demands("switched", N)


def test_the_second_registry_answers_while_the_first_fails(meets_its_demands: Run) -> None:
    meets_its_demands("second", N)


def test_what_waited_for_all_registries_is_drained_by_itself_oldest_first(meets_its_demands: Run) -> None:
    meets_its_demands("down", N)
