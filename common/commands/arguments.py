"""Parses arguments of commands, as argparse's `type`: digits in any script, and a sentence for what is refused."""

from __future__ import annotations

import datetime as dt
import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable

from django.utils.translation import gettext as _

from common.persian import InputError, fold, parse_jalali, to_persian_digits

LONGEST_NAME = 60  # characters of the name in --by, which is recorded


def count(text: str) -> int:
    """A whole number from 0 on. Raises ArgumentTypeError."""
    number = re.sub("[\u200c\u200d]", "", fold(text))  # a sign or a point stays, and is refused
    if not re.fullmatch("[0-9]{1,12}", number):
        raise ArgumentTypeError("write a whole number from 0 on")
    return int(number)


def day(text: str) -> dt.date:
    """A Jalali day (1405/09/02), or a Gregorian one (2026-11-23). Raises ArgumentTypeError."""
    try:
        return parse_jalali(text)
    except InputError as error:
        if error.code == "gregorian":
            try:
                return dt.date.fromisoformat(re.sub("[/.]", "-", fold(text)))
            except ValueError:
                pass
    raise ArgumentTypeError(f"'{text}' is no day: write it like 1405/09/02 or 2026-11-23")


def add_by_and_reason(
    parser: ArgumentParser,
    *,
    longest_reason: int,
    by: str = "your name, for the record",
    reason: str = "why, for the record",
) -> None:
    """Add the required options --by and --reason, of whoever acts; `by` and `reason` are their helps."""
    parser.add_argument("--by", required=True, metavar="NAME", type=text_of(LONGEST_NAME), help=by)
    parser.add_argument("--reason", required=True, metavar="TEXT", type=text_of(longest_reason), help=reason)


def text_of(longest: int) -> Callable[[str], str]:
    """A type for words of one to `longest` characters, without the blanks around them."""

    def text(typed: str) -> str:
        typed = typed.strip()
        if not typed or len(typed) > longest:
            raise ArgumentTypeError(
                _("give between one and %(longest)s characters") % {"longest": to_persian_digits(longest)}
            )
        return typed

    return text
