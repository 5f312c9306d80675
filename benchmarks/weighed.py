"""What the simpler ways of docs/decisions/0033-what-was-weighed-again.md would cost, as ratios in one run.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/weighed.py

A database of its own is made on the server and dropped. Without DATABASE_URL: SQLite, and only the first part.

1. *Inquiries*: a hundred are counted, with the person's behind each, under a cap. As it is (`Reservations`); one
   reservation a call; one conditional UPDATE a call of a row with the day's totals, which the table does not have, and
   the UPDATE of the two rows that it does have.
2. *Repeated lines of an extract*: the same rows are copied, read and checked before the clock starts. As it is (a bit
   for each ID in memory); without looking for repeats; by a set of integers; by COPY into a temporary table and INSERT
   … ON CONFLICT DO NOTHING; by asking first which IDs of a batch are in the table.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import extract as extracts_bench
from benchmarks import extract_lines

CALLS = 100
PRICES = {"owner": 1200, "person": 4500}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with extracts_bench.database() as folder:
        from django.db import connection

        report("an inquiry", counting(), given.rounds, CALLS)
        if connection.vendor == "postgresql":
            report("a row", copying(folder, given.rows), given.rounds, given.rows)


def report(unit: str, works: dict[str, Callable[[], float]], rounds: int, times: int) -> None:
    """Median of each, and of its ratio to the first one of the same round."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            took[name].append(work() / times)
    first = next(iter(took.values()))
    for name, seconds in took.items():
        ratio = statistics.median(own / ours for own, ours in zip(seconds, first, strict=True))
        print(f"{name:24} {statistics.median(seconds) * 1e6:8.1f} µs {unit}   {ratio:6.2f} of ours", flush=True)


def counting() -> dict[str, Callable[[], float]]:
    from django.conf import settings
    from django.db import transaction
    from django.db.models import F
    from django.utils import timezone

    from identity import configuration, metering
    from identity.models import Inquiries

    settings.IDENTITY_DAILY_INQUIRIES = most = 10**7
    configuration.cost = lambda _registry, question: PRICES[question]
    day, both = timezone.localdate(), sum(PRICES.values())
    total = Inquiries.objects.create(day=day, registry="*", question="")
    room = Inquiries.objects.filter(pk=total.pk, count__lte=most - 2)

    def as_it_is() -> None:
        reservations = metering.Reservations()
        for number in range(CALLS):
            right(reservations.take("it", "owner", wanted=CALLS - number, person_registry="it"))
        reservations.release()

    def one_a_call() -> None:
        for _ in range(CALLS):
            right(metering.reserve("it", "owner", 1, person_registry="it"))

    def conditional() -> None:
        for _ in range(CALLS):
            with transaction.atomic():
                right(room.update(count=F("count") + 2, cost=F("cost") + both))
                for question, price in PRICES.items():
                    row = Inquiries.objects.filter(day=day, registry="it", question=question)
                    right(row.update(count=F("count") + 1, cost=F("cost") + price))

    works = {"reservations (ours)": as_it_is, "one reservation a call": one_a_call, "conditional UPDATE": conditional}
    return {name: timed(work) for name, work in works.items()}


def timed(work: Callable[[], None]) -> Callable[[], float]:
    def seconds() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return seconds


def copying(folder: Path, number: int) -> dict[str, Callable[[], float]]:
    file = folder / "people.csv"
    with file.open("wb") as out:
        shutil.copyfileobj(extract_lines.Lines(extract_lines.CIVIL, extract_lines.person, number), out)
    rows = list(extracts_bench.checked(file))
    return {name: timed_copy(kind, rows) for name, kind in stores().items()}


def timed_copy(store: Any, rows: list[Any]) -> Callable[[], float]:
    def seconds() -> float:
        from django.db import connection, transaction

        from identity.extracts import COPY_BATCH

        with extracts_bench.generation() as extract:
            writer, ready = (
                store(extract, lambda place, _raw: rows[place]),
                [(place, b"") for place in range(len(rows))],
            )
            began = time.perf_counter()
            for first in range(0, len(ready), COPY_BATCH):
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SET LOCAL synchronous_commit TO off")
                    writer.write(ready[first : first + COPY_BATCH])
            return time.perf_counter() - began

    return seconds


class NoLook:
    def is_new(self, _number: int) -> bool:
        return True


class Remembering:
    def __init__(self) -> None:
        self._known: set[int] = set()

    def is_new(self, number: int) -> bool:
        before = len(self._known)
        self._known.add(number)
        return len(self._known) > before


def stores() -> dict[str, Any]:
    """The store, and what it would be with other ways to find a repeated line."""
    from django.db import connection

    from identity.extract_rows import fields
    from identity.extract_store import Store, _CopySource

    class Unseen(Store):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self._seen: Any = NoLook()

    class Remembered(Store):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self._seen: Any = Remembering()

    class Staged(Unseen):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self._table, self._columns = self._model._meta.db_table, ", ".join(("extract_id", *fields(self._kind)))
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE IF EXISTS staged")
                cursor.execute(
                    f"CREATE TEMP TABLE staged AS SELECT {self._columns} FROM {self._table} WHERE false"  # noqa: S608
                )
                cursor.execute("ALTER TABLE staged ADD line bigserial")

        def _copy(self, rows: Any) -> int:
            source = _CopySource(self._extract.pk, rows)
            with connection.cursor() as cursor:
                cursor.copy_expert(f"COPY staged ({self._columns}) FROM STDIN", source)
                cursor.execute(
                    f"INSERT INTO {self._table} ({self._columns}) "  # noqa: S608
                    f"SELECT {self._columns} FROM staged ORDER BY line ON CONFLICT DO NOTHING"
                )
                right(cursor.rowcount == source.count)
                cursor.execute("TRUNCATE staged")
            return source.count

    class Asked(Unseen):
        def write(self, lines: Any) -> Any:
            known = self._model._default_manager.filter(extract=self._extract, national_id__in=self._ids(lines))
            right(not list(known.values_list("national_id", flat=True)))
            return super().write(lines)

        def _ids(self, lines: Iterable[Any]) -> list[str]:
            return [self._parse(number, raw).values[0] for number, raw in lines]  # type: ignore[union-attr]

    return {
        "bits in memory (ours)": Store,
        "no look": Unseen,
        "a set of integers": Remembered,
        "temporary table": Staged,
        "asked first": Asked,
    }


def right(found: object) -> None:
    """What is quick because it did nothing is not measured."""
    if not found:
        raise SystemExit("nothing was counted or stored")


if __name__ == "__main__":
    main()
