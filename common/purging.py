"""The purge: what is deleted or blanked when its time is over. Each app registers its own steps; none is known here.

An app registers them in its module `purges`, which is imported when they are first asked for: web processes, which
never purge, do not load it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

Progress = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Run:
    """One purge. `now`: from when ages are counted; `dry_run`: only count; `progress`: called after each row of a step
    that handles its rows one by one."""

    now: datetime
    dry_run: bool = False
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of data. `words` say, after a number, what was done with it; `place` orders the steps; `work` does it
    and returns how many."""

    kind: str
    words: Any  # translated lazily
    place: int
    work: Callable[[Run], int]


_steps: dict[str, Step] = {}


def register(kind: str, words: Any, *, place: int, work: Callable[[Run], int]) -> None:
    """Purge data of this kind from now on. Raises ValueError if another step has its kind or its place."""
    for other in _steps.values():
        if other.kind == kind or other.place == place:
            raise ValueError(f"{kind} at {place}: {other.kind} at {other.place} is registered")
    _steps[kind] = Step(kind, words, place, work)


def steps() -> list[Step]:
    """All that is registered, in the order in which it runs."""
    autodiscover_modules("purges")
    return sorted(_steps.values(), key=lambda step: step.place)


def run_all(*, dry_run: bool = False, progress: Progress | None = None) -> dict[str, int]:
    """Run every step; returns how many of each kind were, or in a dry run would be, deleted or blanked."""
    run = Run(timezone.now(), dry_run, progress)
    return {step.kind: step.work(run) for step in steps()}


def delete(rows: QuerySet[Any], *, dry_run: bool) -> int:
    """Delete `rows`, or in a dry run only count them; returns how many."""
    return rows.count() if dry_run else rows.delete()[0]


def older_than(age: timedelta, purge: Callable[..., int]) -> Callable[[Run], int]:
    """The work of a step whose data are kept for `age`: `purge` takes `before`, a moment, and `dry_run`."""
    return lambda run: purge(before=run.now - age, dry_run=run.dry_run)
