"""Parses the lines of an extract file into checked rows. Pure.

A line is one record (no line breaks inside quotes), so a stray quote spoils only its own line, and a bad line has a
number by which an editor finds it. What separates the cells is what separates the names of the columns in the header.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from common import persian
from common.errors import PortalError
from identity import extract_cells as cells
from identity.extract_cells import LONGEST_NAME
from identity.models import ExtractKind

SEPARATORS = ",;\t|"  # a comma if none fits


@dataclass(frozen=True, slots=True)
class BadLine:
    """Why a line cannot be loaded. Never contains the line's text. `column` may be empty."""

    number: int
    column: str
    reason: str  # a code; identity.texts has the sentence


class Row(NamedTuple):
    number: int
    values: tuple[Any, ...]  # in the order of `fields(kind)`


Parser = Callable[[int, bytes | None], Row | BadLine | None]


def fields(kind: ExtractKind) -> tuple[str, ...]:
    """The model's fields that a `Row` of this kind has values for."""
    return tuple(field.name for field in _FIELDS[kind])


def columns(kind: ExtractKind) -> tuple[str, ...]:
    """The columns that the first line of a file of this kind must name; one column may contain several fields."""
    return tuple(dict.fromkeys(field.column for field in _FIELDS[kind]))


def names_separator(raw: bytes | None) -> bool:
    """Whether a line only tells Excel what separates the cells (`sep=;`). The header is the line below it, and tells
    it too."""
    return raw is not None and re.fullmatch(rb'"?sep=."?', raw.strip(b" \r")) is not None


def parser(kind: ExtractKind, header: bytes | None) -> Parser:
    """A function that turns a line under this header into a checked row, or the reason against it; None for a blank
    line.

    Raises PortalError extract_header (missing, unknown, repeated: names of columns).
    """
    plan = _FIELDS[kind]
    names, separator = _header(header, columns(kind))
    places = [names.index(field.column) for field in plan]
    plain = _plain_line(plan, names, separator)

    def parse_line(number: int, raw: bytes | None) -> Row | BadLine | None:
        if raw is not None and (not raw or raw.isspace()):
            return None
        column = ""
        try:
            text = cells.decode(raw)
            if values := plain(text):
                return Row(number, values)
            texts = cells.split(text, separator)
            if len(texts) != len(names):
                return BadLine(number, "", "one_cell" if len(texts) == 1 and separator in texts[0] else "cell_count")
            found = []
            for (_name, column, _plain, _take, parse), place in zip(plan, places, strict=True):  # noqa: B007 - named below
                found.append(parse(texts[place]))
        except persian.InputError as error:
            return BadLine(number, column, error.code)
        return Row(number, tuple(found))

    return parse_line


def _plain_line(plan: tuple[_Field, ...], names: list[str], separator: str) -> Callable[[str], tuple[Any, ...] | None]:
    """A fast parser for lines whose cells are all spelt as they are stored; None for every other line.

    Most lines of a file that a program wrote are like that; the rules cell by cell take twice as long.
    """
    in_file = sorted(plan, key=lambda field: names.index(field.column))
    patterns = ["".join(field.plain for field in plan if field.column == name) for name in names]
    fullmatch = re.compile(re.escape(separator).join(patterns)).fullmatch
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


def _header(raw: bytes | None, columns: tuple[str, ...]) -> tuple[list[str], str]:
    """The names of the columns in the file's order, and what separates them."""
    try:
        text = cells.decode(raw)
    except persian.InputError:
        text = ""
    named = [(_names(text, separator), separator) for separator in SEPARATORS]
    names, separator = max(named, key=lambda pair: len({*pair[0]} & {*columns}))
    missing = [name for name in columns if name not in names]
    unknown = [name for name in names if name not in columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if missing or unknown or repeated:
        raise PortalError("extract_header", missing=missing, unknown=unknown, repeated=repeated, columns=columns)
    return names, separator


def _names(text: str, separator: str) -> list[str]:
    try:
        return [persian.fold(name).lower() for name in cells.split(text, separator)]
    except persian.InputError:
        return []


class _Field(NamedTuple):
    """How one field of the model is parsed."""

    name: str
    column: str
    plain: str  # a pattern of cells that `parse` would keep as its group; those of one column are joined
    take: Callable[[str], Any] | None  # parses the group; may refuse it
    parse: Callable[[str], Any]


_LETTERS = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیئ"
_PLAIN_NAME = f"(?=[^{SEPARATORS}]{{1,{LONGEST_NAME}}}(?:[{SEPARATORS}]|$))([{_LETTERS}]+(?:[ \u200c][{_LETTERS}]+)*)"
_PLAIN_DATE = "([0-9]{4}/(?:0[1-9]|1[0-2])/(?:0[1-9]|[12][0-9]|3[01]))"
# In the order in which a line is checked.
_FIELDS: Mapping[ExtractKind, tuple[_Field, ...]] = {
    ExtractKind.CIVIL: (
        _Field("national_id", "national_id", "([0-9]{10})", persian.parse_national_id, cells.national_id),
        _Field("first_name", "first_name", _PLAIN_NAME, None, cells.name),
        _Field("last_name", "last_name", _PLAIN_NAME, None, cells.name),
        _Field("birth_date", "birth_date", _PLAIN_DATE, cells.birth_date, cells.birth_date),
        _Field("birth_unknown", "birth_date", "()", None, cells.birth_unknown),
        _Field("gender", "gender", "(female|male)", None, cells.gender),
        _Field("certificate_number", "birth_certificate_number", "([1-9][0-9]{0,9}|0)", None, cells.certificate_number),
        _Field("series_letter", "birth_certificate_series", "(الف|[بلدر1-9]|1[01])", None, cells.series_letter),
        _Field("series_number", "birth_certificate_series", "([0-9]{2})", None, cells.series_number),
        _Field("certificate_serial", "birth_certificate_serial", "([0-9]{6})", None, cells.serial),
        _Field("deceased", "deceased", "([01])", "1".__eq__, cells.flag),
    ),
    ExtractKind.OWNERS: (
        _Field("national_id", "national_id", "([0-9]{10})", persian.parse_national_id, cells.national_id),
        _Field("mobile", "mobile", "0(9[0-9]{9})", "+98".__add__, cells.mobile),
    ),
}
