"""The service's own sessions, in memory: who is signed in, and who was signed out by the portal.

A real service keeps them in its database, with `sid` and `sub` as columns, so that the portal's sign-outs find them.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from portal_client import SignIn, Waiting

IDLE = 30 * 60  # seconds without a request; the portal's own idleness ends nothing here
LONGEST = 8 * 3600  # seconds
MOST = 10_000  # of all browsers together: past it the oldest ends, first of those that nobody has signed in to
MOST_WAITING = 10  # sign-ins that one browser has begun and not finished


@dataclass
class Session:
    """One browser's. `waiting`: sign-ins that it has begun, each with the page to go on to."""

    began: float
    used: float
    form_key: str = field(default_factory=lambda: secrets.token_urlsafe(16))  # only our own pages know it
    sign_in: SignIn | None = None
    waiting: dict[str, tuple[Waiting, str]] = field(default_factory=dict)
    was_ended: bool = False  # by the portal; the next page says so
    asked_for_code: bool = False  # this sign-in was to have a code


class Sessions:
    """All sessions, by the random key in the browser's cookie. May be used by threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._rows: dict[str, Session] = {}
        self._lock, self._clock = threading.Lock(), clock

    def find(self, key: str) -> Session | None:
        """The session of this cookie; None: there is none, or it is over."""
        now = self._clock()
        with self._lock:
            row = self._rows.get(key)
            if row is not None and (now - row.used > IDLE or now - row.began > LONGEST):
                del self._rows[key]
                row = None
            if row is not None:
                row.used = now
            return row

    def new(self) -> tuple[str, Session]:
        """A fresh session and its key."""
        now = self._clock()
        key, row = secrets.token_urlsafe(32), Session(now, now)
        with self._lock:
            if len(self._rows) >= MOST:
                waiting = (each for each, one in self._rows.items() if one.sign_in is None)
                del self._rows[next(waiting, next(iter(self._rows)))]
            self._rows[key] = row
        return key, row

    def remember(self, row: Session, waiting: Waiting, page: str) -> None:
        """Keep what `finish` needs; the oldest of too many is forgotten."""
        with self._lock:
            while len(row.waiting) >= MOST_WAITING:
                del row.waiting[next(iter(row.waiting))]
            row.waiting[waiting.state] = (waiting, page)

    def take(self, row: Session, state: str) -> tuple[Waiting, str] | None:
        """What was kept for this `state`, once."""
        with self._lock:
            return row.waiting.pop(state, None)

    def sign_in(self, key: str, sign_in: SignIn) -> str:
        """The key of a session that is signed in; the one of `key`, from before the sign-in, ends."""
        self.end(key)
        fresh, row = self.new()
        row.sign_in = sign_in
        return fresh

    def end(self, key: str) -> None:
        with self._lock:
            self._rows.pop(key, None)

    def end_of(self, *, sid: str, sub: str) -> int:
        """End the sessions of this `sid`, or, where it is empty, all of this citizen's; how many those were."""
        with self._lock:
            found = [row for row in self._rows.values() if row.sign_in and _is_meant(row.sign_in, sid, sub)]
            for row in found:
                row.sign_in, row.was_ended = None, True
            return len(found)


def _is_meant(sign_in: SignIn, sid: str, sub: str) -> bool:
    return bool(sign_in.said.get("sid") == sid if sid else sign_in.said["sub"] == sub)
