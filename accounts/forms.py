"""The sign-in forms. They check the shape of what was typed; whether it is right, the view asks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tamin_portal.form_fields import CodeField, NationalIdField


class PasswordField(forms.CharField):
    """A password as it was typed: nothing stripped, nothing folded, never shown again.

    No `maxlength`: a browser would cut a pasted password without a word.
    """

    def __init__(self, *, autocomplete: str, **options: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": autocomplete, "dir": "ltr"})
        super().__init__(strip=False, widget=widget, **options)


class CitizenSignInForm(forms.Form):
    national_id = NationalIdField()
    password = PasswordField(
        label=_("Password"),
        autocomplete="current-password",
        error_messages={"required": _("Enter your password.")},
    )
    remember = forms.BooleanField(label=_("Remember me"), required=False)

    def name(self) -> str:
        """Whose account is meant."""
        return str(self.cleaned_data["national_id"])


class ByCodeForm(forms.Form):
    """Whose mobile is to be proven."""

    national_id = NationalIdField()


class CodeForm(forms.Form):
    """The code as typed, and the page it was typed in, so that two tabs are told apart."""

    use_required_attribute = False
    page = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)
    code = CodeField()


class StaffSignInForm(forms.Form):
    username = forms.CharField(
        label=_("User name"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "dir": "ltr", "autofocus": True}
        ),
        error_messages={"required": _("Enter your user name.")},
    )
    password = PasswordField(
        label=_("Password"),
        autocomplete="current-password",
        error_messages={"required": _("Enter your password.")},
    )

    def name(self) -> str:
        """Whose account is meant."""
        return str(self.cleaned_data["username"])
