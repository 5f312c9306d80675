"""Extracts: load one into a new generation, switch to it at once, delete the old ones.

A load writes small batches, each in its own short transaction (SQLite has one writer, and citizens
need it too), into a generation nobody reads. The switch is one transaction at the end; until then
nothing has changed for anyone, however the load ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import timezone

from identity.extract_rows import BadLine, Row, read
from identity.models import CivilRecord, Extract, ExtractKind, ExtractState, MobileOwner
from tamin_portal.errors import PortalError
from tamin_portal.leases import lock_name

BATCH = 1_000  # lines held in memory and written at once
DELETE_BATCH = 5_000  # rows deleted in one transaction
BAD_LINES_NAMED = 20
ABANDONED_AFTER = timedelta(hours=1)  # a load that wrote nothing for so long was killed


@dataclass(slots=True)
class LoadReport:
    """How a load went: rows now in use, lines left out, and the first of those by name."""

    loaded: int = 0
    bad_count: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)

    def refuse(self, bad: BadLine) -> None:
        self.bad_count += 1
        if len(self.bad_lines) < BAD_LINES_NAMED:
            self.bad_lines.append(bad)


def load(
    *, kind: ExtractKind, source: BinaryIO, skip_bad: bool = False, progress: Callable[[int], None] | None = None
) -> LoadReport:
    """Replace the extract of `kind` by the lines of `source` (see `extract_rows`).

    `progress` is told the number of lines after each batch. Raises PortalError and changes nothing:
    extract_header, extract_unreadable, extract_abandoned (a purge took it for dead), extract_empty and,
    without `skip_bad`, extract_bad_lines, both with report: LoadReport. What is left of the load
    or of the generation before it waits for `purge`. Must not run inside a transaction.
    """
    lines = read(kind, source)
    batch = list(islice(lines, BATCH))  # a wrong header costs no generation
    extract = Extract.objects.create(kind=kind)
    try:
        report = _fill(extract, batch, lines, progress or (lambda _count: None))
        if report.bad_count and not skip_bad:
            raise PortalError("extract_bad_lines", report=report)
        if not report.loaded:
            raise PortalError("extract_empty", report=report)
        _switch(extract, report.loaded)
    except BaseException:
        Extract.objects.filter(pk=extract.pk, state=ExtractState.LOADING).update(state=ExtractState.RETIRED)
        raise
    return report


def is_loaded(kind: ExtractKind) -> bool:
    """Whether an extract of `kind` is in use."""
    return Extract.objects.filter(kind=kind, state=ExtractState.CURRENT).exists()


def purge(*, dry_run: bool = False) -> int:
    """Delete retired generations and loads that were killed; returns how many generations."""
    abandoned = Extract.objects.filter(state=ExtractState.LOADING, touched_at__lt=timezone.now() - ABANDONED_AFTER)
    retired = Extract.objects.filter(state=ExtractState.RETIRED)
    if dry_run:
        return abandoned.count() + retired.count()
    # Retired first: a load that wakes up after all sees it and gives up.
    abandoned.update(state=ExtractState.RETIRED)
    doomed = list(retired)
    for extract in doomed:
        _delete_rows(extract)
        extract.delete()
    return len(doomed)


def _fill(
    extract: Extract, batch: list[Row | BadLine], lines: Iterator[Row | BadLine], progress: Callable[[int], None]
) -> LoadReport:
    report, seen = LoadReport(), 0
    store = _store_people if extract.kind == ExtractKind.CIVIL else _store_owners
    while batch:
        for bad in [line for line in batch if isinstance(line, BadLine)]:
            report.refuse(bad)
        with transaction.atomic():
            _still_ours(extract, touched_at=timezone.now())
            report.loaded += store(extract, [line for line in batch if isinstance(line, Row)], report)
        seen += len(batch)
        progress(seen)
        batch = list(islice(lines, BATCH))
    report.bad_lines.sort(key=lambda bad: bad.number)
    return report


def _store_people(extract: Extract, rows: list[Row], report: LoadReport) -> int:
    """One row per national ID: a second line for an ID is bad, since one of the two must be wrong."""
    ids = [row.values["national_id"] for row in rows]
    taken = set(extract.people.filter(national_id__in=ids).values_list("national_id", flat=True))
    people = []
    for row in rows:
        if row.values["national_id"] in taken:
            report.refuse(BadLine(row.number, "national_id", "repeated"))
            continue
        taken.add(row.values["national_id"])
        people.append(CivilRecord(extract=extract, **row.values))
    CivilRecord.objects.bulk_create(people)
    return len(people)


def _store_owners(extract: Extract, rows: list[Row], report: LoadReport) -> int:
    """A line that repeats an earlier one says nothing new and is stored once."""
    owners = [MobileOwner(extract=extract, **row.values) for row in rows]
    MobileOwner.objects.bulk_create(owners, ignore_conflicts=True)
    return len(owners)


def _switch(extract: Extract, rows: int) -> None:
    with transaction.atomic():
        # Two loads that end together: the later one wins, and never are there two or none.
        lock_name(f"extract:{extract.kind}")
        current = Extract.objects.filter(kind=extract.kind, state=ExtractState.CURRENT)
        current.update(state=ExtractState.RETIRED)
        _still_ours(extract, state=ExtractState.CURRENT, rows=rows)


def _still_ours(extract: Extract, **changes: Any) -> None:
    """Write `changes` unless a purge has taken this load for a dead one."""
    if not Extract.objects.filter(pk=extract.pk, state=ExtractState.LOADING).update(**changes):
        raise PortalError("extract_abandoned")


def _delete_rows(extract: Extract) -> None:
    """In pieces, so that no delete holds the database for long."""
    for rows in (extract.people, extract.owners):
        while ids := list(rows.values_list("pk", flat=True)[:DELETE_BATCH]):
            rows.filter(pk__in=ids).delete()
