"""A worker's own clock: what nobody hints at is done all the same, and what is hinted at is not done twice."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import time
from types import SimpleNamespace

import pytest
import yaml
from celery.concurrency.prefork import TaskPool as PreforkPool

from tamin_portal import alive, celery, clock
from tamin_portal.beat import Scheduler
from tamin_portal.celery import app
from tests.support.paths import ROOT


def test_what_nobody_hints_at_is_run_again_and_again():
    runs = threading.Semaphore(0)
    its = clock.Clock({"drain": (runs.release, 0.05)})
    its.start()
    try:
        for _ in range(3):
            assert runs.acquire(timeout=20)
    finally:
        its.end()


def test_a_run_that_fails_is_not_the_last():
    runs = threading.Semaphore(0)

    def fails() -> None:
        runs.release()
        raise RuntimeError("0012345678 must not be in the log")

    its = clock.Clock({"drain": (fails, 0.05)})
    its.start()
    try:
        assert runs.acquire(timeout=20)
        assert runs.acquire(timeout=20)
    finally:
        its.end()


def test_why_a_run_failed_is_said_without_its_words(caplog):
    its = clock.Clock({})
    its._run("sms.drain", lambda: int("0012345678x"))
    assert "sms.drain" in caplog.text
    assert "ValueError" in caplog.text
    assert "0012345678" not in caplog.text


def test_what_a_hint_has_begun_is_not_begun_again_until_it_ended():
    runs = threading.Semaphore(0)
    its = clock.Clock({"drain": (runs.release, 0.05)})
    its.runs("drain")  # by the pool
    other = clock.Clock({"drain": (runs.release, 0.05)})
    its.start()
    assert not runs.acquire(timeout=0.5)  # many times its patience
    its.ran("drain")
    assert runs.acquire(timeout=20)
    its.end()
    other.end()


def test_one_that_hangs_holds_up_no_other():
    over, runs = threading.Event(), threading.Semaphore(0)
    its = clock.Clock({"mail": (lambda: over.wait(20), 0.01), "codes": (runs.release, 0.05)})
    its.start()
    try:
        for _ in range(3):
            assert runs.acquire(timeout=20)
    finally:
        over.set()
        its.end()


def test_a_worker_that_ends_waits_for_what_is_under_way_and_begins_nothing():
    begun, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go_on.wait(20)
        done.set()

    its = clock.Clock({"drain": (work, 0.05)})
    its.start()
    assert begun.wait(20)
    threading.Timer(0.2, go_on.set).start()
    its.end()
    assert done.is_set()


@pytest.mark.parametrize(("pool", "before_the_fork"), [("threads", 1), ("prefork", 0), (PreforkPool, 0)])
def test_a_pool_that_forks_does_so_without_a_clock_and_each_process_has_one(monkeypatch, pool, before_the_fork):
    """A thread's locks stay locked for ever in what is forked meanwhile."""
    begun, of_processes = [], []
    monkeypatch.setattr(clock, "start", begun.append)
    monkeypatch.setattr(celery.worker_process_init, "connect", lambda begin, **_: of_processes.append(begin))
    celery.look_also_without_hints(sender=SimpleNamespace(pool_cls=pool))
    assert len(begun) == before_the_fork
    for begin in of_processes:
        begin(sender=None)
    assert begun == [app]


def test_each_task_of_the_schedule_is_done_by_the_workers_of_its_queue():
    every = {name for queue in ("sms", "receipts", "identity") for name in clock.tasks_of(app, {queue})}
    assert every == {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert {"sms.drain", "accounts.send_codes"} == clock.tasks_of(app, {"sms"}).keys()


def test_codes_wait_for_no_broker_longer_than_some_seconds():
    for name in ("sms.drain", "accounts.send_codes"):
        _task, patience = clock.tasks_of(app, {"sms"})[name]
        assert patience <= 5
    assert clock.patience(3600) == 3 * 3600  # several workers share it, so one may not meet it for long


def test_beat_says_at_each_round_that_it_lives(settings, tmp_path, monkeypatch):
    settings.ALIVE_FILE = str(tmp_path / "alive")
    monkeypatch.setattr("celery.beat.PersistentScheduler.tick", lambda self: 5)
    scheduler = Scheduler(app, lazy=True, schedule_filename=str(tmp_path / "times"))
    assert scheduler.tick() == 5
    assert (tmp_path / "alive").exists()


def test_without_the_setting_nothing_is_written_and_a_full_disk_ends_nothing(settings):
    for name in ("", "/nowhere/at/all"):
        settings.ALIVE_FILE = name
        alive.say()


@pytest.mark.parametrize("service", ["worker", "worker-codes", "worker-receipts", "beat"])
def test_the_health_of_a_container_is_the_age_of_that_file(service, tmp_path):
    """The very command of docker-compose.yml, with another place for the file."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert compose["x-portal"]["environment"]["ALIVE_FILE"] == "/tmp/alive"
    kind, command = compose["services"][service]["healthcheck"]["test"]
    file = tmp_path / "alive"
    command = command.replace("$$", "$").replace("/tmp/alive", shlex.quote(str(file)))

    def healthy() -> bool:
        return subprocess.run(["sh", "-c", command], capture_output=True, timeout=30).returncode == 0

    assert kind == "CMD-SHELL"
    assert not healthy()
    file.touch()
    assert healthy()
    os.utime(file, (time.time() - 120,) * 2)
    assert not healthy()


def test_no_task_ends_the_thread_that_looks_after_it():
    runs: list[int] = []
    twice = threading.Event()

    def task() -> None:
        runs.append(1)
        if len(runs) > 1:
            twice.set()
        raise SystemExit

    watch = clock.Clock({"task": (task, 0.05)})
    watch.start()
    assert twice.wait(10)
    watch.end()
    assert watch._running == {"task": 0}
