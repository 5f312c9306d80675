"""The form of the status page. It checks shape and is pure."""

from __future__ import annotations

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from common import persian
from common.form_fields import NationalIdField, ParsedField

_TEN_DIGITS = _("The tracking code has ten digits.")


class StatusForm(forms.Form):
    """Which request is meant. Whether there is one is the service's to say: a code whose check digit is
    wrong gets the same answer as any other that is not right."""

    use_required_attribute = False
    national_id = NationalIdField()
    tracking_code = ParsedField(
        persian.fold_number,
        {"": _TEN_DIGITS},
        label=_("Tracking code"),
        max_length=40,
        validators=[RegexValidator(r"^[0-9]{10}$", _TEN_DIGITS)],
        error_messages={"required": _("Enter the tracking code."), "max_length": _TEN_DIGITS},
    )
