"""Template filters: digits, Jalali dates and limits, as the language of the page writes them; the rules are in
`common.persian` and `common.sentences`."""

from __future__ import annotations

import datetime as dt

from django import template
from django.utils import timezone
from django.utils.translation import gettext, ngettext_lazy

from common import languages, limits, persian, sentences

register = template.Library()
_AGO = (
    (24 * 3600, ngettext_lazy("%(count)s day ago", "%(count)s days ago", "number")),
    (3600, ngettext_lazy("%(count)s hour ago", "%(count)s hours ago", "number")),
    (60, ngettext_lazy("%(count)s minute ago", "%(count)s minutes ago", "number")),
)


@register.filter
def persian_digits(value: object) -> str:
    """`value` with the digits of the page's language: Persian ones in Persian; nothing for None."""
    return "" if value is None else sentences.digits(value)


@register.filter
def place(stored: str) -> str:
    """A stored city in the language of the page."""
    return languages.place(stored)


@register.filter
def limit(name: str) -> int | dt.timedelta:
    """The limit of this name, for the filters below: `"CODE_LIFE"|limit|in_words`. Raises AttributeError if there is
    none."""
    value: int | dt.timedelta = getattr(limits, name)
    return value


register.filter("in_words", sentences.in_words)
register.filter("in_digits", sentences.in_digits)
register.filter("that_span", sentences.that_span)
register.filter("times", sentences.times)
register.filter("jalali", sentences.jalali)
register.filter("jalali_part", persian.format_jalali)
register.filter("when", sentences.when)
register.filter("clock", sentences.clock)
register.filter("wait", sentences.wait_in_words)


@register.filter
def time_of_day(moment: dt.datetime | None) -> str:
    """A time as ۱۰:۴۲, in Tehran; empty for None."""
    return sentences.digits(f"{timezone.localtime(moment):%H:%M}") if moment else ""


@register.filter
def ago(moment: dt.datetime) -> str:
    """How long ago in whole units, rounded down: just now, ۵ minutes, ۳ hours, ۱۲ days."""
    seconds = (timezone.now() - moment).total_seconds()
    for unit, words in _AGO:
        if seconds >= unit:
            number = int(seconds // unit)
            return str(words % {"number": number, "count": sentences.digits(number)})
    return gettext("just now")


@register.filter
def percent(share: float | None) -> str:
    """۹۷٫۵٪ for 0.975; a dash for None."""
    if share is None:
        return "—"
    return _decimal(share * 100) + ("٪" if languages.is_persian() else "%")


@register.filter
def seconds(span: float | None) -> str:
    """۳٫۵ for 3.5 seconds; a dash for None."""
    return "—" if span is None else _decimal(span)


def _decimal(number: float) -> str:
    """With one decimal place, after the language's sign."""
    text = sentences.digits(f"{number:.1f}")
    return text.replace(".", "٫") if languages.is_persian() else text


@register.filter
def local_mobile(e164: str) -> str:
    """+989121234567 in the local spelling: 09121234567."""
    return persian.local_mobile(e164) if e164 else ""
