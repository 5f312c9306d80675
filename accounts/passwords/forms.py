"""The form field of a password, for every page."""

from __future__ import annotations

from typing import Any

from django import forms


class PasswordField(forms.CharField):
    """A password as it was typed: nothing stripped, nothing folded, never shown again.

    No `maxlength`: a browser would cut a pasted password without a word.
    """

    def __init__(self, *, autocomplete: str, **options: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": autocomplete, "dir": "ltr"})
        super().__init__(strip=False, widget=widget, **options)
