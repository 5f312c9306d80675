"""Writes the lines of one load into its generation: by COPY on PostgreSQL, by INSERT elsewhere.

The IDs (or mobiles) of earlier lines are kept in memory, one bit for each that can exist. So a repeated line is found,
with its number, without the database; asking the database takes about twice as long for a row
(docs/decisions/0033-what-was-weighed-again.md). The unique keys of the tables refuse a repeated row too.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import Model

from identity.extract_lines import NumberedLine
from identity.extract_rows import BadLine, Parser, Row, fields
from identity.models import CivilRecord, Extract, ExtractKind, MobileOwner

PIECE = 1_000  # lines handed to PostgreSQL at a time


class Store:
    """Writes the lines of one load into `extract`, and remembers the IDs or mobiles of earlier ones."""

    def __init__(self, extract: Extract, parse: Parser) -> None:
        self._extract, self._parse = extract, parse
        self._kind = ExtractKind(extract.kind)
        self._model: type[Model] = CivilRecord if self._kind is ExtractKind.CIVIL else MobileOwner
        self._seen = _Seen()

    def write(self, lines: Sequence[NumberedLine]) -> tuple[int, list[BadLine]]:
        """Store the good lines among `lines`; returns how many, and the bad ones. Needs a transaction.

        Civil registry: a second line for an ID is bad, because one of the two must be wrong. Owners: a line that
        repeats an earlier one is counted, but stored once.
        """
        bad: list[BadLine] = []
        again: list[Row] = []
        counted = self._count(self._fresh(lines, bad, again))
        if self._kind is ExtractKind.CIVIL:
            bad += [BadLine(row.number, "national_id", "repeated") for row in again]
            return counted, sorted(bad, key=lambda line: line.number)
        # The mobile of another person too, or the same line again: the database tells which.
        self._model._default_manager.bulk_create(map(self._instance, again), ignore_conflicts=True)
        return counted + len(again), bad

    def _fresh(self, lines: Sequence[NumberedLine], bad: list[BadLine], again: list[Row]) -> Iterator[Row]:
        """The good lines whose ID or mobile is new; the others are added to `bad` and `again`."""
        civil, parse, is_new = self._kind is ExtractKind.CIVIL, self._parse, self._seen.is_new
        for number, raw in lines:
            line = parse(number, raw)
            if isinstance(line, Row):
                # The check digit follows from the nine before it; mobiles are +989 and nine digits.
                if is_new(int(line.values[0][:9] if civil else line.values[1][4:])):
                    yield line
                else:
                    again.append(line)
            elif line is not None:
                bad.append(line)

    def _count(self, rows: Iterator[Row]) -> int:
        return self._copy(rows) if connection.vendor == "postgresql" else self._insert(rows)

    def _insert(self, rows: Iterator[Row]) -> int:
        return len(self._model._default_manager.bulk_create(map(self._instance, rows)))

    def _instance(self, row: Row) -> Model:
        return self._model(extract=self._extract, **dict(zip(fields(self._kind), row.values, strict=True)))

    def _copy(self, rows: Iterator[Row]) -> int:
        quote = connection.ops.quote_name
        columns = ", ".join(map(quote, ("extract_id", *fields(self._kind))))
        source = _CopySource(self._extract.pk, rows)
        with connection.cursor() as cursor:
            try:
                with connection.wrap_database_errors:
                    cursor.copy_expert(f"COPY {quote(self._model._meta.db_table)} ({columns}) FROM STDIN", source)
            finally:
                if source.failure is not None:  # otherwise it would look like an error of the database
                    raise source.failure
        return source.count


class _CopySource:
    """The file that psycopg2 reads: rows are turned into text while PostgreSQL works on earlier ones."""

    def __init__(self, extract: int, rows: Iterator[Row]) -> None:
        self._before, self._rows = f"{extract}\t", rows
        self.count = 0
        self.failure: BaseException | None = None

    def read(self, _size: int) -> str:
        try:
            piece = [self._text(row.values) for row in islice(self._rows, PIECE)]
        except BaseException as failure:
            self.failure = failure
            raise
        self.count += len(piece)
        return "".join(piece)

    def _text(self, values: tuple[Any, ...]) -> str:
        # No tab or line end gets past the rules for cells; a backslash can, in a name.
        return self._before + "\t".join(map(str, values)).replace("\\", "\\\\") + "\n"


class _Seen:
    """Which numbers of nine digits occurred before. A bitset of at most 125 MB; only the pages that are written use
    memory."""

    def __init__(self) -> None:
        self._bits = mmap.mmap(-1, 10**9 // 8, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)

    def is_new(self, number: int) -> bool:
        """Whether `number` has not occurred before; it has from now on."""
        place, bit = number >> 3, 1 << (number & 7)
        before = self._bits[place]
        if before & bit:
            return False
        self._bits[place] = before | bit
        return True
