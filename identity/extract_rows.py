"""The lines of an extract file as checked values. Pure apart from reading `source`.

A line is one record (no line breaks inside quotes), so a stray quote spoils its own line only and
a bad line has a number an editor can go to. Plain or gzip-compressed UTF-8, with or without BOM.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django.utils import timezone

from identity.models import ExtractKind
from tamin_portal import persian
from tamin_portal.errors import PortalError

LONGEST_LINE = 4_000  # bytes; a longer one is not a record of these columns
LONGEST_NAME = 100  # the models' max_length
_SERIES = re.compile(r"(.+?)([0-9]{2})")


@dataclass(frozen=True, slots=True)
class BadLine:
    """Why a line cannot be loaded. Never holds what the line says. `column` may be empty."""

    number: int
    column: str
    reason: str  # a code; identity.texts has the sentence


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    values: dict[str, Any]


def read(kind: ExtractKind, source: BinaryIO) -> Iterator[Row | BadLine]:
    """Every line of `source` but the header and blank ones, checked, in order.

    Raises PortalError: extract_header (missing, unknown, repeated: names of columns) or
    extract_unreadable (after_line).
    """
    parse, columns = _PARSERS[kind], _COLUMNS[kind]
    lines = _lines(source)
    header = _header(next(lines, (1, b""))[1], columns)
    for number, raw in lines:
        if raw is not None and not raw.strip():
            continue
        try:
            yield Row(number, parse(_cells(raw, header)))
        except _Refused as refused:
            yield BadLine(number, refused.column, refused.reason)


class _Refused(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


def _lines(source: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Numbered raw lines; None for one that is too long, so that no file can fill the memory."""
    number = 0
    try:
        plain = _unzipped(source)
        while raw := plain.readline(LONGEST_LINE + 1):
            number += 1
            if len(raw) <= LONGEST_LINE:
                yield number, raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                continue
            while raw and not raw.endswith(b"\n"):
                raw = plain.readline(LONGEST_LINE)
            yield number, None
    except (OSError, EOFError, zlib.error):
        raise PortalError("extract_unreadable", after_line=number) from None


def _unzipped(source: BinaryIO) -> BinaryIO:
    peekable = source if isinstance(source, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, source))
    return cast(BinaryIO, gzip.GzipFile(fileobj=peekable) if peekable.peek(2)[:2] == b"\x1f\x8b" else peekable)


def _header(raw: bytes | None, columns: tuple[str, ...]) -> list[str]:
    try:
        names = _split(raw)
    except _Refused:
        names = []
    names = [persian.fold(name).lower() for name in names]
    missing = [name for name in columns if name not in names]
    unknown = [name for name in names if name not in columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if missing or unknown or repeated:
        raise PortalError("extract_header", missing=missing, unknown=unknown, repeated=repeated, columns=columns)
    return names


def _split(raw: bytes | None) -> list[str]:
    if raw is None:
        raise _Refused("", "line_too_long")
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise _Refused("", "not_utf8") from None
    try:
        return [cell.strip() for cell in next(csv.reader([text], strict=True), [])]
    except csv.Error:
        raise _Refused("", "not_csv") from None


def _cells(raw: bytes | None, header: list[str]) -> Mapping[str, str]:
    cells = _split(raw)
    if len(cells) != len(header):
        raise _Refused("", "cell_count")
    return dict(zip(header, cells, strict=True))


def _cell(cells: Mapping[str, str], column: str, parse: Callable[[str], Any]) -> Any:
    """The parsed cell. Its refusal names the column and the rule of `persian` that was broken."""
    try:
        return parse(cells[column])
    except persian.InputError as error:
        raise _Refused(column, error.code) from None


def _person(cells: Mapping[str, str]) -> dict[str, Any]:
    letter, number = _cell(cells, "birth_certificate_series", _series)
    return {
        "national_id": _cell(cells, "national_id", persian.parse_national_id),
        "first_name": _cell(cells, "first_name", _name),
        "last_name": _cell(cells, "last_name", _name),
        "birth_date": _cell(cells, "birth_date", _birth_date),
        "gender": _cell(cells, "gender", _gender),
        "certificate_number": _cell(cells, "birth_certificate_number", _certificate_number),
        "series_letter": letter,
        "series_number": number,
        "certificate_serial": _cell(cells, "birth_certificate_serial", persian.parse_serial),
        "deceased": _cell(cells, "deceased", _flag),
    }


def _owner(cells: Mapping[str, str]) -> dict[str, Any]:
    return {
        "national_id": _cell(cells, "national_id", persian.parse_national_id),
        "mobile": _cell(cells, "mobile", persian.parse_mobile),
    }


def _name(text: str) -> str:
    name = " ".join(persian.fold(text).split())
    if not name:
        raise persian.InputError("required")
    # NUL would break PostgreSQL; other control characters are a damaged file. ZWNJ (Cf) belongs.
    if any(unicodedata.category(c) == "Cc" for c in name) or not persian.name_key(name):
        raise persian.InputError("name")
    if len(name) > LONGEST_NAME:
        raise persian.InputError("name_too_long")
    return name


def _birth_date(text: str) -> dt.date:
    date = persian.parse_jalali(text)
    if date > timezone.localdate():
        raise persian.InputError("future")
    return date


def _gender(text: str) -> str:
    if text.lower() not in ("female", "male"):
        raise persian.InputError("gender")
    return text.lower()


def _certificate_number(text: str) -> str:
    return persian.parse_certificate_number(text) if persian.fold_number(text) else ""


def _series(text: str) -> tuple[str, str]:
    match = _SERIES.fullmatch(persian.fold_number(text))
    if not match:
        raise persian.InputError("series")
    return persian.parse_series_letter(match[1]), match[2]


def _flag(text: str) -> bool:
    if persian.fold_number(text) not in ("0", "1"):
        raise persian.InputError("flag")
    return persian.fold_number(text) == "1"


_COLUMNS: Mapping[ExtractKind, tuple[str, ...]] = {
    ExtractKind.CIVIL: (
        "national_id", "first_name", "last_name", "birth_date", "gender", "birth_certificate_number",
        "birth_certificate_series", "birth_certificate_serial", "deceased",
    ),
    ExtractKind.OWNERS: ("national_id", "mobile"),
}  # fmt: skip
_PARSERS: Mapping[ExtractKind, Callable[[Mapping[str, str]], dict[str, Any]]] = {
    ExtractKind.CIVIL: _person,
    ExtractKind.OWNERS: _owner,
}
