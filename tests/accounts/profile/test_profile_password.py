"""The password, changed in the profile: the old one asked, the guide's rules, and what ends with it."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import check_password
from django.db import connection
from django.test import Client

from accounts.models import AccountEvent, EmailChange, MobileChange, Session, TrustedDevice, User
from accounts.passwords import rules as passwords
from accounts.profile import changes
from accounts.profile.texts import sentence
from common.errors import PortalError
from tests.support.accounts import PASSWORD, REZA, spy_on_hashing, together
from tests.support.entrances import UNKNOWN
from tests.support.journeys import texts_on
from tests.support.profile import (
    MAIL,
    MOBILE,
    NEW,
    OLD_NUMBER,
    PASS,
    PROFILE,
    SIGN_IN,
    WRONG,
    errors,
    hand_in,
    is_in,
    kinds,
    owner,
    sign_in,
    told,
)

pytestmark = pytest.mark.django_db(transaction=True)


def password_of(user: User) -> str:
    return User.objects.get(pk=user.pk).password


def as_pressed_twice(browser: Client) -> Client:
    """The same browser before its first answer arrived."""
    twin = Client()
    twin.cookies.update(browser.cookies)
    return twin


def test_the_password_is_changed_told_and_good_for_the_next_sign_in() -> None:
    user, browser = owner()
    answer = hand_in(browser, PASS)
    assert answer["Location"] == PROFILE
    assert told(answer) == [sentence("password_changed")]
    user.refresh_from_db()
    assert check_password(NEW, user.password)
    assert user.password_changed_at
    assert kinds(user) == ["password_changed"]
    [sms] = texts_on(OLD_NUMBER)
    assert "/portal/not-me/" in sms
    assert is_in(sign_in(password=NEW))
    assert Client().post(SIGN_IN, {"national_id": REZA, "password": PASSWORD}).status_code == 200


def test_this_session_stays_and_all_others_end() -> None:
    user, browser = owner()
    elsewhere = [sign_in(), sign_in()]
    before = browser.cookies["sessionid"].value
    hand_in(browser, PASS)
    assert is_in(browser)
    assert browser.cookies["sessionid"].value != before
    assert [is_in(other) for other in elsewhere] == [False, False]
    assert Session.objects.filter(account=user).count() == 1


def test_a_copy_of_the_session_is_worth_nothing_afterwards() -> None:
    _, browser = owner()
    thief = as_pressed_twice(browser)
    hand_in(browser, PASS)
    assert not is_in(thief)
    assert is_in(browser)


def test_devices_that_were_called_ones_own_are_forgotten() -> None:
    user, browser = owner()
    TrustedDevice.objects.create(account=user, secret_hash="a" * 64)
    hand_in(browser, PASS)
    assert not TrustedDevice.objects.filter(account=user, secret_hash="a" * 64).exists()


def test_whatever_waits_for_a_proof_is_over(mailbox) -> None:
    user, browser = owner()
    hand_in(browser, MAIL)
    hand_in(browser, MOBILE)
    hand_in(browser, PASS)
    assert MobileChange.objects.get().stage == "ended"
    assert EmailChange.objects.get().ended_at
    assert Client().post(mailbox[0].path).status_code == 404
    user.refresh_from_db()
    assert (user.email, user.mobile) == ("reza@example.com", OLD_NUMBER)


@pytest.mark.parametrize(
    ("new", "rule"),
    [
        ("گذرواژه۱A", "latin"),
        ("1Abcdefg", "first_letter"),
        ("abcdefg1", "mix"),
        ("Abc1", "too_short"),
        (f"A{REZA}b", "personal"),
        ("Abcdefg 1", "characters"),
        ("Aa1" + "x" * 200, "too_long"),
    ],
)
def test_the_guides_rules_hold_here_too_with_a_sentence_each(new, rule) -> None:
    user, browser = owner()
    page = hand_in(browser, PASS, new_password=new, new_password_again=new)
    assert rule in errors(page)["new_password"]
    assert str(passwords.RULES[rule]) in page.context["form"].errors["new_password"]
    assert check_password(PASSWORD, password_of(user))


def test_the_rules_are_those_of_the_settings(settings) -> None:
    """Whatever else is asked of a password somewhere is asked here."""
    settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 30}}
    ]
    _, browser = owner()
    assert errors(hand_in(browser, PASS)) == {"new_password": ["password_too_short"]}


def test_the_old_password_is_not_a_new_one() -> None:
    user, browser = owner()
    before = password_of(user)
    page = hand_in(browser, PASS, new_password=PASSWORD, new_password_again=PASSWORD)
    assert errors(page) == {"new_password": ["same"]}
    assert (password_of(user), kinds(user)) == (before, [])


def test_the_new_password_is_typed_twice() -> None:
    _, browser = owner()
    assert list(errors(hand_in(browser, PASS, new_password_again=NEW + "x"))) == ["new_password_again"]
    assert errors(hand_in(browser, PASS, new_password_again="")) == {"new_password_again": ["required"]}


def test_no_password_comes_back_in_a_page() -> None:
    _, browser = owner()
    for page in (hand_in(browser, PASS, WRONG), hand_in(browser, PASS, new_password_again="Other1234")):
        shown = page.content.decode()
        assert not any(secret in shown for secret in (PASSWORD, WRONG, NEW, "Other1234"))


def test_passwords_are_hashed_outside_the_transaction(monkeypatch) -> None:
    _, browser = owner()
    hashing = spy_on_hashing(monkeypatch)
    inside: list[bool] = []
    monkeypatch.setattr("accounts.profile.changes.hash_password", _noting(inside, changes.hash_password))
    assert hand_in(browser, PASS)["Location"] == PROFILE
    assert hashing == ["verify", "encode"]
    assert inside == [False]


def _noting(inside: list[bool], real):
    def noted(password: str) -> str:
        inside.append(connection.in_atomic_block)
        return real(password)

    return noted


def test_pressed_twice_one_after_the_other_it_is_changed_once_and_the_second_press_leads_to_the_sign_in() -> None:
    user, browser = owner()
    second = as_pressed_twice(browser)
    hand_in(browser, PASS)
    answer = hand_in(second, PASS)
    assert answer["Location"] == f"{SIGN_IN}?next={PASS}"
    assert told(answer) == [sentence("session_ended")]
    assert kinds(user) == ["password_changed"]
    assert is_in(browser)


def test_pressed_twice_at_once_it_is_changed_once_and_nobody_sees_an_error() -> None:
    user, browser = owner()
    twins = [as_pressed_twice(browser), as_pressed_twice(browser)]
    answers = together(lambda number: hand_in(twins[number], PASS), 2)
    assert [answer.status_code for answer in answers] == [302, 302]
    assert kinds(user) == ["password_changed"]
    assert any(is_in(twin) for twin in twins)
    assert check_password(NEW, password_of(user))


def test_the_second_press_of_a_double_click_that_was_looked_at_meanwhile_ends_like_the_first() -> None:
    user, _ = owner()
    checked = password_of(user)
    for _press in range(2):
        changed = changes.change_password(account=user, checked=checked, new=NEW, session="")
        assert check_password(NEW, changed.password)
    assert AccountEvent.objects.filter(kind="password_changed").count() == 1


def test_of_two_browsers_at_once_one_sets_its_password_and_the_other_is_out() -> None:
    user, browser = owner()
    browsers, new = [browser, sign_in()], ["Ghashogh6tir", "Kolah9lahaf"]
    answers = together(
        lambda number: hand_in(browsers[number], PASS, new_password=new[number], new_password_again=new[number]), 2
    )
    places = [answer["Location"] for answer in answers]
    assert sorted(places) == sorted([PROFILE, f"{SIGN_IN}?next={PASS}"])
    winner = places.index(PROFILE)
    assert check_password(new[winner], password_of(user))
    assert [is_in(each) for each in browsers] == [number == winner for number in range(2)]
    assert kinds(user) == ["password_changed"]


def test_a_password_that_was_replaced_meanwhile_is_not_overwritten() -> None:
    user, _ = owner()
    checked = password_of(user)
    changes.change_password(account=user, checked=checked, new=NEW, session="")
    with pytest.raises(PortalError) as refusal:
        changes.change_password(account=user, checked=checked, new="Thiefs123", session="")
    assert refusal.value.code == "changed_meanwhile"
    assert check_password(NEW, password_of(user))


def test_the_device_on_which_it_is_done_stays_remembered_and_no_other() -> None:
    user, browser = owner()
    browser.post("/portal/sign-out")
    remembering = {"national_id": user.national_id, "password": PASSWORD, "remember": "on"}
    browser.post(SIGN_IN, remembering)
    Client().post(SIGN_IN, remembering)
    assert TrustedDevice.objects.count() == 2
    here = TrustedDevice.objects.earliest("pk")
    hand_in(browser, PASS)
    assert list(TrustedDevice.objects.all()) == [here]


def test_no_way_that_is_open_to_a_stolen_session_gives_it_new_tries() -> None:
    """They are counted by when the session began: neither a new key nor a journey begun in it changes that."""
    _user, browser = owner()
    for _ in range(4):
        hand_in(browser, PASS, WRONG)
    assert hand_in(browser, PASS, WRONG).status_code == 429
    for page in ("profile/devices/end-others", "recovery", "sign-in/by-code"):
        assert browser.post(f"/portal/{page}", {"national_id": UNKNOWN}).status_code == 302
    assert is_in(browser)
    assert hand_in(browser, PASS, WRONG).status_code == 429
