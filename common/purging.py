"""The purge: deletes or blanks data whose time is over. Each app registers its own steps; none is listed here.

An app registers them in its module `purges`, which is imported when the steps are first needed: web processes, which
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
BATCH = 5_000  # rows that are deleted by one statement


@dataclass(frozen=True, slots=True)
class Run:
    """One purge. `now`: the time from which ages are counted; `dry_run`: only count; `progress`: called after each row
    of a step that handles its rows one by one."""

    now: datetime
    dry_run: bool = False
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of data. `words` say, after a number, what was done; `place` orders the steps; `work` does it and
    returns how many."""

    kind: str
    words: Any  # translated lazily
    place: int
    work: Callable[[Run], int]


_steps: dict[str, Step] = {}


def register(kind: str, words: Any, *, place: int, work: Callable[[Run], int]) -> None:
    """Add a purge step. Raises ValueError if another step has its kind or its place."""
    for other in _steps.values():
        if other.kind == kind or other.place == place:
            raise ValueError(f"{kind} at {place}: {other.kind} at {other.place} is registered")
    _steps[kind] = Step(kind, words, place, work)


def steps() -> list[Step]:
    """All registered steps, in the order in which they run."""
    autodiscover_modules("purges")
    return sorted(_steps.values(), key=lambda step: step.place)


def run_all(*, dry_run: bool = False, progress: Progress | None = None) -> dict[str, int]:
    """Run every step; returns for each kind how many were, or in a dry run would be, deleted or blanked."""
    run = Run(timezone.now(), dry_run, progress)
    return {step.kind: step.work(run) for step in steps()}


def delete(rows: QuerySet[Any], *, dry_run: bool) -> int:
    """Delete `rows`, or in a dry run only count them; returns how many.

    `BATCH` at a time, each in a transaction of its own: one statement for a million rows would hold its locks for
    minutes, and a stop in the middle would undo all of it.
    """
    if dry_run:
        return rows.count()
    batch, count = rows.order_by().values("pk")[:BATCH], 0
    while deleted := rows.model._base_manager.filter(pk__in=batch).delete()[0]:
        count += deleted
        if deleted < BATCH:
            break
    return count


def older_than(age: timedelta, purge: Callable[..., int]) -> Callable[[Run], int]:
    """The work of a step whose data are kept for `age`. `purge` takes `before`, a moment, and `dry_run`."""
    return lambda run: purge(before=run.now - age, dry_run=run.dry_run)
