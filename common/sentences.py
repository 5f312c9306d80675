"""Fills the sentences of pages, SMS and commands with numbers, time spans and moments, as the language writes them in
which the sentence is read: Persian, unless a page is shown in another one.

A sentence that contains a limit is filled from `common.limits` when it is read, never when its module is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, cast

from django.utils import dateformat, timezone
from django.utils.functional import lazy
from django.utils.translation import gettext, ngettext, ngettext_lazy

from common import languages, persian
from common.errors import PortalError
from common.persian import JALALI_MONTHS, format_jalali, jalali_parts

_UNITS = (
    (timedelta(days=365), ngettext_lazy("%(count)s year", "%(count)s years", "number")),
    (timedelta(weeks=1), ngettext_lazy("%(count)s week", "%(count)s weeks", "number")),
    (timedelta(days=1), ngettext_lazy("%(count)s day", "%(count)s days", "number")),
    (timedelta(hours=1), ngettext_lazy("%(count)s hour", "%(count)s hours", "number")),
    (timedelta(minutes=1), ngettext_lazy("%(count)s minute", "%(count)s minutes", "number")),
    (timedelta(seconds=1), ngettext_lazy("%(count)s second", "%(count)s seconds", "number")),
)


class Sentences:
    """The sentences of one app or page by code: of an error that a service raised, or of what a page has to say.

    Each is a text with named values (`filled`), or a function of the values if they decide the wording. Raises KeyError
    for a code that has no sentence.
    """

    def __init__(self, by_code: Mapping[str, Any]) -> None:
        self.by_code = by_code

    def __call__(self, error: PortalError | str, **values: object) -> str:
        """The sentence for an error, or for a code with its `values`."""
        code, values = (error.code, error.values) if isinstance(error, PortalError) else (error, values)
        text = self.by_code[code]
        return str(text(**values)) if callable(text) else filled(text, values)


def filled(text: Any, values: dict[str, object]) -> str:
    """`text` filled with `values`: whole numbers in its digits, and the moment `retry_at` as `when`."""
    values = dict(values)
    retry_at = values.pop("retry_at", None)
    if isinstance(retry_at, datetime):
        values["when"] = when(retry_at)
    if isinstance(values.get("wait"), int):
        values["wait"] = max(1, cast(int, values["wait"]))  # who reads it waits at least until they have read it
    shown = {name: digits(value) if isinstance(value, int) else value for name, value in values.items()}
    return str(text) % shown if shown else str(text)


def when_read(make: Callable[[], str]) -> Any:
    """A lazy string that calls `make` each time it is read: for tables and fields that are made at import."""
    return lazy(make, str)()


def digits(value: object) -> str:
    """`value` as text with the digits of the language: ۱۲ in Persian, 12 in English."""
    return languages.with_digits(value, gettext("0123456789"))


def number_in_words(number: int) -> str:
    """A whole number as the language spells it: «صد و بیست و هشت»; English, as is usual there, from "zero" to "ten".
    What has no word is written in digits."""
    if languages.is_persian():
        return persian.number_in_words(number)
    word = languages.name(languages.NUMBER, str(number))
    return digits(number) if word == str(number) else word


def date_in_full(value: date) -> str:
    """A date as ۱۳۷۰/۰۵/۱۷ in Persian; in other languages by name in both calendars: 17 Mordad 1370 (8 August 1991)."""
    if languages.is_persian():
        return format_jalali(value)
    year, month, day = jalali_parts(value)
    month_name = languages.name(languages.MONTH, JALALI_MONTHS[month - 1])
    return digits(f"{day} {month_name} {year} ({dateformat.format(value, 'j F Y')})")


def in_words(value: int | timedelta) -> str:
    """A number in words, «پنج»; a time span in the largest unit of which it is a whole number: «ده دقیقه», «یک
    هفته»."""
    return _span(value, number_in_words) if isinstance(value, timedelta) else number_in_words(value)


def in_digits(value: int | timedelta) -> str:
    """As `in_words`, with digits: «۵», «۱۰ دقیقه»."""
    return _span(value, digits) if isinstance(value, timedelta) else digits(value)


def that_span(span: timedelta) -> str:
    """A time span that the sentence has named before: «هفته» for one week, «پنج روز» for five days."""
    return _span(span, lambda count: "" if count == 1 else number_in_words(count)).strip()


def times(count: int) -> str:
    """A number of times, in words: «سه بار»."""
    return ngettext("%(count)s time", "%(count)s times", count) % {"count": number_in_words(count)}


def jalali(value: date | None, style: str = "date") -> str:
    """`date_in_full` of a date or a datetime (as it is in Tehran); `style` "time" adds hours and minutes.

    Nothing for None, so that an empty column shows empty.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = timezone.localtime(value) if timezone.is_aware(value) else value
        if style == "time":
            day, time = date_in_full(value.date()), digits(value.strftime("%H:%M"))
            return f"{day} {time}" if languages.is_persian() else f"{day}, {time}"
        value = value.date()
    return date_in_full(value)


def when(moment: datetime) -> str:
    """A moment as it is said to a person: «امروز ساعت ۱۰:۴۲», «فردا ساعت …», else with its date."""
    local = timezone.localtime(moment)
    values = {"date": date_in_full(local.date()), "time": digits(local.strftime("%H:%M"))}
    days = (local.date() - timezone.localdate()).days
    text = {0: gettext("today at %(time)s"), 1: gettext("tomorrow at %(time)s")}.get(days)
    return (text or gettext("on %(date)s at %(time)s")) % values


def clock(seconds: int) -> str:
    """A wait as a clock shows it: ۰:۴۵, ۱۲:۰۵, ۱:۰۲:۰۵. The script counts it down in the same form."""
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return digits(f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}")


def wait_in_words(seconds: int) -> str:
    """A wait in words, rounded up: ۴۵ seconds; from two minutes on ۳ minutes. Never «۰ seconds»."""
    if int(seconds) < 120:
        number = max(1, int(seconds))
        return ngettext("%(count)s second", "%(count)s seconds", number) % {"count": digits(number)}
    number = -(-int(seconds) // 60)
    return ngettext("%(count)s minute", "%(count)s minutes", number) % {"count": digits(number)}


def _span(span: timedelta, write: Callable[[int], str]) -> str:
    """Whole seconds of a time span; fractions are dropped."""
    unit, words = next((each for each in _UNITS if span >= each[0] and not span % each[0]), _UNITS[-1])
    count = span // unit
    return str(words % {"number": count, "count": write(count)})
