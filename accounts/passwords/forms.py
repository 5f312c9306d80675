"""The form fields of passwords, for every page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.passwords import odd_texts
from common.form_fields import in_json
from common.odd_typing import UNSEEN, oddities

KEYBOARD = _("Look whether the keyboard is in English and Caps Lock is off; capital and small letters are different.")


class PasswordField(forms.CharField):
    """A new password as it was typed: nothing stripped, nothing folded, never shown again. The rules judge it
    (`accounts.passwords.rules`); what nobody sees in it, and so would not understand, is named here.

    No `maxlength`: a browser would cut a pasted password without a word.
    """

    widget = forms.PasswordInput
    autocomplete = "new-password"
    told_by_script = UNSEEN

    def __init__(self, **options: Any) -> None:
        sentences = {code: odd_texts.SENTENCES[code] for code in self.told_by_script}
        attrs = {"autocomplete": self.autocomplete, "dir": "ltr", "data-odd": in_json(sentences)}
        super().__init__(strip=False, widget=self.widget(attrs=attrs), **options)

    def clean(self, value: Any) -> str:
        typed = str(super().clean(value))
        if unseen := [code for code in oddities(typed) if code in UNSEEN]:
            raise ValidationError(odd_texts.of_a_new_one(unseen), code=unseen[0])
        return typed


class Typed(str):
    """A typed password, and what its page has told the person of oddities (`told`)."""

    told: tuple[str, ...] = ()


class AsksAboutOddities(forms.PasswordInput):
    """A box for a password, and beside it, hidden, which oddities this page has told of. That is all it remembers: no
    part of the password, and no digest of it, is anywhere."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Typed | None:
        text = super().value_from_datadict(data, files, name)
        if text is None:
            return None
        typed = Typed(text)
        typed.told = tuple(str(data.get(f"{name}-told") or "").split())
        return typed

    def beside(self, name: str, value: object) -> SafeString:
        """The hidden input for the page that answers `value`; nothing if there is nothing odd about it."""
        odd = " ".join(oddities(str(value or "")))
        return format_html('<input type="hidden" name="{}-told" value="{}">', name, odd) if odd else SafeString("")

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        return super().render(name, value, attrs, renderer) + self.beside(name, value)


class CurrentPasswordField(PasswordField):
    """A password that will be compared. What is odd about it is told first, once on a page: nothing is compared and
    nothing counted then. Sent again it is a try like any other, for the right one may be just so."""

    widget = AsksAboutOddities
    autocomplete = "current-password"
    told_by_script = (*UNSEEN, "full_width", "foreign")  # of a Persian keyboard it tells at the first letter

    def clean(self, value: Any) -> str:
        typed = str(forms.CharField.clean(self, value))
        odd = oddities(typed)
        if set(odd) - set(getattr(value, "told", ())):
            raise ValidationError(odd_texts.before_a_try(odd), code="odd")
        return typed
