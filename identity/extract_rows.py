"""Parses the lines of an extract file into checked rows. Pure, apart from reading `source`.

A line is one record (no line breaks inside quotes), so a stray quote spoils only its own line, and a bad line has a
number by which an editor finds it. Plain or gzip-compressed UTF-8, with or without BOM.
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
from functools import lru_cache
from operator import itemgetter
from typing import Any, BinaryIO, NamedTuple, cast

from django.utils import timezone

from common import persian
from common.errors import PortalError
from identity.models import ExtractKind
from identity.person import NOT_THERE, BirthUnknown

BLOCK = 256 * 1024  # bytes read at once
LONGEST_LINE = 4_000  # bytes; a longer one is not a record of these columns
LONGEST_SKIPPED = 16 * 1024 * 1024  # bytes without an end of line; then the file is read no further
BOM = b"\xef\xbb\xbf"
LONGEST_NAME = 100  # the models' max_length
_SERIES = re.compile(r"(.+?)([0-9]{2})")
# 1310/05/00, or 1310/00/00: the civil registry does not know the day, or neither day nor month.
_PART_OF_A_DATE = re.compile(r"([0-9]{4})([/.\-])(?:(0?[1-9]|1[0-2])|00?)\2(?:00?)")
# Cells that occur again and again are parsed once; refused ones are not remembered.
_remembered = lru_cache(maxsize=65_536)


@dataclass(frozen=True, slots=True)
class BadLine:
    """Why a line cannot be loaded. Never contains the line's text. `column` may be empty."""

    number: int
    column: str
    reason: str  # a code; identity.texts has the sentence


class Row(NamedTuple):
    number: int
    values: tuple[Any, ...]  # in the order of `fields(kind)`


NumberedLine = tuple[int, bytes | None]  # numbered from 1; None for one that is too long
Parser = Callable[[int, bytes | None], Row | BadLine | None]


def fields(kind: ExtractKind) -> tuple[str, ...]:
    """The model's fields that a `Row` of this kind has values for."""
    return tuple(field.name for field in _FIELDS[kind])


def columns(kind: ExtractKind) -> tuple[str, ...]:
    """The columns that the first line of a file of this kind must name; one column may contain several fields."""
    return tuple(dict.fromkeys(field.column for field in _FIELDS[kind]))


def lines(source: BinaryIO) -> Iterator[NumberedLine]:
    """The raw lines of `source`, unzipped, without their line ends.

    Reads in blocks and keeps only the beginning of a line that is too long, so that no file can fill the memory, not
    even a small one that unzips to a huge one. Raises PortalError extract_unreadable (after_line), also if a line never
    ends: that is no text file.
    """
    number, rest, dropped = 0, b"", 0
    try:
        plain = _unzipped(source)
        while block := plain.read(BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            for raw in whole:
                number += 1
                yield number, raw if len(raw) <= LONGEST_LINE else None
            dropped = 0 if whole else dropped + len(block)
            if dropped > LONGEST_SKIPPED:
                raise PortalError("extract_unreadable", after_line=number)
            rest = rest[: LONGEST_LINE + 1]
    except (OSError, EOFError, zlib.error):
        raise PortalError("extract_unreadable", after_line=number) from None
    if rest:
        yield number + 1, rest if len(rest) <= LONGEST_LINE else None


def is_blank(raw: bytes | None) -> bool:
    """Whether a line is empty, apart from the byte order mark of UTF-8."""
    return raw is not None and not raw.removeprefix(BOM).strip()


def parser(kind: ExtractKind, header: bytes | None) -> Parser:
    """A function that turns a line under this header into a checked row, or the reason against it; None for a blank
    line.

    Raises PortalError extract_header (missing, unknown, repeated: names of columns).
    """
    plan = _FIELDS[kind]
    names = _header(header, columns(kind))
    places = [names.index(field.column) for field in plan]
    plain = _plain_line(plan, names)

    def parse_line(number: int, raw: bytes | None) -> Row | BadLine | None:
        if raw is not None and (not raw or raw.isspace()):
            return None
        column = ""
        try:
            text = _decode(raw)
            if values := plain(text):
                return Row(number, values)
            cells = _split(text)
            if len(cells) != len(names):
                return BadLine(number, "", "cell_count")
            found = []
            for (_name, column, _plain, _take, parse), place in zip(plan, places, strict=True):  # noqa: B007 - named below
                found.append(parse(cells[place]))
        except persian.InputError as error:
            return BadLine(number, column, error.code)
        return Row(number, tuple(found))

    return parse_line


def _plain_line(plan: tuple[_Field, ...], names: list[str]) -> Callable[[str], tuple[Any, ...] | None]:
    """A fast parser for lines whose cells are all spelt as they are stored; None for every other line.

    Most lines of a file that a program wrote are like that; the rules cell by cell take twice as long.
    """
    in_file = sorted(plan, key=lambda field: names.index(field.column))
    cells = ["".join(field.plain for field in plan if field.column == name) for name in names]
    fullmatch = re.compile(",".join(cells)).fullmatch
    order = itemgetter(*(in_file.index(field) for field in plan))
    in_order = in_file == list(plan)
    takes = [(place, field.take) for place, field in enumerate(plan) if field.take]

    def parse_plain(text: str) -> tuple[Any, ...] | None:
        match = fullmatch(text)
        if match is None:
            return None
        values = list(match.groups() if in_order else order(match.groups()))
        try:
            for place, take in takes:
                values[place] = take(values[place])
        except persian.InputError:
            return None  # the rules cell by cell find out which cell is wrong
        return tuple(values)

    return parse_plain


def _unzipped(source: BinaryIO) -> BinaryIO:
    peekable = source if isinstance(source, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, source))
    return cast(BinaryIO, gzip.GzipFile(fileobj=peekable) if peekable.peek(2)[:2] == b"\x1f\x8b" else peekable)


