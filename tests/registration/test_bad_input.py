"""What arrives at the pages: typing in every spelling, mistakes, and hostility. Nothing breaks, all is kept."""

from __future__ import annotations

import dataclasses
import html
from datetime import timedelta
from wsgiref.util import setup_testing_defaults

import jdatetime
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms.utils import ErrorList
from django.test import Client
from django.utils import timezone

from accounts.passwords.rules import RULES
from common import limits
from registration.forms.parts import NOT_THERE, ContactForm, PersonForm, ReviewForm
from registration.forms.steps import MobileForm
from registration.models import Registration
from registration.states import State
from sms.models import Message
from tamin_portal.wsgi import application
from tests.support.journeys import (
    DONE,
    MATCHES,
    PASSWORD,
    URL,
    Answers,
    Browser,
    code_on,
    let_pass,
    registration_in,
    row_of,
    step_shown,
)
from tests.support.persian_input import VECTORS

pytestmark = pytest.mark.django_db(transaction=True)


def mobile_form(**typed: str) -> MobileForm:
    return MobileForm({"national_id": MATCHES.national_id, "operator": "mci", "mobile": MATCHES.mobile} | typed)


def identity_form(**typed: str) -> PersonForm:
    return PersonForm(vars(Answers.of(MATCHES)) | typed, registration=Registration())


def review_form(**typed: str) -> ReviewForm:
    """The review after valid parts of the person of the vectors, whom passwords must not contain."""
    person = VECTORS["password"]["_person"]
    row = Registration(national_id=person["national_id"])
    parts = [form(vars(Answers.of(MATCHES)), registration=row) for form in (PersonForm, ContactForm)]
    assert all(part.is_valid() for part in parts)
    answers = parts[0].cleaned_data | parts[1].cleaned_data
    answers |= {name: person[name] for name in ("first_name", "last_name")}
    return ReviewForm(vars(Answers.of(MATCHES)) | typed, registration=row, answers=answers)


@pytest.mark.parametrize("typed", VECTORS["national_id"]["valid"])
def test_national_ids_that_are_right(typed):
    assert mobile_form(national_id=typed).is_valid()


@pytest.mark.parametrize("typed", VECTORS["national_id"]["invalid"])
def test_national_ids_that_are_wrong(typed):
    assert list(mobile_form(national_id=typed).errors) == ["national_id"]


@pytest.mark.parametrize(("typed", "stored"), VECTORS["mobile"]["valid"].items())
def test_mobiles_that_are_right(typed, stored):
    form = mobile_form(mobile=typed)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["mobile"] == stored


@pytest.mark.parametrize("typed", VECTORS["mobile"]["invalid"])
def test_mobiles_that_are_wrong(typed):
    assert list(mobile_form(mobile=typed).errors) == ["mobile"]


@pytest.mark.parametrize(("typed", "born"), VECTORS["jalali_date"]["valid"].items())
def test_birth_dates_in_any_digits(typed, born):
    year, month, day = typed.replace("-", "/").split("/")
    form = identity_form(birth_year=year, birth_month=str(int(month)), birth_day=day)
    form.is_valid()
    assert str(form.cleaned_data["birth_date"]) == born


@pytest.mark.parametrize(
    ("year", "month", "day"),
    [("1404", "12", "30"), ("1400", "12", "30"), ("1402", "7", "31"), ("1370", "13", "1"), ("1370", "0", "10"),
     ("1991", "8", "8"), ("70", "5", "17"), ("13700", "5", "17"), ("1499", "1", "1")],
)  # fmt: skip
def test_birth_dates_that_are_wrong(year, month, day):
    form = identity_form(birth_year=year, birth_month=month, birth_day=day)
    assert not form.is_valid()
    assert set(form.errors) <= {"birth_year", "birth_month", "birth_day"}


@pytest.mark.parametrize("years", [-1, 0, 5, 140])
def test_ages_that_cannot_be(years):
    born = jdatetime.date.fromgregorian(date=timezone.localdate()) - jdatetime.timedelta(days=365 * years - 40)
    form = identity_form(birth_year=str(born.year), birth_month=str(born.month), birth_day=str(born.day))
    assert list(form.errors) == ["birth_year"]


@pytest.mark.parametrize(("letter", "number", "serial"), VECTORS["birth_certificate"]["valid"])
def test_certificate_series_and_serial_that_are_right(letter, number, serial):
    letter = "الف" if letter == "ا" else letter  # a select offers only its own spelling
    form = identity_form(series_letter=letter, series_number=number, certificate_serial=serial)
    assert form.is_valid(), form.errors


@pytest.mark.parametrize(("letter", "number", "serial"), VECTORS["birth_certificate"]["invalid"])
def test_certificate_series_and_serial_that_are_wrong(letter, number, serial):
    assert not identity_form(series_letter=letter, series_number=number, certificate_serial=serial).is_valid()


@pytest.mark.parametrize("password", VECTORS["password"]["valid"])
def test_passwords_that_follow_the_guide_are_refused_only_where_they_are_weak(password):
    errors = review_form(password=password, password_again=password).errors
    assert not {error.code for error in errors.get("password", ErrorList()).as_data()} & set(RULES)
    assert set(errors) <= {"password"}


@pytest.mark.parametrize("password", VECTORS["password"]["invalid"])
def test_passwords_that_break_a_rule_of_the_guide(password):
    errors = review_form(password=password, password_again=password).errors
    assert list(errors) == ["password"]
    assert {error.code for error in errors["password"].as_data()} <= set(RULES)


def test_two_different_passwords():
    assert list(review_form(password_again="Abcdefg2!").errors) == ["password_again"]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Answers) if field.name not in NOT_THERE])
