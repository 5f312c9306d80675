"""The forms of the sign-in at /admin/. They check the shape of what was typed; the view checks whether it is right."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.passwords.forms import KEYBOARD, CurrentPasswordField
from common import limits
from common.form_fields import NUMBER, FoldedField, NotShownAgain, ParsedField
from common.forms import Form
from common.persian import parse_one_time_code
from common.sentences import in_words, when_read


def _six_digits(text: str) -> str:
    return parse_one_time_code(text, digits=limits.STAFF_TOTP_DIGITS)


def _shape() -> str:
    return _("The code has %(digits)s digits.") % {"digits": in_words(limits.STAFF_TOTP_DIGITS)}


class StaffCodeForm(Form):
    code = ParsedField(
        _six_digits,
        {"": when_read(_shape)},
        label=_("One-time code"),
        error_messages={"required": _("Type the code that the app shows now.")},
        widget=NotShownAgain(attrs={**NUMBER, "autocomplete": "one-time-code", "autofocus": True}),
    )


class StaffSignInForm(Form):
    username = FoldedField(
        label=_("User name"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "dir": "ltr", "autofocus": True}
        ),
        error_messages={"required": _("Enter your user name.")},
    )
    password = CurrentPasswordField(
        label=_("Password"),
        help_text=KEYBOARD,
        error_messages={"required": _("Enter your password.")},
    )

    def name(self) -> str:
        """The name of the account, as it was typed."""
        return str(self.cleaned_data["username"])
