"""What was typed in the parts of step three, line by line, for the review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from common.forms import labels
from common.sentences import digits

_DATE = ("birth_day", "birth_month", "birth_year")
_SERIES = ("series_letter", "series_number")
_LATIN = ("email",)
_PERSIAN = ("last_name", "first_name", *_SERIES)  # as on the certificate, whatever the language of the page


@dataclass(frozen=True)
class Line:
    """`key`: the field's name. `value`: the answer as it is read. `change`: the address of the field. `ltr`: the value
    is written from left to right; `persian`: it is Persian on a page in another language too."""

    key: str
    value: str
    change: str
    ltr: bool = False
    persian: bool = False


def summary(parts: Mapping[str, forms.Form]) -> dict[str, list[Line]]:
    """The lines of each part, by its name. The forms are valid."""
    return {part: list(_lines(part, form)) for part, form in parts.items()}


def _lines(part: str, form: forms.Form) -> Iterator[Line]:
    values = {bound.name: _read(bound, form.cleaned_data) for bound in form if _is_read(bound)}
    for name, answer in values.items():
        if name == _DATE[0]:
            yield Line(_("Birth date"), _date(values), _change(part, name))
        elif name == _SERIES[0]:
            yield Line(_("Birth certificate series"), _together(values, _SERIES), _change(part, name), persian=True)
        elif name not in (*_DATE, *_SERIES):
            label, value = str(form.fields[name].label), answer or _not_there()
            yield Line(label, value, _change(part, name), ltr=name in _LATIN, persian=name in _PERSIAN)


def _is_read(bound: forms.BoundField) -> bool:
    """A tick says that another field is empty: that one's line says it."""
    return not (bound.is_hidden or isinstance(bound.field, forms.BooleanField))


def _date(values: Mapping[str, str]) -> str:
    """As it is said; what the certificate leaves out is named."""
    day, month, _year = (values[name] for name in _DATE)
    missing = "" if day else _("its day is not in the certificate") if month else _("its day and month are not there")
    known = _together(values, _DATE)
    return f"{known} ({missing})" if missing else known


def _together(values: Mapping[str, str], names: Iterable[str]) -> str:
    """What there is of these fields."""
    return " ".join(values[name] for name in names if values[name]) or _not_there()


def _not_there() -> str:
    return _("not in the certificate")


def _read(bound: forms.BoundField, data: Mapping[str, Any]) -> str:
    """The clean answer in the words of the page: a choice by its label, a number in Persian digits."""
    value = data[bound.name]
    if not value:
        return ""
    if isinstance(bound.field, forms.ChoiceField):
        return labels(bound.field)[str(value)]
    return str(value) if bound.name in _LATIN else digits(value)


def _change(part: str, name: str) -> str:
    return f"?part={part}#id_{part}-{name}"
