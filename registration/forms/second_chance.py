"""The forms of the second chance. They check the shape of what is typed, and change nothing."""

from __future__ import annotations

from typing import Any

from django import forms

from common import persian
from identity.person import FIELDS, BirthUnknown, Person, fields_of
from registration.forms.parts import PersonForm
from registration.forms.steps import GrantedForm, NumberForm
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
        born, unknown = shown.pop("birth_date"), shown.pop("birth_unknown")
        if born:
            year, month, day = (str(part) for part in persian.jalali_parts(born))
            shown |= {
                "birth_year": year,
                "birth_month": month if unknown != BirthUnknown.MONTH else "",
                "birth_day": day if not unknown else "",
            }
        return shown | {
            "no_series": not row.series_letter,
            "no_serial": not row.certificate_serial,
            "no_birth_day": unknown == BirthUnknown.DAY,
            "no_birth_month": unknown == BirthUnknown.MONTH,
        }


class OtherNumberForm(GrantedForm, NumberForm):
    """Another mobile of one's own, in the second chance."""

    def answers_to_keep(self) -> dict[str, str]:
        """The answers for the row's draft; empty where the number is not valid."""
        if not self.is_valid():
            return {}
        return {"new_operator": self.cleaned_data["operator"], "new_mobile": self.cleaned_data["mobile"]}