def _header(raw: bytes | None, columns: tuple[str, ...]) -> list[str]:
    try:
        names = [persian.fold(name).lower() for name in _split(_decode(raw and raw.removeprefix(BOM)))]
    except persian.InputError:
        names = []
    missing = [name for name in columns if name not in names]
    unknown = [name for name in names if name not in columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if missing or unknown or repeated:
        raise PortalError("extract_header", missing=missing, unknown=unknown, repeated=repeated, columns=columns)
    return names


def _decode(raw: bytes | None) -> str:
    if raw is None:
        raise persian.InputError("line_too_long")
    try:
        return raw.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        raise persian.InputError("not_utf8") from None


def _split(text: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([text], strict=True), [])]
    except csv.Error:
        raise persian.InputError("not_csv") from None


@_remembered
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


@_remembered
def _birth_date(text: str) -> dt.date:
    """A date; of one whose day, or day and month, is 00, the first day of what it says."""
    found = _PART_OF_A_DATE.fullmatch(persian.fold(text))
    year, month = (int(found[1]), int(found[3] or "1")) if found else (0, 0)
    date = persian.jalali_to_date(year, month, 1) if found else persian.parse_jalali(text)
    if date > timezone.localdate():
        raise persian.InputError("future")
    return date


@_remembered
def _birth_unknown(text: str) -> str:
    found = _PART_OF_A_DATE.fullmatch(persian.fold(text))
    if not found:
        return BirthUnknown.NOTHING.value
    return (BirthUnknown.DAY if found[3] else BirthUnknown.MONTH).value


@_remembered
def _gender(text: str) -> str:
    if text.lower() not in ("female", "male"):
        raise persian.InputError("gender")
    return text.lower()


def _certificate_number(text: str) -> str:
    return persian.parse_certificate_number(text) if persian.fold_number(text) else ""


@_remembered
def _series_letter(text: str) -> str:
    return persian.parse_series_letter(_series(text)[1]) if persian.fold_number(text) else NOT_THERE


@_remembered
def _series_number(text: str) -> str:
    return _series(text)[2] if persian.fold_number(text) else NOT_THERE


def _serial(text: str) -> str:
    return persian.parse_serial(text) if persian.fold_number(text) else NOT_THERE


def _series(text: str) -> re.Match[str]:
    match = _SERIES.fullmatch(persian.fold_number(text))
    if not match:
        raise persian.InputError("series")
    return match


@_remembered
def _flag(text: str) -> bool:
    if persian.fold_number(text) not in ("0", "1"):
        raise persian.InputError("flag")
    return persian.fold_number(text) == "1"


class _Field(NamedTuple):
    """How one field of the model is parsed."""

    name: str
    column: str
    plain: str  # a pattern of cells that `parse` would keep as its group; those of one column are joined
    take: Callable[[str], Any] | None  # parses the group; may refuse it
    parse: Callable[[str], Any]


_LETTERS = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیئ"
_PLAIN_NAME = f"(?=[^,]{{1,{LONGEST_NAME}}}(?:,|$))([{_LETTERS}]+(?:[ \u200c][{_LETTERS}]+)*)"
_PLAIN_DATE = "([0-9]{4}/(?:0[1-9]|1[0-2])/(?:0[1-9]|[12][0-9]|3[01]))"
# In the order in which a line is checked.
_FIELDS: Mapping[ExtractKind, tuple[_Field, ...]] = {
    ExtractKind.CIVIL: (
        _Field("national_id", "national_id", "([0-9]{10})", persian.parse_national_id, persian.parse_national_id),
        _Field("first_name", "first_name", _PLAIN_NAME, None, _name),
        _Field("last_name", "last_name", _PLAIN_NAME, None, _name),
        _Field("birth_date", "birth_date", _PLAIN_DATE, _birth_date, _birth_date),
        _Field("birth_unknown", "birth_date", "()", None, _birth_unknown),
        _Field("gender", "gender", "(female|male)", None, _gender),
        _Field("certificate_number", "birth_certificate_number", "([1-9][0-9]{0,9}|0)", None, _certificate_number),
        _Field("series_letter", "birth_certificate_series", "(الف|[بلدر1-9]|1[01])", None, _series_letter),
        _Field("series_number", "birth_certificate_series", "([0-9]{2})", None, _series_number),
        _Field("certificate_serial", "birth_certificate_serial", "([0-9]{6})", None, _serial),
        _Field("deceased", "deceased", "([01])", "1".__eq__, _flag),
    ),
    ExtractKind.OWNERS: (
        _Field("national_id", "national_id", "([0-9]{10})", persian.parse_national_id, persian.parse_national_id),
        _Field("mobile", "mobile", "0(9[0-9]{9})", "+98".__add__, persian.parse_mobile),
    ),
}
