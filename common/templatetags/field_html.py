"""What of a form field's HTML is alike on every page in a language: its label, its attributes, its options.

Of a field that all forms of its class share it is written once: all cities and countries took half of a page's time.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django.forms import Field
from django.utils.functional import Promise

from common.forms import Shared
from common.once import OncePerLanguage


@dataclass(frozen=True, slots=True)
class Parts:
    """What of a field's HTML is alike on every page in a language. `places`: where in `options` that of each value is
    marked as the chosen one."""

    label: str
    attributes: str
    options: str
    places: Mapping[str, int]


def parts_of(field: Field) -> Parts:
    """In the language of the page."""
    return _known.get(field, lambda: _write(field)) if isinstance(field, Shared) else _write(field)


_known: OncePerLanguage[Parts] = OncePerLanguage()


def _write(field: Field) -> Parts:
    written: list[str] = []
    places: dict[str, int] = {}
    length = 0
    for text, value in _options(getattr(field.widget, "choices", ())):
        written.append(text)
        length += len(text)
        if value is not None:
            places.setdefault(value, length)
    own = {name: value for name, value in field.widget.attrs.items() if name != "class"}
    return Parts(
        label=escaped("" if field.label is None else field.label),
        attributes=attributes(own),
        options="".join(written),
        places=MappingProxyType(places),
    )


def _options(choices: Iterable[tuple[Any, Any]]) -> Iterator[tuple[str, str | None]]:
    """`<option>`s, and an `<optgroup>` for every choice whose label is itself a list of choices: pieces of text, each
    with the value that is chosen by a mark behind it."""
    for value, label in choices:
        if isinstance(label, list | tuple):
            yield f'<optgroup label="{escaped(_text(value))}">', None
            yield from _options(label)
            yield "</optgroup>", None
        else:
            yield f'<option value="{escaped(_text(value))}"', _text(value)
            yield f">{escaped(_text(label))}</option>", None


def with_chosen(parts: Parts, chosen: object) -> str:
    """The options, of which that with the value `chosen`, if there is one, is the chosen one."""
    place = parts.places.get(_text(chosen))
    return parts.options if place is None else f"{parts.options[:place]} selected{parts.options[place:]}"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def attributes(values: Mapping[str, Any]) -> str:
    """Each with a blank before it: a name alone for True, nothing for False and None."""
    return "".join(
        f" {name}" if value is True else f' {name}="{escaped(value)}"'
        for name, value in values.items()
        if value is not None and value is not False
    )


def escaped(value: object) -> str:
    """As Django's `conditional_escape`, which makes the function anew for each value that may be lazy."""
    if isinstance(value, Promise):
        value = str(value)
    return str(value.__html__()) if hasattr(value, "__html__") else html.escape(str(value))
