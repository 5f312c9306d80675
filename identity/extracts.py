"""Loads an extract into a new generation, switches to it at once, and deletes old generations.

A load writes batches, each in its own short transaction, into a generation that nobody reads. A batch is read before
its transaction opens, so that a slow file holds no transaction open. The switch is one transaction at the end; until
then nothing changes for anyone, however the load ends. Why not one COPY for all:
docs/decisions/0014-an-extract-is-copied-in-batches.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any, BinaryIO

from django.db import DatabaseError, Error, connection, transaction
from django.utils import timezone

from common.errors import PortalError
from common.leases import lock_name
from identity import extract_lines, extract_pieces, extract_rows
from identity.extract_lines import NumberedLine
from identity.extract_pieces import Changes
from identity.extract_rows import BadLine
from identity.extract_store import Store
from identity.models import Extract, ExtractKind, ExtractState

BATCH = 1_000  # lines written at once; few, because SQLite has one writer, which citizens need too
COPY_BATCH = 10_000  # the same, where COPY writes them
BAD_LINES_NAMED = 20
ABANDONED_AFTER = timedelta(hours=1)  # a load that wrote nothing for so long was killed


@dataclass(slots=True)
class LoadReport:
    """The result of a load: lines now in use, lines left out, the first of those, and the changes."""

    loaded: int = 0
    changes: Changes = field(default_factory=Changes)
    bad_count: int = 0
    bad_lines: list[BadLine] = field(default_factory=list)

    def add(self, loaded: int, bad: list[BadLine]) -> None:
        """Add the result of one batch."""
        self.loaded += loaded
        self.bad_count += len(bad)
        self.bad_lines += bad[: BAD_LINES_NAMED - len(self.bad_lines)]


def load(
    *, kind: ExtractKind, source: BinaryIO, skip_bad: bool = False, progress: Callable[[int], None] | None = None
) -> LoadReport:
    """Replace the extract of `kind` by the lines of `source` (see `extract_lines`, `extract_rows`).

    `progress` is called with the number of lines after each batch. Raises PortalError and changes nothing:
    extract_kind (kind: what the file is instead of a table in text), extract_file_empty, extract_header,
    extract_unreadable, extract_abandoned (a purge took the load for dead),
    extract_database (why: the class of the error) and, with report: LoadReport, extract_empty and, without `skip_bad`,
    extract_bad_lines. `purge` deletes what is left of a failed load and of the generation before. Must not run inside a
    transaction.
    """
    lines = extract_lines.lines(source)
    header = next(lines, (1, b""))[1]
    if extract_rows.names_separator(header):
        header = next(lines, (2, b""))[1]
    if extract_lines.is_blank(header) and all(extract_lines.is_blank(raw) for _number, raw in lines):
        raise PortalError("extract_file_empty")
    parse = extract_rows.parser(kind, header)  # a wrong header costs no generation
    try:
        with _new_generation(kind) as extract:
            report = _fill(extract, Store(extract, parse), lines, progress or (lambda _count: None))
            if report.bad_count and not skip_bad:
                raise PortalError("extract_bad_lines", report=report)
            if not report.loaded:
                raise PortalError("extract_empty", report=report)
            _take_over(extract, report)
    except DatabaseError as error:  # only its class is told: its text may contain a line of the file
        raise PortalError("extract_database", why=type(error).__name__) from None
    return report


@contextlib.contextmanager
def _new_generation(kind: ExtractKind) -> Iterator[Extract]:
    """A new generation that nobody reads; it is retired if the load fails."""
    extract = Extract.objects.create(kind=kind)
    try:
        yield extract
    except BaseException:
        with contextlib.suppress(Error):  # if the database is away, a purge retires it later
            Extract.objects.filter(pk=extract.pk, state=ExtractState.LOADING).update(state=ExtractState.RETIRED)
        raise


def is_loaded(kind: ExtractKind) -> bool:
    """Whether an extract of `kind` is in use."""
    return Extract.objects.filter(kind=kind, state=ExtractState.CURRENT).exists()


def purge(*, dry_run: bool = False) -> int:
    """Delete retired generations and those of loads that were killed; returns how many generations."""
    abandoned = Extract.objects.filter(state=ExtractState.LOADING, touched_at__lt=timezone.now() - ABANDONED_AFTER)
    retired = Extract.objects.filter(state=ExtractState.RETIRED)
    if dry_run:
        return abandoned.count() + retired.count()
    # Retired first: a load that wakes up after all sees it and gives up.
    abandoned.update(state=ExtractState.RETIRED)
    doomed = list(retired)
    for extract in doomed:
        extract_pieces.delete(extract)
    return len(doomed)


def _fill(extract: Extract, store: Store, lines: Iterator[NumberedLine], progress: Callable[[int], None]) -> LoadReport:
    report, seen = LoadReport(), 0
    copies = connection.vendor == "postgresql"
    while batch := list(islice(lines, COPY_BATCH if copies else BATCH)):
        with transaction.atomic():
            _still_ours(extract, touched_at=timezone.now())
            if copies:
                _commit_without_waiting()
            report.add(*store.write(batch))
        seen += len(batch)
        progress(seen)
    return report


def _commit_without_waiting() -> None:
    """Do not wait for the disk at the commit of a batch: the commit of the switch waits for all of them."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")


def _take_over(extract: Extract, report: LoadReport) -> None:
    """Compare the new generation with the one in use, and put it in its place."""
    if connection.vendor == "postgresql":  # without statistics of the new generation, look-ups might be planned badly
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {connection.ops.quote_name(extract_pieces.table(ExtractKind(extract.kind)))}")
    while True:  # again if another load was quicker: then its rows are the ones to compare with
        current = Extract.objects.filter(kind=extract.kind, state=ExtractState.CURRENT).first()
        report.changes = extract_pieces.compare(new=extract, old=current)
        if _switch(extract, report.loaded, current):
            return


def _switch(extract: Extract, rows: int, instead_of: Extract | None) -> bool:
    """Use `extract` from now on; False if the one in use is no longer `instead_of`."""
    with transaction.atomic():
        # If two loads end together, the later one wins; there are never two extracts in use, or none.
        lock_name(f"extract:{extract.kind}")
        current = Extract.objects.filter(kind=extract.kind, state=ExtractState.CURRENT)
        if current.first() != instead_of:
            return False
        current.update(state=ExtractState.RETIRED)
        _still_ours(extract, state=ExtractState.CURRENT, rows=rows)
    return True


def _still_ours(extract: Extract, **changes: Any) -> None:
    """Write `changes`, unless a purge has taken this load for dead."""
    if not Extract.objects.filter(pk=extract.pk, state=ExtractState.LOADING).update(**changes):
        raise PortalError("extract_abandoned")
