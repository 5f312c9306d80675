"""The form of the status page. It checks the shape of what is typed, and changes nothing."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from common import persian
from common.form_fields import NationalIdField, ParsedField
from common.forms import Form

_TEN_DIGITS = _("The tracking code has ten digits.")


class StatusForm(Form):
    """National ID and tracking code of a request. Only the service says whether it exists: a code with a wrong
    check digit gets the same answer as any other wrong code."""

    use_required_attribute = False
    national_id = NationalIdField()
    tracking_code = ParsedField(
        persian.pasted_number,
        {"": _TEN_DIGITS},
        label=_("Tracking code"),
        validators=[RegexValidator(r"^[0-9]{10}$", _TEN_DIGITS)],
        error_messages={"required": _("Enter the tracking code.")},
    )
