"""How the sentences of pages and commands are chosen and filled, with numbers and moments as Persian writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.functional import lazy

from tamin_portal.errors import PortalError
from tamin_portal.persian import format_jalali, to_persian_digits


class Sentences:
    """The sentences of a room by code: of the error that a service refused with, or of what a page has to tell.

    Each is a text with named values (`filled`), or a function of the values where they decide what is said. Raises
    KeyError for a code that has no sentence.
    """

    def __init__(self, by_code: Mapping[str, Any]) -> None:
        self.by_code = by_code

    def __call__(self, error: PortalError | str, **values: object) -> str:
        """The sentence for an error, or for a code with its `values`."""
        code, values = (error.code, error.values) if isinstance(error, PortalError) else (error, values)
        text = self.by_code[code]
        return str(text(**values)) if callable(text) else filled(text, values)


def filled(text: Any, values: dict[str, object]) -> str:
    """`text` with `values` in it: whole numbers in Persian digits, and the moment `retry_at` as `date` and `time`."""
    values = dict(values)
    retry_at = values.pop("retry_at", None)
    if isinstance(retry_at, datetime):
        local = timezone.localtime(retry_at)
        values |= {"date": format_jalali(local.date()), "time": to_persian_digits(local.strftime("%H:%M"))}
    shown = {name: to_persian_digits(value) if isinstance(value, int) else value for name, value in values.items()}
    return str(text) % shown if shown else str(text)


def when_read(make: Callable[[], str]) -> Any:
    """A lazy string that `make` writes each time it is read: for tables and fields that are made at import."""
    return lazy(make, str)()
