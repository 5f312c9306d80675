"""The lines: the pace of each gateway (`sms.pace`) in a row that all workers share, because a gateway counts what comes
from all of them.

A line that nobody limits, neither a setting nor a gateway that said "busy", costs no statement but one read of all rows
a second in each process. A limited one costs an UPDATE for each tenth of a second whose messages are taken together.
Each change is a compare-and-set on `version`: the row is the truth, what a process remembers only saves a read.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Min, Sum
from django.utils import timezone

from common.process_state import register_reset
from sms import configuration, pace
from sms.models import Line, Message
from sms.pace import Pace, Taken, Wish

log = logging.getLogger(__name__)
Said = TypeVar("Said")

LOOK_EVERY = 1.0  # seconds between two reads of the rows
_TRIES = 5  # of one change, while other workers change the same line
_LONG_AGO = datetime.min.replace(tzinfo=timezone.get_default_timezone()) + timedelta(days=2)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A row as this process saw it last; version 0: there is none."""

    version: int
    pace: Pace


_NONE = _Seen(0, Pace(free_at=_LONG_AGO))
_lock = threading.Lock()
_seen: dict[str, _Seen] = {}
_rates: dict[str, float | None] = {}
_read_at = float("-inf")


def rate(gateway: str) -> float | None:
    """Parts a second that `gateway` takes at the moment; None: as many as there are. At most `LOOK_EVERY` old."""
    with _lock:
        _look()
        return _rate(gateway, timezone.now())


def take(gateway: str, wishes: Sequence[Wish]) -> list[float]:
    """Take turns for `wishes` at `gateway`; returns those that were taken, the first ones first: the seconds until each
    may go."""

    def change(now: datetime, before: Pace) -> tuple[Pace, list[float]]:
        pace_now = pace.rate(before, _rates.get(gateway), now)
        if pace_now is None:
            return before, [0.0] * len(wishes)
        times, after = pace.grant(before, pace_now, now, wishes)
        return after, [(time - now).total_seconds() for time in times]

    with _lock:
        _look()
        return _change(gateway, change, [])


def give_back(gateway: str, parts: int) -> None:
    """Turns for `parts` were taken and not used."""

    def change(now: datetime, before: Pace) -> tuple[Pace, None]:
        pace_now = pace.rate(before, _rates.get(gateway), now)
        return (pace.give_back(before, pace_now, parts) if pace_now else before), None

    with _lock:
        _look()
        _change(gateway, change, None)


def wait(gateway: str, *, is_code: bool) -> float:
    """Seconds until `gateway` takes the next message. No statement."""
    now = timezone.now()
    with _lock:
        pace_now = _rate(gateway, now)
        return pace.wait(_seen.get(gateway, _NONE).pace, pace_now, now, is_code=is_code) if pace_now else 0.0


def step(gateway: str) -> float:
    """Seconds from one part to the next at `gateway`; 0: as it likes. No statement."""
    with _lock:
        pace_now = _rate(gateway, timezone.now())
    return 1 / pace_now if pace_now else 0.0


def busy(gateway: str, *, began: datetime, after: timedelta | None, parts: int = 0) -> None:
    """`gateway` answered "busy" to a call that began at `began`, and asked us to wait for `after`. `parts` have just
    been accepted and are not written yet."""
    now = timezone.now()
    with _lock:
        _look()
        known = _seen.get(gateway, _NONE).pace.cut_at
        if known and began <= known and not after:  # one of many that were under way at the same time
            return
        taken = _taken(gateway, now, parts)
        configured = _rates.get(gateway)

        def change(_now: datetime, before: Pace) -> tuple[Pace, None]:
            return pace.cut(before, configured, now, began=began, taken=taken, after=after), None

        _change(gateway, change, None)
        slow = _rate(gateway, now)
    log.warning("gateway %s is busy: %.2f parts a second", gateway, slow or 0)


def slowed(gateway: str, *, began: datetime, parts: int, every: float) -> None:
    """`gateway` has accepted a message of several parts, sent one `every` so many seconds, and said "busy" to some of
    them first. The call began at `began`."""

    def change(now: datetime, before: Pace) -> tuple[Pace, None]:
        configured = _rates.get(gateway)
        return pace.slowed(before, configured, now, began=began, parts=parts, every=every), None

    with _lock:
        _look()
        _change(gateway, change, None)


@register_reset
def forget() -> None:
    """Read the rows and the settings again at the next call."""
    global _read_at
    with _lock:
        _seen.clear()
        _rates.clear()
        _read_at = float("-inf")


def _rate(gateway: str, now: datetime) -> float | None:
    return pace.rate(_seen.get(gateway, _NONE).pace, _rates.get(gateway), now)


def _look() -> None:
    """Read all rows, if that is due."""
    global _read_at
    now = time.monotonic()
    if now - _read_at < LOOK_EVERY:
        return
    seen = {row.gateway: _of(row) for row in Line.objects.all()}
    _seen.clear()
    _seen.update(seen)
    _rates.update({name: configuration.rate(name) for name in configuration.names()})
    _read_at = now


def _of(row: Line) -> _Seen:
    said = Pace(row.free_at, row.next_at, row.held_until, row.learned, row.ceiling, row.cut_at)
    return _Seen(row.version, pace.readable(said, timezone.now()))


def _change(gateway: str, change: Callable[[datetime, Pace], tuple[Pace, Said]], otherwise: Said) -> Said:
    """Write what `change` makes of the pace, and return what it says; `otherwise`, if other workers were always
    quicker."""
    for _ in range(_TRIES):
        before = _seen.get(gateway, _NONE)
        after, said = change(timezone.now(), before.pace)
        if after == before.pace or _write(gateway, before, after):
            return said
        row = Line.objects.filter(gateway=gateway).first()
        _seen[gateway] = _of(row) if row else _NONE
    return otherwise


def _write(gateway: str, before: _Seen, after: Pace) -> bool:
    """Whether the row was still as `before`, and is now `after`."""
    values = {**asdict(after), "version": before.version + 1}
    if before.version:
        won = Line.objects.filter(gateway=gateway, version=before.version).update(**values) == 1
    else:
        won = Line.objects.get_or_create(gateway=gateway, defaults=values)[1]
    if won:
        _seen[gateway] = _Seen(before.version + 1, after)
    return won


def _taken(gateway: str, now: datetime, parts: int) -> Taken:
    """What `gateway` has accepted from all workers within the window. One statement, on the index of `sent_at`."""
    since = now - timedelta(seconds=pace.WINDOW)
    rows = Message.objects.filter(gateway=gateway, sent_at__gt=since)
    found = rows.aggregate(parts=Sum("parts"), since=Min("sent_at"))
    all_parts = (found["parts"] or 0) + parts
    return Taken(all_parts, (found["since"] or now) if all_parts else None)
