"""Gathers in the process what each request would write, and writes it some seconds later, by a thread of its own.

A statement at each request, with its wait for the disk, would cost as much as all the rest of a short one
(docs/decisions/0058-counts-are-gathered.md). What a process had not written yet when it was killed is lost: gather only
what may be.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)
Key = TypeVar("Key")
Value = TypeVar("Value")


class Gathered(Generic[Key, Value]):
    """`what` it gathers, for the log. `join` makes one value of two with the same key. `write` writes all of them; it
    returns those that the database cannot take now, which are kept for the next time."""

    def __init__(
        self, what: str, join: Callable[[Value, Value], Value], write: Callable[[dict[Key, Value]], dict[Key, Value]]
    ) -> None:
        self._what, self._join, self._write = what, join, write
        self._lock = threading.Lock()
        self._values: dict[Key, Value] = {}
        self._is_due = False  # a timer runs
        atexit.register(self.write)
        os.register_at_fork(after_in_child=self.forget)  # else parent and child would both write them

    def add(self, key: Key, value: Value, *, within: float) -> None:
        """Gather one value, which is written within so many seconds."""
        with self._lock:
            self._put(key, value)
            was_due, self._is_due = self._is_due, True
        if not was_due:
            self._write_in(within)

    def write(self) -> None:
        """Write all that was gathered until now."""
        with self._lock:
            values, self._values = self._values, {}
        left = self._write(values) if values else {}
        if left:
            logger.warning("%s: %d are not written yet, the database is away", self._what, len(left))
            with self._lock:
                for key, value in left.items():
                    self._put(key, value)

    def forget(self) -> None:
        """Gather from nothing: for a process that has just begun."""
        self._lock, self._values, self._is_due = threading.Lock(), {}, False

    def _put(self, key: Key, value: Value) -> None:
        self._values[key] = self._join(self._values[key], value) if key in self._values else value

    def _write_in(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._write_by_timer, [seconds])
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError as error:  # no thread is to be had: the next one tries again, and the request goes on
            logger.warning("%s wait for a thread that writes them: %s", self._what, error)
            with self._lock:
                self._is_due = False

    def _write_by_timer(self, seconds: float) -> None:
        try:
            self.write()
        finally:
            connection.close()  # this thread's, which ends now
            with self._lock:
                self._is_due = bool(self._values)
            if self._is_due:
                self._write_in(seconds)


def one_by_one(what: str, write: Callable[[Key, Value], None]) -> Callable[[dict[Key, Value]], dict[Key, Value]]:
    """The `write` of a `Gathered` whose values are written by a statement each. What the database refuses is noted in
    the log and lost; an outage ends the round."""

    def write_all(values: dict[Key, Value]) -> dict[Key, Value]:
        while values:
            key, value = values.popitem()
            try:
                write(key, value)
            except (OperationalError, InterfaceError):
                values[key] = value
                break
            except DatabaseError as error:
                logger.warning("%s: %s is not written: %s", what, value, type(error).__name__)
        return values

    return write_all
