"""The pace of a line: when a gateway may be given how many parts of SMS. Pure; `sms.lines` keeps it in a row for all
workers.

Each part has a time of its own, `1 / rate` after the one before: some gateways count the parts of a second, others
refuse what comes too soon after the last one, and a line of even steps suits both. A turn is taken up to `_AHEAD`
before its time, and the call waits for it. Results get what codes leave, in whichever worker the codes are: a code that
is too early books the next turn, and results go after that.

The rate is the setting's, or learned from answers that say "busy" (throttled, queue full), or the lower of both. Where
nothing is known yet it begins low and grows quickly until the gateway says "busy"; the rate at that moment is the
`ceiling`. From then on it returns quickly to a little less, and grows slowly beyond, the longer the faster. Where the
gateway took nothing at all, there is nothing to learn: the line is held, and tried anew with few messages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from common import limits

WINDOW = 1.0  # seconds; most gateways count by the second
_AHEAD = 0.1  # seconds by which turns are taken early: fewer statements, and a worker that is late delays no step
_SPARE = 0.97  # of a rate that is set: no network delivers even steps evenly
_QUICKLY = 4.0  # a second: growth up to what is known to be good, or while no bound is known,
_SLOWLY = 1.05  # and beyond, for each second, or for each ten parts if these take longer;
_FASTER_AFTER = 10  # such steps the growth is twice as fast
_GOOD = 0.92  # of the rate at which the gateway said "busy"
_FASTEST = 10_000.0  # parts a second
_FORGOTTEN_AFTER = 600.0  # seconds without "busy"
_LITTLE = 0.3  # of the rate: that little was offered, or the rate is far too high
_HALVED = 0.5  # what the rate falls to then;
_CUT = 0.8  # it falls by no more, if it was about right
_TRUSTED = 0.75  # how much the rate at "busy" says about the ceiling, against what was taken within the window
_FIRST_GUESS = 5.0  # parts a second: the least that is guessed at first, and what a full line is tried with
_TRIED_EVERY = 0.5  # seconds, at least, while nothing is taken
_SLOWEST = 0.05  # parts a second
_LONGEST = 20  # parts of a message: no turn is further ahead, unless by a clock that was wrong
_CLOCKS_DIFFER_BY = timedelta(seconds=5)  # at most, those of two workers


@dataclass(frozen=True, slots=True)
class Pace:
    """`free_at`: nothing but codes goes before it. `next_at`: nothing does, because the part before has its distance.
    `held_until`: nothing does, because the gateway said "busy". `learned`: parts a second at `cut_at`, when it last
    said so; None: it has said nothing of the kind. `ceiling`: parts a second that were too many; None: not known."""

    free_at: datetime
    next_at: datetime | None = None
    held_until: datetime | None = None
    learned: float | None = None
    ceiling: float | None = None
    cut_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A message that wants to go: its parts, and whether it is a code."""

    parts: int
    is_code: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What the gateway accepted within the last `WINDOW`: parts, and since when; None: nothing."""

    parts: int = 0
    since: datetime | None = None


def readable(pace: Pace, now: datetime) -> Pace:
    """The pace without the times that no clock like ours has written: a worker's clock that was an hour ahead must not
    stop the line of all for an hour. (`_opens` leaves out turns that are too far ahead.)"""
    if pace.held_until and pace.held_until > now + limits.SMS_LINE_LONGEST_HOLD:
        pace = replace(pace, held_until=None)
    if pace.cut_at and pace.cut_at > now + _CLOCKS_DIFFER_BY:
        pace = replace(pace, learned=None, ceiling=None, cut_at=None)
    return pace


def rate(pace: Pace, configured: float | None, now: datetime) -> float | None:
    """Parts a second; None: as many as there are."""
    bound = configured and configured * _SPARE
    if pace.learned is None or pace.cut_at is None:
        return _lower(bound, _FIRST_GUESS) if _is_tried(pace, now) else bound
    seconds = max((now - pace.cut_at).total_seconds(), 0.0)
    if seconds >= _FORGOTTEN_AFTER:
        return bound
    return _lower(bound, min(_grown(pace.learned, pace.ceiling, seconds), _FASTEST))


def grant(pace: Pace, rate: float, now: datetime, wishes: Sequence[Wish]) -> tuple[list[datetime], Pace]:
    """When those of `wishes` may go whose turns are taken now, the first ones first; and the pace after them."""
    times: list[datetime] = []
    for wish in wishes:
        at = max(_opens(pace, rate, now, is_code=wish.is_code), now)
        ends = at + timedelta(seconds=wish.parts / rate)
        if at > now + timedelta(seconds=_AHEAD):
            if wish.is_code:
                pace = replace(pace, free_at=max(pace.free_at, ends))
            break
        times.append(at)
        pace = replace(pace, next_at=ends, free_at=max(_possible(pace.free_at, pace, rate, now), ends))
    return times, pace


def give_back(pace: Pace, rate: float, parts: int) -> Pace:
    """The pace when `parts` that were granted did not go."""
    back = timedelta(seconds=parts / rate)
    return replace(pace, free_at=pace.free_at - back, next_at=pace.next_at and pace.next_at - back)


def wait(pace: Pace, rate: float, now: datetime, *, is_code: bool) -> float:
    """Seconds until the next message may take a turn."""
    opens = _opens(pace, rate, now, is_code=is_code) - timedelta(seconds=_AHEAD / 2)
    return max((opens - now).total_seconds(), 0.0)


def cut(
    pace: Pace, configured: float | None, now: datetime, *, began: datetime, taken: Taken, after: timedelta | None
) -> Pace:
    """The pace after an answer "busy" to a call that began at `began`. `after`: how long the gateway asked us to wait.

    A call that began before the last cut says nothing new about the rate: those under way together are one event.
    """
    held = now + min(after, limits.SMS_LINE_LONGEST_HOLD) if after else None
    if pace.cut_at is None or began > pace.cut_at:
        learned, ceiling = _learned(pace, configured, taken, now)
        pace = replace(pace, learned=learned, ceiling=ceiling, cut_at=now)
        held = max(held or now, _window_ends(now, taken, learned or _FIRST_GUESS))
    return replace(pace, held_until=max(held, pace.held_until or held)) if held else pace


def slowed(pace: Pace, configured: float | None, now: datetime, *, began: datetime, parts: int, every: float) -> Pace:
    """The pace after a message of several parts, sent one `every` so many seconds (0: at once), that met "busy" on its
    way: the rate at which it was sent was too high, and how long it took tells about what the gateway takes."""
    before = rate(pace, configured, now)
    if (pace.cut_at and began <= pace.cut_at) or (before is not None and not every):
        return pace
    took = parts / max((now - began).total_seconds(), 1 / _FASTEST)
    if before is None:
        return replace(pace, learned=max(took, _SLOWEST), ceiling=None, cut_at=now)
    before = min(before, 1 / every)
    took = min(took, before)
    learned = max(took * _GOOD, before * _HALVED, _SLOWEST)
    return replace(pace, learned=learned, ceiling=(before + took) / 2, cut_at=now)


def _opens(pace: Pace, rate: float, now: datetime, *, is_code: bool) -> datetime:
    """From when a message may go."""
    times = (pace.next_at, pace.held_until) if is_code else (pace.next_at, pace.held_until, pace.free_at)
    return max(_possible(each, pace, rate, now) for each in times)


def _possible(time: datetime | None, pace: Pace, rate: float, now: datetime) -> datetime:
    """`time`, or `now` if there is none, or none that turns at this rate lead to."""
    furthest = max(now, pace.held_until or now) + timedelta(seconds=_LONGEST / rate)
    return time if time and time <= furthest else now


def _lower(configured: float | None, learned: float) -> float:
    return learned if configured is None else min(learned, configured)


def _is_tried(pace: Pace, now: datetime) -> bool:
    """Whether the line is held or just after, and nothing is known of its rate."""
    return pace.held_until is not None and now < pace.held_until + timedelta(seconds=WINDOW)


def _good(ceiling: float | None) -> float:
    """The rate that is known to be good; infinite: no bound is known."""
    return math.inf if ceiling is None else ceiling * _GOOD


def _grown(learned: float, ceiling: float | None, seconds: float) -> float:
    """The rate so many seconds after it was `learned`."""
    good = _good(ceiling)
    if learned < good:
        quick = learned * _QUICKLY ** min(seconds, 100)
        if quick <= good:
            return quick
        learned, seconds = good, seconds - math.log(good / learned, _QUICKLY)
    steps = seconds * min(max(learned / 10, 0.1), 1)
    return learned * _SLOWLY ** min(steps + steps**2 / _FASTER_AFTER, 1000)


def _learned(pace: Pace, configured: float | None, taken: Taken, now: datetime) -> tuple[float | None, float | None]:
    """The rate and the ceiling after "busy"."""
    before, took = rate(pace, configured, now), taken.parts / WINDOW
    if not took:  # a gateway that takes nothing says nothing about the rate: it stays as it has grown
        return (rate(pace, None, now) if pace.learned is not None else None), pace.ceiling
    if before is None:
        return max(took * _GOOD, _FIRST_GUESS), None
    if took < before * _LITTLE:
        return max(min(before * _HALVED, _good(pace.ceiling)), _SLOWEST), pace.ceiling
    took = min(took, before)
    return max(took * _GOOD, before * _CUT, _SLOWEST), before * _TRUSTED + took * (1 - _TRUSTED)


def _window_ends(now: datetime, taken: Taken, learned: float) -> datetime:
    """When a gateway that counts by the second takes the next part."""
    one = timedelta(seconds=1 / learned)
    if taken.since is None:
        return now + max(one, timedelta(seconds=_TRIED_EVERY))
    used = min(timedelta(seconds=taken.parts / learned), timedelta(seconds=WINDOW))
    return max(min(taken.since, now) + used, now) + one
