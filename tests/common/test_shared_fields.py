"""Fields are shared by all forms of a class: nothing that is done to one form reaches another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django import forms
from django.forms import BaseForm
from django.utils.translation import override

from accounts.recovery.forms import BranchForm
from common.form_fields import SelectField
from common.forms import Form, Shared, labels
from common.templatetags import fields
from registration import cities
from registration.desk.forms import WorkForm
from registration.forms.parts import ContactForm, PersonForm
from registration.models import Registration

ROW = Registration(national_id="0070001014")
OF_DJANGO = ("openid.admin", "accounts.admin", "sms.", "tests.")  # staff's, or of the demo: made a few times a day


class Pet(Form):
    name = forms.CharField(label="Name", max_length=40, widget=forms.TextInput(attrs={"dir": "ltr"}))
    kind = SelectField(label="Kind", choices=[("", "Choose"), ("Birds", [("owl", "Owl")]), ("cat", "Cat")])


def every(form: type[BaseForm]) -> Iterator[type[BaseForm]]:
    for each in form.__subclasses__():
        yield each
        yield from every(each)


def person(**typed: str) -> PersonForm:
    return PersonForm(typed, registration=ROW)


def test_every_form_of_a_citizen_shares_its_fields() -> None:
    ours = [each for each in every(BaseForm) if each.__module__.startswith(("accounts.", "registration."))]
    copied = {each for each in ours if not issubclass(each, Form) and not each.__module__.startswith(OF_DJANGO)}
    assert len(ours) > 15
    assert copied == set()


def test_two_forms_have_the_same_fields_and_not_the_same_dict() -> None:
    one, other = Pet(), Pet()
    assert one.fields["name"] is other.fields["name"]
    one.fields["more"] = forms.CharField()
    del one.fields["name"]
    assert list(other.fields) == ["name", "kind"]


def test_a_shared_field_refuses_every_change() -> None:
    field = Pet().fields["name"]
    with pytest.raises(TypeError, match="own"):
        field.required = False
    with pytest.raises(TypeError, match="own"):
        field.widget.is_localized = True
    with pytest.raises(TypeError, match="own"):
        del field.label
    with pytest.raises(TypeError):
        field.widget.attrs["class"] = "other"
    with pytest.raises(TypeError):
        field.error_messages["required"] = "other"
    with pytest.raises(AttributeError):
        field.validators.append(print)
    with pytest.raises(TypeError, match="own"):
        Pet().fields["kind"].choices = []  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        Pet().fields["kind"].choices[1][1].append("other")  # type: ignore[attr-defined]


def test_a_form_that_changes_its_own_field_changes_no_other() -> None:
    before = str(fields.field(Pet()["name"])), str(fields.field(Pet()["kind"]))
    one, other = Pet({"name": "", "kind": ""}), Pet({"name": "", "kind": ""})
    name, kind = one.own("name"), one.own("kind")
    name.required, name.label = False, "Another"
    name.widget.attrs["class"] = "another"
    name.error_messages["required"] = "Another."
    name.validators.append(print)
    kind.choices = [("dog", "Dog")]

    assert one.own("name") is name
    assert "name" not in one.errors
    assert "Another." not in other.errors["name"]
    assert "Another" in str(fields.field(one["name"]))
    assert "Dog" in str(fields.field(one["kind"]))
    assert (str(fields.field(Pet()["name"])), str(fields.field(Pet()["kind"]))) == before
    assert len(Pet().fields["name"].validators) == len(name.validators) - 1


def test_what_a_form_has_bound_before_is_bound_anew_to_its_own_field() -> None:
    form = Pet()
    assert form["name"].label == "Name"
    form.own("name").label = "Another"
    assert form["name"].label == "Another"


def test_who_ticks_that_something_is_not_there_makes_it_optional_for_nobody_else() -> None:
    ticked = person(no_series="on", no_serial="on", no_birth_month="on")
    assert not {"series_letter", "series_number", "certificate_serial", "birth_day"} & ticked.errors.keys()
    assert {"series_letter", "series_number", "certificate_serial", "birth_day"} <= person().errors.keys()


def test_what_one_page_adds_to_a_field_stands_on_no_other() -> None:
    assert "شیراز" in str(BranchForm(cities=["فارس، شیراز"])["city"])
    assert "شیراز" not in str(BranchForm(cities=["یزد، یزد"])["city"])
    assert WorkForm().fields["note"].help_text
    assert not WorkForm.base_fields["note"].help_text


def test_a_field_is_shown_in_the_language_of_its_page() -> None:
    shown = []
    for language in ("fa", "en", "fa"):
        with override(language):
            shown.append(str(fields.field(ContactForm(registration=ROW)["city"])))
    assert "شیراز</option>" in shown[0]
    assert "Shiraz</option>" in shown[1]
    assert shown[2] == shown[0]


def test_only_the_chosen_option_is_marked() -> None:
    city = cities.stored_city("فارس", "شیراز")
    plain = str(fields.field(ContactForm(registration=ROW)["city"]))
    marked = str(fields.field(ContactForm(registration=ROW, initial={"city": city})["city"]))
    assert f'<option value="{city}" selected>' in marked
    assert marked.count(" selected") == plain.count(" selected") == 1
    assert '<option value="" selected>' in plain
    unknown = str(fields.field(ContactForm(registration=ROW, initial={"city": "ناکجا"})["city"]))
    assert " selected" not in unknown


def test_a_select_takes_what_it_shows_and_nothing_else() -> None:
    field = Pet().fields["kind"]
    assert isinstance(field, Shared)
    assert {value: field.valid_value(value) for value in ("owl", "cat", "Birds", "Owl", "")} == {
        "owl": True, "cat": True, "Birds": False, "Owl": False, "": True,
    }  # fmt: skip
    with override("en"):
        assert labels(ContactForm.base_fields["city"])[cities.stored_city("فارس", "شیراز")] == "Shiraz"  # type: ignore[arg-type]
    with override("fa"):
        assert labels(ContactForm.base_fields["city"])[cities.stored_city("فارس", "شیراز")] == "شیراز"  # type: ignore[arg-type]


def test_nothing_of_a_shared_field_can_be_filled_in_place() -> None:
    """Also what a kind of field has of its own: the sentences of a parsed one, the choices of a hidden input."""
    changeable = [
        f"{form.__name__}.{name}: {attribute}"
        for form in every(Form)
        for name, field in form.base_fields.items()
        for part in (field, field.widget)
        for attribute, value in vars(part).items()
        if isinstance(value, list | dict | set)
    ]
    assert changeable == []
