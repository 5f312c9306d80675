"""The base of the portal's forms: fields are made once, with their class, and shared by all forms of the class.

Django copies every field, widget and choice for each form, so that a form may change its own: thousands of copies a
registration, of which none was ever changed. Here a form begins with the very fields of its class, and these refuse
every change: what one request does to a form cannot reach another. A form that changes a field asks for a copy of its
own, `Form.own`. See docs/decisions/0062-forms-and-pages-made-once.md.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, cast

from django import forms
from django.forms.forms import DeclarativeFieldsMetaclass

from common.once import OncePerLanguage


class Shared:
    """A field, or its widget, that all forms of a class have in common: it cannot be changed, and a copy of it can."""

    def __setattr__(self, name: str, value: object) -> None:
        raise TypeError(f"every form shares this {type(self).__name__}: change a copy of it (common.forms.Form.own)")

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __deepcopy__(self, memo: Any) -> Any:
        made = copy.copy(self)
        object.__setattr__(made, "__class__", type(self).__mro__[1])  # what it was before `_shared_kind`
        for name, value in vars(made).items():
            vars(made)[name] = _changeable(value)
        return made


def _changeable(value: Any) -> Any:
    """A copy of what `shared` made unchangeable."""
    if isinstance(value, _Validators):
        return list(value)
    if isinstance(value, MappingProxyType):
        return dict(value)
    return copy.deepcopy(value) if isinstance(value, Shared) else value


class _Validators(tuple[Any, ...]):
    """Those of a shared field."""


@cache
def _shared_kind(kind: Any) -> type:
    """A class whose instances are also those of `kind`; Python takes no other for an instance's new class than one that
    has `kind` as its first base. So what `Shared` does comes before the bases."""
    does = {name: vars(Shared)[name] for name in ("__setattr__", "__delattr__", "__deepcopy__")}
    return type(kind.__name__, (kind, Shared), {**does, "__module__": kind.__module__})


def shared(field: forms.Field) -> forms.Field:
    """The same field, which from now on refuses to be changed; with its widget, messages, validators and choices."""
    if isinstance(field, Shared):
        return field
    own, of_widget = field.__dict__, field.widget.__dict__
    own["validators"] = _Validators(field.validators)
    choices = getattr(field, "choices", None)
    if isinstance(choices, list):
        own["_choices"] = _fixed(choices)
        of_widget["choices" if "choices" in of_widget else "_choices"] = own["_choices"]
    for attributes in (own, of_widget):
        attributes |= {name: MappingProxyType(value) for name, value in attributes.items() if isinstance(value, dict)}
    parts: tuple[Any, ...] = (field.widget, field)
    for part in parts:
        kind: Any = type(part)
        object.__setattr__(part, "__class__", _shared_kind(kind))
    return field


def _fixed(choices: Iterable[tuple[Any, Any]]) -> tuple[tuple[Any, Any], ...]:
    return tuple((value, _fixed(label) if isinstance(label, list | tuple) else label) for value, label in choices)


class _SharedFields(dict[str, forms.Field]):
    """`base_fields` of a form: Django's constructor copies them, and gets the fields themselves."""

    def __deepcopy__(self, memo: Any) -> dict[str, forms.Field]:
        return dict(self)


class _FieldsMadeOnce(DeclarativeFieldsMetaclass):
    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> Any:
        made: Any = super().__new__(cls, name, bases, attrs)
        made.base_fields = _SharedFields((name, shared(field)) for name, field in made.base_fields.items())
        return made


class Form(forms.Form, metaclass=_FieldsMadeOnce):
    """Django's form with the fields of its class. `fields[name]` may be replaced and added to, as with any form."""

    def own(self, name: str) -> Any:
        """The field `name` as this form's own, to be changed."""
        field = self.fields[name]
        if isinstance(field, Shared):
            field = self.fields[name] = copy.deepcopy(field)
            self._bound_fields_cache.pop(name, None)  # type: ignore[attr-defined]
        return field


def labels(field: forms.ChoiceField) -> Mapping[str, str]:
    """What the page calls each value of a select; those of its groups too."""
    return _labels.get(field, lambda: _read_labels(field)) if isinstance(field, Shared) else _read_labels(field)


def _read_labels(field: forms.ChoiceField) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for value, label in cast(Iterable[tuple[Any, Any]], field.choices):
        inner = label if isinstance(label, list | tuple) else [(value, label)]
        found |= {str(each): str(shown) for each, shown in inner}
    return MappingProxyType(found)


_labels: OncePerLanguage[Mapping[str, str]] = OncePerLanguage()