def test_every_field_of_step_three_is_required_and_says_so(at_step_three, field):
    page = at_step_three.step_three(Answers.of(MATCHES, **{field: ""}))
    assert field in page.context["form"].errors
    assert f'href="#id_{step_shown(page)}-{field}"' in page.content.decode()
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gender", "other"),
        ("country", "XX"),
        ("city", "<script>alert(1)</script>"),
        ("city", "خارج از کشور"),  # while the country is Iran
        ("security_question", "mine"),
        ("series_letter", "ظ"),
        ("birth_month", "99999999999999999999"),
        ("birth_day", "۳۱ روز"),
        ("last_name", '"><img src=x>'),
        ("first_name", "٣٤٥"),
        ("first_name", "ا" * 5000),
        ("email", "a@b"),
        ("email", "someone@example.com،"),
        ("email", "someone@example.com."),
        ("email", "ı@example.com"),
        ("email", "x" * 10_000 + "@example.com"),
        ("security_answer", "!!! ---"),
        ("password", "A1" + "a" * 100_000),
    ],
)
def test_a_tampered_or_wild_value_names_its_field(at_step_three, field, value):
    page = at_step_three.step_three(Answers.of(MATCHES, **{field: value}))
    assert page.status_code == 200
    assert field in page.context["form"].errors
    assert "<script>alert" not in page.content.decode()
    assert '"><img' not in page.content.decode()


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Answers)])
def test_nul_bytes_break_nothing(at_step_three, field):
    answers = Answers.of(MATCHES)
    response = at_step_three.step_three(dataclasses.replace(answers, **{field: getattr(answers, field) + "\x00"}))
    assert response.status_code in (200, 302)


@pytest.mark.parametrize("field", ["national_id", "operator", "mobile", "draft"])
def test_nul_bytes_in_step_one(browser, field):
    assert browser.step_one(**{field: "\x0009121234567"}).status_code in (200, 302)


def test_a_ten_megabyte_field_is_refused_with_a_page(browser):
    response = browser.step_one(national_id="1" * 10_000_000)
    assert response.status_code == 413
    assert "rtl" in response.content.decode()
    assert not Registration.objects.exists()


@pytest.mark.parametrize("charset", ["unicode_escape", "rot13", "base64", "utf-16", "undefined", "no-such-thing"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_charset_than_utf_8_is_refused_with_a_page(method, charset):
    environ = {"REQUEST_METHOD": method, "PATH_INFO": "/portal/", "QUERY_STRING": "next=%5Cud800"}
    environ["CONTENT_TYPE"] = f"multipart/form-data; boundary=x; charset={charset}"
    setup_testing_defaults(environ)
    answers: list[str] = []
    body = b"".join(application(environ, lambda status, headers: answers.append(status)))
    assert answers == ["400 Bad Request"]
    assert "rtl" in body.decode()


def test_a_file_is_refused_unread(browser):
    upload = SimpleUploadedFile("big.bin", b"x" * 300_000)
    response = browser.post(URL, {"registration_wizard-current_step": "mobile", "file": upload})
    assert response.status_code == 413


def test_a_landline_and_a_foreign_number_are_told_apart(browser):
    landline = html.unescape(browser.step_one(mobile="02188888888").content.decode())
    foreign = html.unescape(browser.step_one(mobile="+905321234567").content.decode())
    assert "تلفن ثابت" in landline
    assert "ایران" in foreign
    assert "02188888888" in landline  # what was typed stays
    assert not Message.objects.exists()


def test_a_hidden_draft_that_was_tampered_with_opens_nothing(browser):
    victim = registration_in(State.MOBILE_CONFIRMED)
    browser.step_one(mobile="09127654321")
    browser.step_three(Answers.of(MATCHES), draft=str(victim.token))
    browser.step_two("123456", draft=str(victim.token))
    victim.refresh_from_db()
    assert (victim.state, victim.draft, victim.grant_hash) == (State.MOBILE_CONFIRMED, {}, "")


def test_a_stranger_who_posts_step_one_with_my_number_gets_nothing_when_i_type_the_code(browser):
    stranger = Browser()
    stranger.step_one()
    browser.step_one()  # inside the minute: no second SMS
    code = code_on(MATCHES.mobile)
    refused = html.unescape(browser.step_two(code).content.decode())
    assert "در دستگاه دیگری" in refused  # it was asked for elsewhere, and says so
    let_pass(timedelta(seconds=61))
    browser.post(URL + "/resend", {"draft": browser.draft()})
    assert browser.step_two(code_on(MATCHES.mobile)).status_code == 302
    assert step_shown(browser.get(URL)) == "identity"
    assert step_shown(stranger.get(URL)) == "code"
    assert stranger.step_three(Answers.of(MATCHES))["Location"] == URL
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED


def test_a_strangers_draft_never_blocks_the_real_person(browser):
    Browser().step_one(mobile="09127654321")
    browser.register()
    assert browser.get(DONE).status_code == 200


def test_a_post_from_another_site_is_refused_with_a_page():
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(URL, {"mobile-national_id": MATCHES.national_id})
    assert response.status_code == 403
    assert "rtl" in response.content.decode()


def test_too_many_posts_from_one_address_are_told_when_to_come_back(browser, monkeypatch):
    monkeypatch.setattr(limits, "POSTS_PER_ADDRESS", 2)
    answers = [browser.post(URL + "/restart") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [302, 302, 429]
    assert answers[-1]["Retry-After"] == "60"


def test_a_password_is_never_folded(at_step_three):
    page = at_step_three.step_three(Answers.of(MATCHES, password="Abcdefg۱", password_again="Abcdefg۱"))
    assert "password" in page.context["form"].errors
    assert PASSWORD not in page.content.decode()
