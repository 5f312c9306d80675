"""Parses the cells of an extract. Pure: text in, the model's value out, or InputError with the reason.

What a spreadsheet or a program has done to a number is named for what it is, never undone by a guess: a nought that is
put back makes a wrong national ID right once in eleven times, and then it is somebody else's.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from django.utils import timezone

from common import persian
from identity.person import NOT_THERE, BirthUnknown

LONGEST_NAME = 100  # the models' max_length
_SERIES = re.compile(r"(.+?)([0-9]{2})")
_BETWEEN = re.compile(r"[\s/\\._-]+")
# 1310/05/00, or 1310/00/00: the civil registry does not know the day, or neither day nor month.
_PART_OF_A_DATE = re.compile(r"([0-9]{4})([/.\-])(?:(0?[1-9]|1[0-2])|00?)\2(?:00?)")
# What a program wrote where it could not write a letter, and Latin signs of UTF-8 that was read as another encoding.
_DAMAGED = re.compile("[?\u00a1-\u00ff\u0152\u0153\u0192\u02c6\u2018-\u2026\u2030\u2039\u203a\u20ac\u2122\ufffd]")
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:[.٫][0-9]*|,[0-9]{0,2})")  # 1,254: a thousand and more
_NO_PART_OF_A_NUMBER = re.compile(r"-.*|.*[/\\+].*", re.DOTALL)
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,٫][0-9]*)?[eE][+-]?[0-9]+")
_TEXT_OF_EXCEL = re.compile('="(.*)"|\'([0-9]+)')
# Cells that occur again and again are parsed once; refused ones are not remembered.
Number = TypeVar("Number", str, bool)
_remembered = lru_cache(maxsize=65_536)


def decode(raw: bytes | None) -> str:
    """The text of a line. Raises InputError: line_too_long, windows_1256, not_utf8."""
    if raw is None:
        raise persian.InputError("line_too_long")
    try:
        return raw.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        raise persian.InputError("windows_1256" if _is_windows_1256(raw) else "not_utf8") from None


def split(text: str, separator: str) -> list[str]:
    """The cells of a line, without outer blanks and Excel's marks of a text. Raises InputError: not_csv, line_end."""
    try:
        rows = csv.reader([text], strict=True, delimiter=separator, skipinitialspace=True)
        cells = [cell.strip() for cell in next(rows, [])]
    except csv.Error:
        raise persian.InputError("line_end" if "\r" in text else "not_csv") from None
    return [found[1] or found[2] or "" if (found := _TEXT_OF_EXCEL.fullmatch(cell)) else cell for cell in cells]


def _is_windows_1256(raw: bytes) -> bool:
    """Whether `raw` reads as a line of Persian in Windows-1256; certain enough to name it, not to load it: other code
    pages have other letters at these bytes."""
    text = raw.decode("cp1256", errors="replace")
    signs = [sign for sign in text.rstrip("\r") if not sign.isascii() or not sign.isprintable()]
    return all(unicodedata.name(sign, "").startswith(("ARABIC ", "ZERO WIDTH ")) or sign in "\t\xa0" for sign in signs)


def _number(parse: Callable[[str], Number]) -> Callable[[str], Number]:
    """`parse`, for cells of digits that a program may have taken for numbers. Raises InputError besides: decimal
    (`1254.0`, whose point would be dropped as a separator), scientific (`1.2E+09`: its last digits are lost)."""

    def parse_number(text: str) -> Number:
        folded = persian.fold(text)
        if _SCIENTIFIC.fullmatch(folded):
            raise persian.InputError("scientific")
        if _DECIMAL.fullmatch(folded):
            raise persian.InputError("decimal")
        return parse(text)

    return parse_number


@_number
def national_id(text: str) -> str:
    """The ten digits. Raises InputError as `persian.parse_national_id`, and lost_zeros: with noughts before it, it
    would be one."""
    try:
        return persian.parse_national_id(text)
    except persian.InputError as error:
        if error.code == "length" and _is_national_id(persian.fold_number(text).zfill(10)):
            raise persian.InputError("lost_zeros") from None
        raise


def _is_national_id(number: str) -> bool:
    try:
        return bool(persian.parse_national_id(number))
    except persian.InputError:
        return False


mobile = _number(persian.parse_mobile)


@_remembered
def name(text: str) -> str:
    found = " ".join(persian.fold(text).split())
    if not found:
        raise persian.InputError("required")
    if _DAMAGED.search(found):
        raise persian.InputError("damaged")
    # NUL would break PostgreSQL; other control characters are a damaged file. ZWNJ (Cf) belongs. What has no Arabic
    # letter was written by a program: NULL, #N/A, 0.
    if any(unicodedata.category(c) == "Cc" for c in found) or not _has_arabic_letter(found):
        raise persian.InputError("name")
    if len(found) > LONGEST_NAME:
        raise persian.InputError("name_too_long")
    return found


def _has_arabic_letter(text: str) -> bool:
    key = persian.name_key(text)
    return any(unicodedata.category(c)[0] == "L" and unicodedata.name(c, "").startswith("ARABIC ") for c in key)


@_remembered
def birth_date(text: str) -> dt.date:
    """A date; of one whose day, or day and month, is 00, the first day of what it says."""
    found = _PART_OF_A_DATE.fullmatch(persian.fold(text))
    year, month = (int(found[1]), int(found[3] or "1")) if found else (0, 0)
    date = persian.jalali_to_date(year, month, 1) if found else persian.parse_jalali(text)
    if date > timezone.localdate():
        raise persian.InputError("future")
    return date


@_remembered
def birth_unknown(text: str) -> str:
    found = _PART_OF_A_DATE.fullmatch(persian.fold(text))
    if not found:
        return BirthUnknown.NOTHING.value
    return (BirthUnknown.DAY if found[3] else BirthUnknown.MONTH).value


@_remembered
def gender(text: str) -> str:
    if text.lower() not in ("female", "male"):
        raise persian.InputError("gender")
    return text.lower()


def _whole(text: str, fault: str) -> str:
    """The number in `text`, without separators. Raises InputError(fault) where one of them says something: 12/3, -5."""
    if _NO_PART_OF_A_NUMBER.fullmatch(persian.fold(text).strip()):
        raise persian.InputError(fault)
    return persian.fold_number(text)


@_number
def certificate_number(text: str) -> str:
    return persian.parse_certificate_number(text) if _whole(text, "certificate") else ""


@_remembered
@_number
def series_letter(text: str) -> str:
    return persian.parse_series_letter(_series(text)[1]) if persian.fold_number(text) else NOT_THERE


@_remembered
@_number
def series_number(text: str) -> str:
    return _series(text)[2] if persian.fold_number(text) else NOT_THERE


@_number
def serial(text: str) -> str:
    return persian.parse_serial(text) if _whole(text, "serial") else NOT_THERE


def _series(text: str) -> re.Match[str]:
    """Where a sign stands between letter and number, it says where the one ends: 11/5 is not letter 1 and number 15."""
    parts = [persian.fold_number(part) for part in _BETWEEN.split(persian.fold(text)) if persian.fold_number(part)]
    match = _SERIES.fullmatch("".join(parts))
    if not match or (len(parts) > 1 and parts[-1] != match[2]):
        raise persian.InputError("series")
    return match


@_number
def flag(text: str) -> bool:
    if persian.fold_number(text) not in ("0", "1"):
        raise persian.InputError("flag")
    return persian.fold_number(text) == "1"
