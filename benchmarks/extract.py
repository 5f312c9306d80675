"""How fast an extract is loaded, against `bulk_create` of the same rows, in turn in the same run.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/extract.py

Over the same file of made-up people, always beside a generation as large that is in use:

- load: what the command does. Reading, every check, COPY in batches, what is new against the generation
  in use, the switch.
- bulk_create: reading, the same checks, and `bulk_create`, a thousand rows and a transaction each.
  No comparison and no switch.
- rows only: the same rows, read and checked before the clock starts, by `bulk_create` and by COPY.

A database of its own is made on the server and dropped. Without DATABASE_URL: SQLite, where a load inserts.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import databases, extract_lines

AIM = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with database() as folder:
        file = folder / "people.csv"
        with file.open("wb") as out:
            shutil.copyfileobj(extract_lines.Lines(extract_lines.CIVIL, extract_lines.person, given.rows), out)
        loaded(file)  # what the others are beside
        ratios, alone = [], []
        for number in range(given.rounds):
            slow, quick = created(file), loaded(file)
            rows = list(checked(file))
            slow_rows, quick_rows = created_rows(rows), copied_rows(rows)
            del rows
            ratios.append(slow / quick)
            alone.append(slow_rows / quick_rows)
            print(
                f"round {number + 1}: bulk_create {given.rows / slow:6.0f} rows/s, load {given.rows / quick:6.0f}: "
                f"{ratios[-1]:.1f} ×; rows only {given.rows / slow_rows:6.0f} and {given.rows / quick_rows:6.0f}: "
                f"{alone[-1]:.1f} ×",
                flush=True,
            )
        ratio = statistics.median(ratios)
        print(f"load / bulk_create: {ratio:.1f} × (median; aim ≥ {AIM} ×); rows only: {statistics.median(alone):.1f} ×")
    return 0 if ratio >= AIM else 1


@contextlib.contextmanager
def database() -> Iterator[Path]:
    """Django set up on a database of its own, and a folder; both are gone afterwards."""
    with contextlib.ExitStack() as ends:
        folder = Path(tempfile.mkdtemp(prefix="portal-extract-"))
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        url = ends.enter_context(databases.migrated(os.environ.get("DATABASE_URL", ""), folder))
        os.environ |= {"DATABASE_URL": url, "PORTAL_HOME": str(folder), "PORTAL_MODE": "demo", "SECRET_KEY": "x" * 50}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tamin_portal.settings")
        import django
        from django.db import connections

        django.setup()
        ends.callback(connections.close_all)
        yield folder


def memory() -> int:
    """The most memory this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def loaded(file: Path) -> float:
    """Seconds of a load, as the command does it. The generation it replaces is deleted off the clock."""
    from identity import services

    began = time.monotonic()
    with file.open("rb") as source:
        services.load_civil_registry(source=source)
    seconds = time.monotonic() - began
    services.purge_extracts()
    return seconds


def created(file: Path) -> float:
    """Seconds of reading, checking and `bulk_create`."""
    began = time.monotonic()
    with generation() as extract:
        create(extract, checked(file))
        return time.monotonic() - began


def created_rows(rows: list[Any]) -> float:
    with generation() as extract:
        began = time.monotonic()
        create(extract, iter(rows))
        return time.monotonic() - began


def copied_rows(rows: list[Any]) -> float:
    from django.db import transaction

    from identity.extract_store import Store
    from identity.extracts import COPY_BATCH

    with generation() as extract:
        store, ready = Store(extract, lambda number, _raw: rows[number]), [(number, b"") for number in range(len(rows))]
        began = time.monotonic()
        for first in range(0, len(ready), COPY_BATCH):
            with transaction.atomic():
                store.write(ready[first : first + COPY_BATCH])
        return time.monotonic() - began


def checked(file: Path) -> Iterator[Any]:
    from identity import extract_lines, extract_rows
    from identity.models import ExtractKind

    with file.open("rb") as source:
        lines = extract_lines.lines(source)
        parse = extract_rows.parser(ExtractKind.CIVIL, next(lines)[1])
        for number, raw in lines:
            yield parse(number, raw)


def create(extract: Any, rows: Iterator[Any]) -> None:
    from django.db import transaction

    from identity.extract_rows import fields
    from identity.models import CivilRecord, ExtractKind

    names = fields(ExtractKind.CIVIL)
    while batch := list(islice(rows, 1_000)):
        with transaction.atomic():
            CivilRecord.objects.bulk_create(
                CivilRecord(extract=extract, **dict(zip(names, row.values, strict=True))) for row in batch
            )


@contextlib.contextmanager
def generation() -> Iterator[Any]:
    """A generation nobody reads, deleted afterwards."""
    from identity import extract_pieces
    from identity.models import Extract, ExtractKind

    extract = Extract.objects.create(kind=ExtractKind.CIVIL)
    try:
        yield extract
    finally:
        extract_pieces.delete(extract)


if __name__ == "__main__":
    sys.exit(main())
