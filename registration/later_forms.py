"""The forms after the three steps: the second chance and the status page. They check shape and are pure."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from identity.person import FIELDS, Person, fields_of
from registration.forms import GrantedForm, NumberForm, PersonForm
from registration.models import Registration
from tamin_portal import persian
from tamin_portal.form_fields import NationalIdField, ParsedField

_TEN_DIGITS = _("The tracking code has ten digits.")


class CorrectionForm(PersonForm):
    """What was typed in step three, to be corrected. `round`: see `corrections.correct`."""

    round = forms.IntegerField(min_value=0, max_value=10_000, widget=forms.HiddenInput)

    def identity(self) -> Person:
        """The clean answers as the service takes them."""
        return Person(**{name: self.cleaned_data[name] for name in FIELDS})

    @staticmethod
    def typed(row: Registration) -> dict[str, Any]:
        """What the person had typed, as the fields of the form show it."""
        shown = fields_of(row)
        if born := shown.pop("birth_date"):
            parts = persian.fold_digits(persian.format_jalali(born)).split("/")
            year, month, day = (str(int(part)) for part in parts)
            shown |= {"birth_year": year, "birth_month": month, "birth_day": day}
        return shown


class OtherNumberForm(GrantedForm, NumberForm):
    """Another mobile of one's own, in the second chance."""

    def answers_to_keep(self) -> dict[str, str]:
        """As the row's draft has it; empty where the number is none."""
        if not self.is_valid():
            return {}
        return {"new_operator": self.cleaned_data["operator"], "new_mobile": self.cleaned_data["mobile"]}


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
