"""The languages of the pages: which there are, and what is written in the portal's own whatever the page's is.

A language is its catalogue, `locale/<code>/LC_MESSAGES/django.po`: sentences, digits, names of months, places and
operators. No table here, and no page, has to know of a new one (docs/adding.md).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import pgettext, pgettext_lazy, to_language

from common import persian

P = ParamSpec("P")
R = TypeVar("R")

DIGITS = "0123456789"
PARAMETER = "language"  # of an address: ?language=en chooses English (common/middleware.py)
# Of a box in which Persian is typed, and of Persian text that a page in another language shows.
PERSIAN_TEXT = {"lang": "fa", "dir": "rtl"}
# Of which proper names and numbers the catalogues are asked by name: the names are data, in Persian.
CITY, PROVINCE, COUNTRY, OPERATOR, MONTH, LETTER, NUMBER = (
    "city", "province", "country", "operator", "month", "letter of a series", "number in words",
)  # fmt: skip


def found(folder: Path, first: str) -> list[tuple[str, str]]:
    """The languages that have a compiled catalogue in `folder`, as `settings.LANGUAGES` wants them: `first`, then by
    code; each with its name in itself."""
    codes = {to_language(path.parts[-3]) for path in folder.glob("*/LC_MESSAGES/django.mo")} | {first}
    ordered = sorted(codes, key=lambda code: (code != first, code))
    return [(code, str(LANG_INFO.get(code, {}).get("name_local", code))) for code in ordered]


def right_to_left(languages: list[tuple[str, str]]) -> list[str]:
    """Those that are written from right to left, as `settings.LANGUAGES_BIDI` wants them."""
    return [code for code, _name in languages if LANG_INFO.get(code, {}).get("bidi")]


def is_persian() -> bool:
    """Whether what is written now is written in Persian, the language of the data."""
    return (translation.get_language() or "fa").partition("-")[0] == "fa"


def name(kind: str, said: str) -> str:
    """A proper name of the data in the language of the page; as it is where the catalogue lacks it.

    `kind`: `CITY`, `MONTH`, …
    """
    return pgettext(kind, said)


def name_when_read(kind: str, said: str) -> Promise:
    """As `name`, for tables and fields that are made at import."""
    return pgettext_lazy(kind, said)


def place(stored: str) -> str:
    """A city as it is stored («province، city», or a city alone) in the language of the page."""
    if is_persian():
        return stored
    province, comma, city = persian.fold(stored).partition("، ")
    return f"{name(PROVINCE, province)}, {name(CITY, city)}" if comma else name(CITY, province)


def with_digits(value: object, digits: str) -> str:
    """`value` as text with these ten digits in place of the ASCII ones."""
    return str(value) if digits == DIGITS else str(value).translate(_table(digits))


@lru_cache(maxsize=16)
def _table(digits: str) -> dict[int, str]:
    return {ord(ascii_digit): digit for ascii_digit, digit in zip(DIGITS, digits, strict=True)}


def in_the_portals_language(write: Callable[P, R]) -> Callable[P, R]:
    """Decorates what writes an SMS or a letter: they are in the portal's language, also if a page in another one causes
    them. A phone shows them to whoever holds it, and a message has no link that changes its language."""

    @wraps(write)
    def written(*args: P.args, **kwargs: P.kwargs) -> R:
        if translation.get_language() == settings.LANGUAGE_CODE:  # as in a worker, which writes most of them
            return write(*args, **kwargs)
        with translation.override(settings.LANGUAGE_CODE):
            return write(*args, **kwargs)

    return written
