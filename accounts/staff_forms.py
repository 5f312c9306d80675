"""The form of the second step at /admin/. It checks the shape of the code; whether it is right, the view asks."""

from __future__ import annotations

import re

from django import forms
from django.utils.translation import gettext_lazy as _

from tamin_portal import limits
from tamin_portal.form_fields import NUMBER, ParsedField
from tamin_portal.persian import InputError, fold_number
from tamin_portal.sentences import in_words, when_read


def _six_digits(text: str) -> str:
    digits = fold_number(text)
    if not re.fullmatch(rf"[0-9]{{{limits.STAFF_TOTP_DIGITS}}}", digits):
        raise InputError("code")
    return digits


def _shape() -> str:
    return _("The code has %(digits)s digits.") % {"digits": in_words(limits.STAFF_TOTP_DIGITS)}


class NotShownAgain(forms.PasswordInput):
    """A code that is typed in the open, but never written back: the app shows another one by then."""

    input_type = "text"


class StaffCodeForm(forms.Form):
    code = ParsedField(
        _six_digits,
        {"": when_read(_shape)},
        label=_("One-time code"),
        max_length=limits.STAFF_TOTP_LONGEST,
        error_messages={"required": _("Type the code that the app shows now.")},
        widget=NotShownAgain(attrs={**NUMBER, "autocomplete": "one-time-code", "autofocus": True}),
    )
