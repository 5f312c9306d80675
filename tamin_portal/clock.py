"""The clock in every worker: what beat hints at through Redis is done also when no hint comes.

For each task of beat's schedule whose queue the worker reads there is a thread. When this process has not run the task
for `patience`, because Redis or beat is away or the worker still waits for Redis at its start, the thread runs it.
Leases see to it that nothing is done twice; with nothing due a run costs a statement (docs/decisions/0047).

Workers have a pool of threads (`--pool=threads`), so this process sees all of their work. Under `--pool=prefork` each
process of the pool has a clock, and sees its own work alone (`tamin_portal/celery.py`).
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from celery.signals import (
    task_postrun,
    task_prerun,
    worker_process_shutdown,
    worker_shutdown,
    worker_shutting_down,
)
from django.db import connections

from common import limits
from tamin_portal import alive

log = logging.getLogger(__name__)


class Clock:
    """Runs `tasks`, a function for each name, whenever it was not run for so many seconds. `ran` and `runs` tell it
    of runs that others begin."""

    def __init__(self, tasks: dict[str, tuple[Callable[[], Any], float]]) -> None:
        self._tasks, self._over, self._ends = tasks, threading.Event(), 0.0
        self._lock = threading.Lock()
        self._running = dict.fromkeys(tasks, 0)
        self._last = dict.fromkeys(tasks, time.monotonic())
        self._threads = [
            threading.Thread(target=self._watch, args=(name,), name=f"clock {name}", daemon=True) for name in tasks
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin nothing any more."""
        if not self._over.is_set():
            self._ends = time.monotonic() + limits.CLOCK_ENDS_WITHIN.total_seconds()
            self._over.set()

    def end(self) -> None:
        """Stop, and wait for what is under way, as a worker does for its tasks: a message in mid-send would be
        doubtful."""
        self.stop()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, self._ends - time.monotonic()))

    def runs(self, name: str) -> None:
        """Somebody has begun the task."""
        if name in self._tasks:
            with self._lock:
                self._running[name] += 1

    def ran(self, name: str) -> None:
        """Somebody has ended it."""
        if name in self._tasks:
            with self._lock:
                self._running[name], self._last[name] = max(0, self._running[name] - 1), time.monotonic()

    def _watch(self, name: str) -> None:
        task, patience = self._tasks[name]
        while not self._over.wait(min(1.0, patience / 4)):
            with self._lock:
                due = not self._running[name] and time.monotonic() - self._last[name] > patience
            if due:
                self.runs(name)
                try:
                    self._run(name, task)
                finally:
                    self.ran(name)

    def _run(self, name: str, task: Callable[[], Any]) -> None:
        try:
            task()
        # The next look may find the database back. SystemExit would end this thread and nobody would look any more. The
        # words of an error may hold what is a person's.
        except BaseException as error:
            log.warning("%s, begun by the worker's own clock, failed (%s)", name, type(error).__name__)
        finally:
            connections.close_all()  # this thread's; while hints come it needs none


def patience(period: float) -> float:
    """Seconds after which a worker runs a task by itself that beat starts every `period` seconds."""
    quick, times = limits.CLOCK_QUICK.total_seconds(), limits.CLOCK_TIMES
    return max(period, limits.CLOCK_PATIENCE.total_seconds()) if period <= quick else times * period


def tasks_of(app: Any, queues: set[str]) -> dict[str, tuple[Callable[[], Any], float]]:
    """The tasks of beat's schedule that go to `queues`, each with its patience."""
    app.loader.import_default_modules()  # the tasks of all rooms; a worker has done it before
    found = {}
    for entry in app.conf.beat_schedule.values():
        name = entry["task"]
        if app.amqp.router.route({}, name)["queue"].name in queues:
            found[name] = (app.tasks[name], patience(float(entry["schedule"])))
    return found


def start(app: Any) -> Clock:
    """Begin, for the queues that this worker reads. Called before the worker reaches for Redis."""
    clock = Clock(tasks_of(app, set(app.amqp.queues.consume_from)))
    task_prerun.connect(lambda task, **_: clock.runs(task.name), weak=False)
    task_postrun.connect(lambda task, **_: clock.ran(task.name), weak=False)
    worker_shutting_down.connect(lambda **_: clock.stop(), weak=False)
    for over in (worker_shutdown, worker_process_shutdown):  # at `atexit` pools of threads take no work any more
        over.connect(lambda **_: clock.end(), weak=False)
    atexit.register(clock.end)  # should the signal not have come
    clock.start()
    alive.keep_saying()
    return clock
