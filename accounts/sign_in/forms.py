"""The forms of a citizen's sign-in. They check the shape of what was typed; the view checks whether it is right."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.passwords.forms import KEYBOARD, CurrentPasswordField
from common.form_fields import CodeField, NationalIdField
from common.forms import Form


class CitizenSignInForm(Form):
    national_id = NationalIdField()
    password = CurrentPasswordField(
        label=_("Password"),
        help_text=KEYBOARD,
        error_messages={"required": _("Enter your password.")},
    )
    remember = forms.BooleanField(label=_("Remember me"), required=False)

    def name(self) -> str:
        """The name of the account, as it was typed."""
        return str(self.cleaned_data["national_id"])


class PasswordAgainForm(Form):
    """The password of whoever is signed in already."""

    use_required_attribute = False
    password = CurrentPasswordField(
        label=_("Password"),
        help_text=KEYBOARD,
        error_messages={"required": _("Enter your password.")},
    )


class ByCodeForm(Form):
    """The national ID whose mobile is to be proven."""

    national_id = NationalIdField()


class CodeForm(Form):
    """The typed code, and the page it was typed on, so that two tabs are told apart."""

    use_required_attribute = False
    page = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)
    code = CodeField()
