"""A password with a blank at its end or Persian digits: what is odd is told before it counts; nothing is changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import SignInFailures, User
from accounts.passwords import odd_texts
from accounts.passwords.forms import CurrentPasswordField, PasswordField
from accounts.profile.forms import PasswordForm, WithPassword
from accounts.recovery.forms import NewPasswordForm
from accounts.sign_in.forms import CitizenSignInForm
from accounts.staff.forms import StaffSignInForm
from common.odd_typing import ODDITIES, UNSEEN
from registration.forms.parts import ReviewForm
from tests.support import profile
from tests.support.accounts import PASSWORD, REZA, citizen, clerk, spy_on_hashing
from tests.support.entrances import WRONG, errors, sign_in, signed_in
from tests.support.journeys import hidden
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db
ODD: dict[str, list[str]] = json.loads((ROOT / "tests/vectors/odd_passwords.json").read_text("utf-8"))["odd"]
TYPED = {text: codes for text, codes in ODD.items() if "\x00" not in text}  # Django refuses that everywhere
STAFF = "/admin/login/"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return spy_on_hashing(monkeypatch)


def counted() -> int:
    return SignInFailures.objects.count()


def at_the_staff_door(client: Client, password: str, **more: str) -> Any:
    return client.post(STAFF, {"username": "maryam", "password": password, **more})


def told_of(response: Any) -> str:
    return hidden(response, "password-told")


@pytest.mark.parametrize("text", TYPED)
def test_what_is_odd_is_told_first_and_neither_compared_nor_counted(
    client: Client, hashed: list[str], text: str
) -> None:
    citizen()
    del hashed[:]
    response = sign_in(client, password=text)
    assert errors(response) == [odd_texts.before_a_try(ODD[text])]
    assert told_of(response).split() == ODD[text]
    assert (hashed, counted()) == ([], 0)


def test_it_can_be_told_any_number_of_times_without_a_pause(client: Client) -> None:
    citizen()
    assert {sign_in(client, password=f"{PASSWORD} ").status_code for _ in range(12)} == {200}
    assert counted() == 0
    sign_in(client)
    assert signed_in(client)


def test_corrected_it_signs_in(client: Client) -> None:
    citizen()
    told = told_of(sign_in(client, password=f"{PASSWORD} "))
    sign_in(client, **{"password-told": told})
    assert signed_in(client)


def test_the_very_same_again_is_a_try_and_counts(client: Client, hashed: list[str]) -> None:
    citizen()
    told = told_of(sign_in(client, password=f"{PASSWORD} "))
    again = sign_in(client, password=f"{PASSWORD} ", **{"password-told": told})
    assert "verify" in hashed
    assert not signed_in(client)
    assert counted() > 0
    assert odd_texts.before_a_try(["blank_end"]) not in errors(again)
    assert told_of(again) == "blank_end"  # it was told on this page: the next one is a try too


def test_whoever_really_has_such_a_password_gets_in(client: Client) -> None:
    user = citizen()
    User.objects.filter(pk=user.pk).update(password=make_password(" رمز۱۲۳ "))
    first = sign_in(client, password=" رمز۱۲۳ ")
    assert not signed_in(client)
    sign_in(client, password=" رمز۱۲۳ ", **{"password-told": told_of(first)})
    assert signed_in(client)


def test_another_oddity_than_the_one_that_was_told_is_told_too(client: Client) -> None:
    citizen()
    response = sign_in(client, password=f"{PASSWORD}۱ ", **{"password-told": "blank_end nonsense"})
    assert told_of(response) == "blank_end digits"
    assert counted() == 0


def test_a_guesser_who_says_that_all_was_told_pays_for_every_guess(client: Client) -> None:
    citizen()
    told = " ".join(ODDITIES)
    answers = [sign_in(client, password=f"{number} ", **{"password-told": told}).status_code for number in range(6)]
    assert answers == [200, 200, 200, 200, 429, 429]


def test_what_is_told_is_the_same_for_a_right_a_wrong_and_an_unknown_one(client: Client) -> None:
    citizen()
    said = {
        tuple(errors(sign_in(client, national_id, f"{password} ")))
        for national_id in (REZA, "0123456789")
        for password in (PASSWORD, WRONG)
    }
    assert len(said) == 1


def test_no_part_of_the_password_comes_back_or_is_kept(client: Client) -> None:
    citizen()
    response = sign_in(client, password="Zq8#Secret ")
    assert "Zq8#Secret" not in response.content.decode()
    assert not any("Secret" in str(value) for value in client.session.values())


def test_staff_are_told_too(client: Client, hashed: list[str]) -> None:
    clerk()
    del hashed[:]
    response = at_the_staff_door(client, f"{PASSWORD}\u200f")
    assert errors(response) == [odd_texts.before_a_try(["invisible"])]
    assert (hashed, counted()) == ([], 0)
    told = told_of(response)
    assert told == "invisible"
    at_the_staff_door(client, f"{PASSWORD}\u200f", **{"password-told": told})
    assert "verify" in hashed
    assert counted() > 0


@pytest.mark.parametrize("page", profile.WHAT_EACH_ASKS)
def test_the_password_that_is_asked_again_in_the_profile(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _user, browser = profile.owner()
    before, hashed = counted(), spy_on_hashing(monkeypatch)
    response = profile.hand_in(browser, page, f" {PASSWORD}")
    assert errors(response) == [odd_texts.before_a_try(["blank_start"])]
    assert (hashed, counted()) == ([], before)
    told = hidden(response, "current_password-told")
    again = profile.hand_in(browser, page, f" {PASSWORD}", **{"current_password-told": told})
    assert again.status_code == 200  # a wrong one, and compared
    assert "verify" in hashed
    assert counted() > before


@pytest.mark.parametrize("form", [CitizenSignInForm, StaffSignInForm, WithPassword])
def test_every_password_that_is_compared_asks(form: Any) -> None:
    assert [field for field in form.base_fields.values() if isinstance(field, CurrentPasswordField)]


@pytest.mark.parametrize("form", [PasswordForm, NewPasswordForm, ReviewForm])
def test_of_a_new_password_what_nobody_sees_is_named(form: Any) -> None:
    chosen = [
        field
        for field in form.base_fields.values()
        if isinstance(field, PasswordField) and not isinstance(field, CurrentPasswordField)
    ]
    assert len(chosen) == 2
    for field in chosen:
        for text, codes in TYPED.items():
            unseen = [code for code in codes if code in UNSEEN]
            if not unseen:
                assert field.clean(text) == text
                continue
            with pytest.raises(ValidationError) as refused:
                field.clean(text)
            assert refused.value.messages == [odd_texts.of_a_new_one(unseen)]


def test_each_oddity_has_its_sentence() -> None:
    assert odd_texts.SENTENCES.keys() == set(ODDITIES)
    assert odd_texts.before_a_try(["blank_end"]).startswith("گذرواژه با فاصله تمام شده است.")


@pytest.mark.parametrize(("page", "hint"), [("/portal/", "id_password-hint"), (STAFF, "")])
def test_the_keyboard_is_spoken_of_before_anything_is_typed_and_without_script(
    client: Client, page: str, hint: str
) -> None:
    html = client.get(page).content.decode()
    assert "Caps Lock" in html.split("<script")[0] or "Caps Lock" in html.split("</head>")[1]
    assert hint in html
    assert "data-caps" in html
