"""Limits how many password hashes this machine computes at the same time, and keeps places for known people.

One Argon2 hash occupies a core for some 30 ms, and threads do not interrupt each other in it: as many strangers at the
sign-in as there are threads would take every core, and everybody who only wants a page would wait behind them. So a
hash needs a place:

- `settings.HASHING_PLACES` places are for everybody (default: one fewer than there are cores, at least one);
- one more is for trusted devices only, and one more for people who are signed in or about to be: step three, a new
  password. Strangers cannot take these.

All web processes of one machine share the places: a place is a locked byte of one file that they inherit from the
process that forked them. The kernel releases it however a process ends. Within a process the threads share by
`_Places`. A try that finds no place waits for one shortly (`limits.HASHING_WAIT`), and is then told when to come back.

`accounts.passwords.hashers` takes a place for each hash, so that none is forgotten. Whoever compares a secret takes the
place before the try is counted, and keeps it until the end: a try without a place was not looked at, and is not
counted. Commands and workers need no place (docs/decisions/0026-hashing-has-a-lane-of-its-own.md).
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.log import log_response

from common import limits
from common.errors import PortalError

ARRIVED = "portal.arrived"  # in a request's environ: when it had arrived completely (time.monotonic())


class Whose(Enum):
    """For whom a hash is computed."""

    STRANGER = "stranger"
    TRUSTED = "trusted"  # a device its owner called their own, or a browser that has proven the account's mobile
    INSIDE = "inside"  # signed in, or holds the proof that the step before asked for


class _Places:
    """The places of this machine. The first `common` are for everybody; the two after them are kept."""

    def __init__(self, common: int) -> None:
        self.common = common
        self._file, name = tempfile.mkstemp()  # open as long as the process lives
        os.unlink(name)
        self._freed = threading.Condition()
        self._taken: set[int] = set()  # by threads of this process: a kernel lock belongs to the whole process
        self._waiting = dict.fromkeys(Whose, 0)

    def take(self, whose: Whose, since: float) -> int:
        """Take a free place, one that is kept for `whose` first. Waits until `limits.HASHING_WAIT` after `since`.

        Raises PortalError("hashing_busy", seconds=…): none became free, or enough threads wait already.
        """
        until = since + limits.HASHING_WAIT.total_seconds()
        with self._freed:
            place = self._free(whose)
            if place is None and self._waiting[whose] < limits.HASHING_WAITERS:
                self._waiting[whose] += 1
                try:
                    while place is None and (left := until - time.monotonic()) > 0:
                        self._freed.wait(min(left, limits.HASHING_LOOK.total_seconds()))
                        place = self._free(whose)
                finally:
                    self._waiting[whose] -= 1
            if place is None:
                raise PortalError("hashing_busy", seconds=int(limits.BUSY_COME_BACK.total_seconds()))
            return place

    def give(self, place: int) -> None:
        with self._freed:
            self._taken.discard(place)
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
            self._freed.notify()

    def _free(self, whose: Whose) -> int | None:
        kept = {Whose.TRUSTED: [self.common], Whose.INSIDE: [self.common + 1]}.get(whose, [])
        for place in (*kept, *range(self.common)):
            if place not in self._taken and self._locked(place):
                self._taken.add(place)
                return place
        return None

    def _locked(self, place: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:  # another process has it
            return False
        return True


@cache
def places() -> _Places:
    """The places that this process shares with those it forks from now on."""
    return _Places(max(1, settings.HASHING_PLACES or cores() - 1))


def cores() -> int:
    """How many cores this process may use: by its affinity, and by the share of its control group (Linux)."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return min(usable, max(1, int(quota) // int(period)))
    except (OSError, ValueError):  # no control group, or no quota ("max")
        return usable


_arrived: ContextVar[float | None] = ContextVar("arrived", default=None)  # None: not in a request, nothing is limited
_held: ContextVar[bool] = ContextVar("held", default=False)


@contextmanager
def place(whose: Whose = Whose.STRANGER) -> Iterator[None]:
    """A context manager that holds a place to hash in; inside it no other place is needed.

    Outside a request nothing is limited. A stranger's wait counts from the arrival of the request, so that time spent
    waiting for a thread is included. Raises PortalError("hashing_busy", seconds=…).
    """
    arrived = _arrived.get()
    if arrived is None or _held.get():
        yield
        return
    taken = places().take(whose, arrived if whose is Whose.STRANGER else time.monotonic())
    held = _held.set(True)
    try:
        yield
    finally:
        _held.reset(held)
        places().give(taken)


class BoundedHashing:
    """Middleware: every hash in a request needs a place. A view that has no sentence of its own for "busy" shows
    503.html."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = _arrived.set(request.META.get(ARRIVED) or time.monotonic())
        try:
            return self.get_response(request)
        finally:
            _arrived.reset(began)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not (isinstance(error, PortalError) and error.code == "hashing_busy"):
            return None
        return come_back(render(request, "503.html"), error)


def come_back(response: HttpResponse, error: PortalError) -> HttpResponse:
    """Make `response` the answer to a try that got no place: status 503 with Retry-After, without an error in
    the log."""
    response.status_code = 503
    response["Retry-After"] = str(error.values["seconds"])
    log_response("no place to hash in", response=response, level="debug")
    return response
