"""The field tags: what a person sees and hears of one field."""

from __future__ import annotations

import datetime as dt
from html.parser import HTMLParser
from typing import Any

import pytest
from django import forms

from common import sentences
from common.templatetags import fields, persian_text

ATTACK = '"><script>alert(1)</script>'


class Person(forms.Form):
    name = forms.CharField(label="Name")
    city = forms.ChoiceField(
        label="City",
        choices=[("", "Choose"), ("Fars", (("Fars, Shiraz", "Shiraz"), (ATTACK, ATTACK))), ("abroad", "Abroad")],
        error_messages={"required": "Choose a city."},
    )
    secret = forms.CharField(label="Secret", widget=forms.PasswordInput(attrs={"dir": "ltr"}))
    number = forms.CharField(label="Number", widget=forms.TextInput(attrs={"inputmode": "numeric", "dir": "ltr"}))
    draft = forms.CharField(required=False, widget=forms.HiddenInput)


class Birth(forms.Form):
    day = forms.CharField(label="Day")
    month = forms.ChoiceField(label="Month", choices=[("7", "Mehr")])
    year = forms.CharField(label="Year")


class Page(HTMLParser):
    """Elements of a piece of HTML with their attributes and the text directly or indirectly inside them."""

    VOID = ("input", "br")

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[dict[str, Any]] = []
        self.open: list[dict[str, Any]] = []
        self.feed(html)
        assert not self.open, "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag not in self.VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element["text"] += data

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [element for element in self.elements if element["tag"] == tag]

    def one(self, **attrs: str) -> dict[str, Any]:
        found = [e for e in self.elements if all(e.get(name) == value for name, value in attrs.items())]
        assert len(found) == 1, f"{len(found)} elements with {attrs}"
        return found[0]


def test_the_label_holds_only_the_name_and_the_hint_stands_outside() -> None:
    page = Page(fields.field(Person(prefix="p")["name"], hint="As in your papers"))
    assert page.one(tag="label") == {"tag": "label", "text": "Name", "for": "id_p-name"}
    assert page.one(id="id_p-name-hint")["text"] == "As in your papers"
    assert page.one(tag="input")["aria-describedby"] == "id_p-name-hint"


def test_an_error_is_named_by_the_control_it_belongs_to() -> None:
    form = Person({"city": ""})
    page = Page(fields.field(form["city"], hint="Any city"))
    assert page.one(id="id_city-error")["text"].endswith("Choose a city.")
    control = page.one(tag="select")
    assert control["aria-invalid"] == "true"
    assert control["aria-describedby"] == "id_city-hint id_city-error"


def test_a_right_field_says_nothing_of_errors() -> None:
    html = fields.field(Person({"name": "Zahra"})["name"])
    assert "error" not in html
    assert "aria-invalid" not in html
    assert "aria-describedby" not in html


@pytest.mark.parametrize("name", ["name", "number", "draft"])
def test_what_a_person_types_is_escaped(name: str) -> None:
    html = fields.field(Person({name: ATTACK})[name])
    assert "<script" not in html
    assert Page(html).one(tag="input")["value"] == ATTACK


def test_labels_hints_errors_and_choices_are_escaped() -> None:
    form = Person({"city": ATTACK})
    form.fields["city"].label = ATTACK
    form.add_error("city", ATTACK)
    html = fields.field(form["city"], hint=ATTACK) + fields.error_summary(form)
    assert "<script" not in html
    page = Page(html)
    assert page.one(tag="label")["text"] == ATTACK
    assert page.one(tag="option", value=ATTACK)["selected"] is None  # there, as an attribute without a value


def test_choices_stand_in_their_groups_and_the_chosen_one_is_selected() -> None:
    page = Page(fields.field(Person({"city": "Fars, Shiraz"})["city"]))
    assert page.one(tag="optgroup")["label"] == "Fars"
    assert [o["value"] for o in page.all("option") if "selected" in o] == ["Fars, Shiraz"]
    assert [o["value"] for o in page.all("option")] == ["", "Fars, Shiraz", ATTACK, "abroad"]


