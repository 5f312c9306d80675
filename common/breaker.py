"""Circuit breakers, one for each name, shared by all processes: a service that keeps failing is not called for a while.

The state is a row; each process reads all rows at most once in `LOOK_EVERY`, and writes its successes together, so that
a healthy service costs no statement per call. Names are free: "sms:one:mci". The numbers are in `limits`.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from common import limits
from common.models import Breaker
from common.process_state import register_reset

LOOK_EVERY = 1.0  # seconds between two reads of the rows
OK, FAILED = "1", "0"


@dataclass(frozen=True, slots=True)
class BreakerState:
    """`open_until` None: closed. In the past: half open, one trial call may show whether the service works again."""

    open_until: datetime | None = None
    trial_until: datetime | None = None
    reason: str = ""

    @property
    def closed(self) -> bool:
        return self.open_until is None

    def may_be_tried(self, now: datetime) -> bool:
        """Closed, or it is time for a trial call and nobody is making it."""
        return self.open_until is None or (
            self.open_until <= now and (self.trial_until is None or self.trial_until <= now)
        )


CLOSED = BreakerState()
_reading, _lock = threading.Lock(), threading.Lock()
_states: dict[str, BreakerState] = {}
_read_at = float("-inf")
_results: dict[str, deque[str]] = {}  # not yet written
_written_at: dict[str, float] = {}
_busy_since: dict[str, float] = {}  # since when this process has heard nothing but "busy"
_trials: dict[str, datetime] = {}  # the last trial of each name that this process got, and when it lapses


def state(name: str) -> BreakerState:
    """The state of `name`, at most `LOOK_EVERY` seconds old."""
    return _look().get(name, CLOSED)


def allow(*names: str) -> bool:
    """Whether to make a call that needs all of `names`. Yes while they are closed. Of the callers of a half-open one,
    one gets the trial, and must then `record` the result or `give_back` the trial."""
    now = timezone.now()
    ajar = [name for name in names if not state(name).closed]
    if not all(state(name).may_be_tried(now) for name in ajar):
        return False
    for number, name in enumerate(ajar):
        if not _take_trial(name, now):
            give_back(*ajar[:number])
            return False
    return True


def give_back(*names: str) -> None:
    """The call was not made, or said nothing about these: others may have the trials that we got."""
    for name in names:
        until = _trials.pop(name, None)
        if until and Breaker.objects.filter(name=name, trial_until=until).update(trial_until=None):
            forget()


def record(name: str, ok: bool, *, times: int = 1) -> None:
    """Record the result of a call that was allowed, or of so many calls one after the other. Successes of a closed
    breaker are written once a second."""
    _busy_since.pop(name, None)
    _count(name, ok, times)


def record_busy(name: str) -> None:
    """The service works but takes no more now. That is no failure while other calls succeed; if there is nothing else
    for `limits.BREAKER_BUSY`, it is."""
    since, now = _busy_since.setdefault(name, time.monotonic()), time.monotonic()
    if not state(name).closed:
        _count(name, True)
    elif now - since > limits.BREAKER_BUSY.total_seconds():
        _count(name, False)


def trip(name: str, reason: str) -> None:
    """Open at once for the longest pause, because trying again soon is of no use."""
    _take(name)
    with transaction.atomic():
        row = _row(name)
        row.reason = reason[:120]
        _open(row, limits.BREAKER_LONGEST_PAUSE)
    forget()


def close(name: str) -> bool:
    """Close: an administrator, or a good call, says that it works again. Returns whether it was open."""
    _take(name)
    was_open = Breaker.objects.filter(name=name, open_until__isnull=False)
    changed = was_open.update(**_CLOSED)
    forget()
    return bool(changed)


def close_all(prefix: str) -> int:
    """As `close`, for every name that begins with `prefix`; returns how many were open."""
    open_ones = Breaker.objects.filter(name__startswith=prefix, open_until__isnull=False)
    return sum(close(name) for name in open_ones.values_list("name", flat=True))


def forget() -> None:
    """Read the rows again at the next call."""
    global _read_at
    with _reading:
        _read_at = float("-inf")


@register_reset
def forget_all() -> None:
    """Reset to the state of a process that has just started."""
    forget()
    with _lock:
        _results.clear()
        _written_at.clear()
        _trials.clear()
        _busy_since.clear()


_CLOSED = {"open_until": None, "trial_until": None, "pause": None, "reason": "", "recent": ""}


def _look() -> dict[str, BreakerState]:
    global _read_at, _states
    if time.monotonic() - _read_at < LOOK_EVERY:
        return _states
    with _reading:  # other threads wait, so that they do not use a state from before a change
        now = time.monotonic()
        if now - _read_at >= LOOK_EVERY:
            rows = Breaker.objects.filter(open_until__isnull=False)
            _states = {row.name: BreakerState(row.open_until, row.trial_until, row.reason) for row in rows}
            _read_at = now
        return _states


def _count(name: str, ok: bool, times: int = 1) -> None:
    with _lock:
        waiting = _results.setdefault(name, deque(maxlen=limits.BREAKER_WINDOW))
        waiting.extend([OK if ok else FAILED] * min(times, limits.BREAKER_WINDOW))
        fresh = time.monotonic() - _written_at.get(name, float("-inf")) < LOOK_EVERY
    seen = state(name)
    if not seen.closed and not seen.trial_until:
        _take(name)  # a late result: the breaker has opened meanwhile
    elif seen.closed and ok and fresh:
        return
    else:
        _write(name)


def _take_trial(name: str, now: datetime) -> bool:
    """Whether we got the trial, or the breaker has closed meanwhile."""
    until = now + limits.BREAKER_TRIAL
    free = Q(trial_until__isnull=True) | Q(trial_until__lte=now)
    won = Breaker.objects.filter(free, name=name, open_until__lte=now).update(trial_until=until)
    forget()
    if won:
        _trials[name] = until
    return bool(won) or state(name).closed


def _take(name: str) -> str:
    with _lock:
        _written_at[name] = time.monotonic()
        return "".join(_results.pop(name, ""))


def _write(name: str) -> None:
    """Add the waiting results to the row, and open or close it."""
    results = _take(name)
    with transaction.atomic():
        row = _row(name)
        if row.open_until is None:
            row.recent = (row.recent + results)[-limits.BREAKER_WINDOW :]
            failures = row.recent.count(FAILED)
            opens = failures >= limits.BREAKER_FAILURES and failures >= len(row.recent) * limits.BREAKER_SHARE
            if opens:
                _open(row, limits.BREAKER_FIRST_PAUSE)
            else:
                row.save(update_fields=["recent"])
                return
        elif row.trial_until is not None:
            ok = results.endswith(OK)
            if ok or _trials.get(name) == row.trial_until:  # the failure of another call may be older than the opening
                _trials.pop(name, None)
                _end_trial(row, ok=ok)
    forget()


def _end_trial(row: Breaker, *, ok: bool) -> None:
    if ok:
        Breaker.objects.filter(pk=row.pk).update(**_CLOSED, changed_at=timezone.now())
    else:
        _open(row, min((row.pause or limits.BREAKER_FIRST_PAUSE) * 2, limits.BREAKER_LONGEST_PAUSE))


def _open(row: Breaker, pause: timedelta) -> None:
    now = timezone.now()
    row.open_until, row.trial_until, row.pause = now + pause, None, pause
    row.recent, row.changed_at = "", now
    row.save()


def _row(name: str) -> Breaker:
    """The row of `name`, made if needed, and locked until the transaction ends."""
    rows = Breaker.objects.select_for_update().filter(name=name)
    found = rows.first()
    if found is None:
        Breaker.objects.bulk_create([Breaker(name=name)], ignore_conflicts=True)
        found = rows.get()
    return found
