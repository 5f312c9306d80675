"""The faults of a form come out all at once, and each names its field: no two fields share a sentence."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from accounts.recovery.forms import NewPasswordForm
from registration.forms.parts import ContactForm, PartForm, PersonForm, ReviewForm
from registration.forms.status import StatusForm
from registration.forms.steps import MobileForm
from registration.models import Registration
from tests.support.journeys import MATCHES, Answers

WRONG = {
    "last_name": "12",
    "first_name": "34",
    "certificate_number": "x",
    "certificate_serial": "x",
    "series_letter": "x",
    "series_number": "x",
    "birth_day": "32",
    "birth_month": "13",
    "birth_year": "70",
    "gender": "x",
    "country": "x",
    "city": "x",
    "email": "x",
    "password": "Abc",
    "password_again": "",
    "security_question": "x",
    "security_answer": "!",
    "national_id": "12",
    "operator": "x",
    "mobile": "0912",
    "tracking_code": "12",
}


ROW = Registration(national_id=MATCHES.national_id, mobile=MATCHES.mobile)


def identity(typed: dict[str, str]) -> PersonForm:
    return PersonForm(typed, registration=ROW)


def contact(typed: dict[str, str]) -> PartForm:
    return ContactForm(typed, registration=ROW)


def review(typed: dict[str, str]) -> PartForm:
    return ReviewForm(typed, registration=ROW, answers={})


def sentences(form: Any) -> list[str]:
    return [str(sentence) for found in form.errors.values() for sentence in found]


@pytest.mark.parametrize("make", [identity, contact, review, MobileForm, StatusForm])
@pytest.mark.parametrize("typed", [{}, WRONG, dict.fromkeys(WRONG, "9" * 400)], ids=["empty", "wrong", "long"])
def test_no_two_fields_have_the_same_sentence(make: Any, typed: dict[str, str]) -> None:
    found = Counter(sentences(make(typed)))
    assert found
    assert [sentence for sentence, times in found.items() if times > 1] == []


def test_of_a_new_password_too() -> None:
    found = Counter(sentences(NewPasswordForm({}, account=None, with_question=True)))
    assert len(found) == 4
    assert set(found.values()) == {1}


@pytest.mark.parametrize(
    ("day", "month", "year", "wrong"),
    [
        ("32", "5", "70", {"birth_day", "birth_year"}),
        ("32", "5", "1991", {"birth_day", "birth_year"}),
        ("31", "8", "70", {"birth_day", "birth_year"}),
        ("0", "", "1370", {"birth_day", "birth_month"}),
        ("30", "12", "70", {"birth_year"}),
        ("31", "12", "1370", {"birth_day"}),
        ("30", "12", "1402", {"birth_day"}),
        ("17", "5", "1210", {"birth_year"}),
    ],
)
def test_every_part_of_a_date_says_its_own_fault_at_once(day: str, month: str, year: str, wrong: set[str]) -> None:
    form = identity(vars(Answers.of(MATCHES)) | {"birth_day": day, "birth_month": month, "birth_year": year})
    assert set(form.errors) == wrong


def test_a_year_of_the_other_calendar_is_called_so() -> None:
    form = identity(vars(Answers.of(MATCHES)) | {"birth_year": "1991"})
    assert "میلادی" in str(form.errors["birth_year"])
