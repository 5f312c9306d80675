"""Kills and outages among real processes, in their short forms: `benchmarks/sms_faults.py` has the long ones.

A fault is run with a gateway that knows a client key and with one that does not, side by side.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmarks import databases, sms_faults
from tests.support.paths import ROOT

pytestmark = pytest.mark.faults
N, MANY = 60, 200  # many: where 95 of 100 must be in time, and a breaker needs its failures first
Run = Callable[..., None]


@pytest.fixture(scope="module")
def run_fault() -> Iterator[Callable[..., dict[str, Any]]]:
    with sms_faults.bench() as run:
        yield run


@pytest.fixture
def meets_its_demands(run_fault: Callable[..., dict[str, Any]]) -> Run:
    def run(fault: str, n: int = N, at_once: int = 2) -> None:
        kinds = sms_faults.FAULTS[fault]
        with ThreadPoolExecutor(at_once) as runs:
            verdicts = list(runs.map(lambda kind: run_fault(fault, n, kind=kind, short=True), kinds))
        assert [verdict["misses"] for verdict in verdicts] == [[] for _ in verdicts], verdicts

    return run


def test_a_killed_worker_loses_nothing(meets_its_demands: Run) -> None:
    meets_its_demands("worker")


def test_killed_processes_of_a_forking_pool_lose_nothing(meets_its_demands: Run) -> None:
    meets_its_demands("pool")


def test_a_redis_that_forgets_everything_loses_nothing(meets_its_demands: Run) -> None:
    meets_its_demands("redis")


def test_pages_answer_while_redis_is_frozen_and_nothing_is_lost(meets_its_demands: Run) -> None:
    meets_its_demands("frozen", at_once=1)  # the time that pages take is measured


@pytest.mark.skipif(databases.programs() is None, reason="no PostgreSQL server is installed")
def test_a_restart_and_a_crash_of_postgresql_lose_nothing(meets_its_demands: Run) -> None:
    meets_its_demands("postgres")


@pytest.mark.parametrize("fault", ["refuses", "later"])
def test_codes_go_by_the_second_gateway_while_the_first_does_not_take_them(meets_its_demands: Run, fault: str) -> None:
    meets_its_demands(fault)


@pytest.mark.parametrize("fault", ["hangs", "drips", "fails", "tardy", "resets"])
def test_codes_go_by_the_second_gateway_while_the_first_leaves_us_in_doubt(meets_its_demands: Run, fault: str) -> None:
    meets_its_demands(fault, MANY)


def test_a_gateway_that_drops_the_connection_after_taking_the_sms(meets_its_demands: Run) -> None:
    meets_its_demands("drops")


def test_repeated_hints_and_repeated_enqueues_are_one_sms(meets_its_demands: Run) -> None:
    meets_its_demands("repeated")


def test_a_code_that_was_not_accepted_in_its_time_is_not_sent(meets_its_demands: Run) -> None:
    meets_its_demands("late")


def test_receipts_three_times_reversed_and_early_end_in_one_right_state(meets_its_demands: Run) -> None:
    meets_its_demands("receipts")


def test_long_messages_over_smpp_arrive_whole_and_their_receipts_are_heard(meets_its_demands: Run) -> None:
    meets_its_demands("long")


@pytest.mark.parametrize("end", ["peer", "bind"])
def test_either_end_of_an_smpp_bind_is_killed(meets_its_demands: Run, end: str) -> None:
    meets_its_demands(end)


PROGRAM = ROOT / "benchmarks/sms_faults.py"


@pytest.mark.skipif(databases.programs() is None, reason="no PostgreSQL server is installed")
def test_a_table_that_is_ended_politely_leaves_nothing_behind() -> None:
    """A terminal tells the whole group, and the table then its child: some are told more than once."""
    with tempfile.TemporaryDirectory(prefix="tamin-test-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # PostgreSQL may run as another user
        command = [sys.executable, str(PROGRAM), "--only", "postgres", "--short", "--n", str(N)]
        quiet = subprocess.DEVNULL
        env = os.environ | {"TMPDIR": folder}
        table = subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet, process_group=0)
        ends = time.monotonic() + 90
        while not list(Path(folder).glob("portal-pg-*/data/postmaster.pid")):
            assert table.poll() is None
            assert time.monotonic() < ends
            time.sleep(0.05)
        while table.poll() is None:
            assert time.monotonic() < ends
            os.killpg(table.pid, signal.SIGTERM)
            time.sleep(0.02)
        assert [path.name for path in Path(folder).glob("portal-*")] == []


def test_too_few_messages_are_said_to_be_too_few() -> None:
    command = [sys.executable, str(PROGRAM), "--only", "hangs", "--n", "40"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert "too few to judge: 600 or more" in done.stdout
    assert "2 runs had too few messages to judge." in done.stdout
    assert (done.returncode, "MISSED" in done.stdout) == (2, False)
