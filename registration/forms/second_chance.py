"""The forms of the second chance. They check the shape of what is typed, and change nothing."""

from __future__ import annotations

from typing import Any

from django import forms

from common import persian
from identity.person import FIELDS, Person, fields_of
from registration.forms.steps import GrantedForm, NumberForm, PersonForm
from registration.models import Registration


class CorrectionForm(PersonForm):
    """What was typed in step three, to be corrected. `revision`: see `services.second_chance.correct`."""

    revision = forms.IntegerField(min_value=0, max_value=10_000, widget=forms.HiddenInput)

    def add_prefix(self, field_name: str) -> str:
        """The revision stays `round` in the page: pages that are open during an update were made with that name."""
        return super().add_prefix("round" if field_name == "revision" else field_name)

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
        """The answers for the row's draft; empty where the number is not valid."""
        if not self.is_valid():
            return {}
        return {"new_operator": self.cleaned_data["operator"], "new_mobile": self.cleaned_data["mobile"]}
