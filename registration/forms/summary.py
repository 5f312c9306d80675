"""What was typed in the parts of step three, line by line, for the review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _

from common import persian

_DATE = ("birth_day", "birth_month", "birth_year")
_SERIES = ("series_letter", "series_number")
_LATIN = ("email",)


@dataclass(frozen=True)
class Line:
    """`key`: the field's name. `value`: the answer as it is read. `change`: the address of the field. `ltr`: the value
    is written from left to right."""

    key: str
    value: str
    change: str
    ltr: bool = False


def summary(parts: Mapping[str, forms.Form]) -> dict[str, list[Line]]:
    """The lines of each part, by its name. The forms are valid."""
    return {part: list(_lines(part, form)) for part, form in parts.items()}


def _lines(part: str, form: forms.Form) -> Iterator[Line]:
    values = {bound.name: _read(bound, form.cleaned_data) for bound in form if not bound.is_hidden}
    for name, value in values.items():
        if name == _DATE[0]:
            day, month, year = (values[each] for each in _DATE)
            yield Line(_("Birth date"), f"{day} {month} {year}", _change(part, name))
        elif name == _SERIES[0]:
            letter, number = (values[each] for each in _SERIES)
            yield Line(_("Birth certificate series"), f"{letter} {number}", _change(part, name))
        elif name not in (*_DATE, *_SERIES):
            yield Line(str(form.fields[name].label), value, _change(part, name), ltr=name in _LATIN)


def _read(bound: forms.BoundField, data: Mapping[str, Any]) -> str:
    """The clean answer in the words of the page: a choice by its label, a number in Persian digits."""
    value = data[bound.name]
    if isinstance(bound.field, forms.ChoiceField):
        return str(_labels(bound.field)[str(value)])
    return str(value) if bound.name in _LATIN else persian.to_persian_digits(value)


def _labels(field: forms.ChoiceField) -> dict[str, Any]:
    """Value → label, of groups too."""
    found: dict[str, Any] = {}
    for value, label in cast(Iterable[tuple[Any, Any]], field.choices):
        inner = label if isinstance(label, list | tuple) else [(value, label)]
        found |= {str(each): shown for each, shown in inner}
    return found


def _change(part: str, name: str) -> str:
    return f"?part={part}#id_{part}-{name}"