def test_a_password_is_never_sent_back() -> None:
    html = fields.field(Person({"secret": "Abcdefg1"})["secret"])
    assert "Abcdefg1" not in html
    assert Page(html).one(tag="input")["type"] == "password"


def test_a_number_keeps_its_attributes_and_is_text() -> None:
    control = Page(fields.field(Person()["number"], width=4)).one(tag="input")
    assert (control["type"], control["inputmode"], control["dir"]) == ("text", "numeric", "ltr")
    assert control["class"] == "form-control width-4"


def test_a_hidden_field_is_only_its_input() -> None:
    page = Page(fields.field(Person(prefix="p", initial={"draft": "abc"})["draft"]))
    assert [(e["tag"], e["type"], e["name"], e["value"]) for e in page.elements] == [
        ("input", "hidden", "p-draft", "abc")
    ]


def test_also_names_further_descriptions_which_are_read_out_last() -> None:
    form = Person({"secret": "Abcdefg1"})
    form.add_error("secret", "Too easy.")
    control = Page(fields.field(form["secret"], hint="Eight", also="rules")).one(tag="input")
    assert control["aria-describedby"] == "id_secret-hint id_secret-error rules"


def test_a_date_is_a_group_with_its_errors_above_the_boxes() -> None:
    form = Birth({"day": "31", "month": "7", "year": "1370"})
    form.add_error("day", "No such day.")
    page = Page(fields.date_fields(form["day"], form["month"], form["year"], legend="Birth date", hint="Like this"))
    assert page.one(tag="legend")["text"] == "Birth date"
    assert [label["text"] for label in page.all("label")] == ["Day", "Month", "Year"]
    assert page.one(id="id_day")["aria-describedby"] == "id_day-error"
    assert page.one(id="id_day-error")["text"].endswith("No such day.")
    assert "aria-describedby" not in page.one(id="id_year")
    assert page.one(tag="fieldset")["aria-describedby"] == page.one(**{"class": "hint"})["id"]


def test_the_summary_links_every_error_to_its_control() -> None:
    form = Person({"name": "", "city": "", "secret": "x", "number": "1"})
    form.add_error(None, "The two do not fit.")
    page = Page(fields.error_summary(form))
    assert next((a["href"], a["text"]) for a in page.all("a")) == ("#id_name", "The two do not fit.")
    assert {a["href"] for a in page.all("a")} == {"#id_name", "#id_city"}
    assert page.one(role="alert")["tabindex"] == "-1"


def test_an_error_of_a_hidden_field_is_told_without_a_link() -> None:
    form = Person({"name": "a", "city": "abroad", "secret": "x", "number": "1"})
    form.add_error("draft", "This tab is out of date.")
    page = Page(fields.error_summary(form))
    assert page.one(tag="li")["text"] == "This tab is out of date."
    assert not page.all("a")


@pytest.mark.parametrize(
    "form", [None, "", Person(), Person({"name": "a", "city": "abroad", "secret": "x", "number": "1"})]
)
def test_without_errors_there_is_no_summary(form: Any) -> None:
    assert fields.error_summary(form) == ""


def test_dates_are_shown_as_jalali_in_tehran() -> None:
    late = dt.datetime(2024, 8, 7, 21, 45, tzinfo=dt.UTC)  # already the next day in Tehran
    assert sentences.jalali(dt.date(1991, 8, 8)) == "۱۳۷۰/۰۵/۱۷"
    assert sentences.jalali(late) == "۱۴۰۳/۰۵/۱۸"
    assert sentences.jalali(late, "time") == "۱۴۰۳/۰۵/۱۸ ۰۱:۱۵"
    assert sentences.jalali(None) == ""


def test_numbers_are_shown_in_persian() -> None:
    assert persian_text.persian_digits(1370) == "۱۳۷۰"
    assert persian_text.persian_digits(None) == ""
    assert [sentences.clock(s) for s in (0, 45, 725, 3725)] == ["۰:۰۰", "۰:۴۵", "۱۲:۰۵", "۱:۰۲:۰۵"]
    assert persian_text.local_mobile("+989121234567") == "09121234567"
    assert persian_text.local_mobile("") == ""
