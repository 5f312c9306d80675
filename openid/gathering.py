"""Gathers counts in the process and writes them some seconds later, by a thread of its own.

A statement at each request, with its wait for the disk, would cost as much as the check of a token
(docs/decisions/0058-counts-are-gathered.md). What a process had not written yet when it was killed is lost.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)
Key = TypeVar("Key")


class Gathered(Generic[Key]):
    """`write` writes one count; it raises DatabaseError if it cannot."""

    def __init__(self, write: Callable[[Key, int], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()
        self._is_due = False  # a timer runs
        atexit.register(self.write)
        os.register_at_fork(after_in_child=self.forget)  # else parent and child would both write them

    def add(self, key: Key, *, within: float) -> None:
        """Count one, which is written within so many seconds."""
        with self._lock:
            self._counts[key] += 1
            was_due, self._is_due = self._is_due, True
        if not was_due:
            self._write_in(within)

    def write(self) -> None:
        """Write all that was counted until now. What the database cannot take now is kept, and what it refuses is
        noted in the log."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        while counts:
            key, count = counts.popitem()
            try:
                self._write(key, count)
            except (OperationalError, InterfaceError):
                counts[key] = count
                break
            except DatabaseError as error:
                logger.warning("%d uses were not counted: %s", count, type(error).__name__)
        if counts:
            logger.warning("%d uses are not counted yet: the database is away", counts.total())
            with self._lock:
                self._counts += counts

    def forget(self) -> None:
        """Count from nothing: for a process that has just begun."""
        self._lock, self._counts, self._is_due = threading.Lock(), Counter(), False

    def _write_in(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._write_by_timer, [seconds])
        timer.daemon = True
        try:
            timer.start()
        except RuntimeError as error:  # no thread is to be had: the next count tries again, and the request goes on
            logger.warning("uses wait for a thread that writes them: %s", error)
            with self._lock:
                self._is_due = False

    def _write_by_timer(self, seconds: float) -> None:
        try:
            self.write()
        finally:
            connection.close()  # this thread's, which ends now
            with self._lock:
                self._is_due = bool(self._counts)
            if self._is_due:
                self._write_in(seconds)
