"""What was typed, shown once more by the forms of a fresh page: for a POST that was refused before its view saw it.

While `shown` is open, every unbound form shows the posted values of its visible fields as if they were its initial
ones. No view and no form has to do anything for it: `Renderer` (settings `FORM_RENDERER`) gives all of them this
`BoundField`. Secrets are known by the type of their field and never shown; hidden fields keep what the fresh page says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.forms import BaseForm, BoundField, Field
from django.forms.renderers import DjangoTemplates
from django.forms.widgets import PasswordInput
from django.http import QueryDict
from django.utils.functional import cached_property

from common import limits
from common.form_fields import CodeField


@dataclass(frozen=True)
class Word:
    """Something that was typed or chosen: its field's name in the POST and its label, as a person reads it."""

    name: str
    label: str
    text: str


class Typed:
    """The words of one POST, and which of them the fresh page has shown."""

    def __init__(self, posted: QueryDict) -> None:
        self.posted = posted
        self.places = True  # whether the words may stand in the forms of the fresh page
        self.all_kept = False  # whether they are safe elsewhere, so that none has to be on it
        self._placed: set[str] = set()

    def gives(self, bound: BoundField) -> bool:
        """Whether the posted value of this field is to be shown. An unticked box is not in a POST: its form is."""
        if not self.places or bound.is_hidden or is_secret(bound.field):
            return False
        form = bound.form
        return any(form.add_prefix(name) in self.posted for name in form.fields)

    def value(self, bound: BoundField) -> Any:
        self._placed.add(bound.html_name)
        return bound.field.widget.value_from_datadict(self.posted, {}, bound.html_name)

    def words(self) -> list[Word]:
        """Everything that was typed, except secrets, hidden values and what no form of ours asks for."""
        fields = _visible_fields({name.rpartition("-")[2] for name in self.posted})
        found = []
        for name in self.posted:
            field = fields.get(name.rpartition("-")[2])
            texts = [text for text in self.posted.getlist(name) if text.strip()]
            if field is not None and texts:
                shown = "، ".join(_as_read(field, text) for text in texts)
                found.append(Word(name=name, label=str(field.label or ""), text=shown[: limits.DESK_NOTE_LONGEST]))
        return found

    def to_send_again(self) -> list[tuple[str, str]] | None:
        """The pairs of the POST, for a page that sends them once more as they were. None if a secret is among them:
        it is kept nowhere, and without it the form could only be refused. None also if something is among them that
        no form of ours has: a button with a name, say, without which it would mean another thing."""
        known, secret = _names_of_fields()
        pairs = []
        for name in self.posted:
            plain = name.rpartition("-")[2]
            if plain in secret and any(self.posted.getlist(name)):
                return None
            if plain not in known and plain not in _OF_PAGES:
                return None
            pairs += [(name, text) for text in self.posted.getlist(name)]
        return pairs

    def left(self) -> list[Word]:
        """The words that the fresh page has not shown."""
        return [] if self.all_kept else [word for word in self.words() if word.name not in self._placed]


_OF_PAGES = ("csrfmiddlewaretoken", "page_of", "current_step", "told")  # hidden, and of no form's class
_OF_OTHERS = {"otp_token"}  # secrets in forms of django-otp, which know them by no type of field

_typed: ContextVar[Typed | None] = ContextVar("typed", default=None)


@contextmanager
def shown(typed: Typed) -> Iterator[None]:
    """Let the forms that are made and rendered meanwhile show what was typed."""
    token = _typed.set(typed)
    try:
        yield
    finally:
        _typed.reset(token)


def is_secret(field: Field) -> bool:
    """Whether what is typed in `field` is a secret: a password, an answer, a code."""
    return isinstance(field, CodeField) or isinstance(field.widget, PasswordInput)


class GivenBackField(BoundField):
    """Django's, but while something is given back its initial value is what was typed."""

    @cached_property
    def initial(self) -> Any:
        typed = _typed.get()
        if typed is not None and typed.gives(self):
            return typed.value(self)
        return self.form.get_initial_for_field(self.field, self.name)


class Renderer(DjangoTemplates):
    """The renderer of all forms."""

    bound_field_class = GivenBackField


def _visible_fields(posted: set[str]) -> dict[str, Field]:
    """The fields of all forms by name, without hidden ones and without each name that is a secret's anywhere. Of
    several with one name, that of the form which has most of the `posted` names."""
    forms = [getattr(form, "base_fields", {}) for form in _forms(BaseForm)]
    fields = [pair for form in sorted(forms, key=lambda form: len(posted & form.keys())) for pair in form.items()]
    secret = {name for name, field in fields if is_secret(field)} | _OF_OTHERS
    return {name: field for name, field in fields if name not in secret and not field.widget.is_hidden}


def _names_of_fields() -> tuple[set[str], set[str]]:
    """The names of all fields of our forms, and those that are a secret's anywhere."""
    pairs = [pair for form in _forms(BaseForm) for pair in getattr(form, "base_fields", {}).items()]
    return {name for name, _field in pairs}, {name for name, field in pairs if is_secret(field)} | _OF_OTHERS


def _forms(form: type[BaseForm]) -> Iterator[type[BaseForm]]:
    for each in form.__subclasses__():
        yield each
        yield from _forms(each)


def _as_read(field: Field, text: str) -> str:
    for value, label in getattr(field, "choices", ()):
        for key, name in label if isinstance(label, list | tuple) else ((value, label),):
            if str(key) == text:
                return str(name)
    return text
