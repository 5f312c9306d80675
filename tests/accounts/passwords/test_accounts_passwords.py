"""The guide's password rules, security answers, and how they are hashed."""

from __future__ import annotations

from html import unescape

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, identify_hasher, make_password
from django.contrib.auth.password_validation import get_default_password_validators, validate_password
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string

from accounts.life import questions
from accounts.models import User
from accounts.passwords import answers
from accounts.passwords import rules as passwords
from accounts.passwords.strength import About, Weakness
from accounts.passwords.strength.estimate import is_common
from common.errors import PortalError
from tests.support.accounts import PASSWORD
from tests.support.persian_input import VECTORS

PERSON = VECTORS["password"]["_person"]


@pytest.mark.parametrize("password", VECTORS["password"]["valid"])
def test_a_good_password_breaks_no_rule(password: str) -> None:
    assert passwords.problems(password, **PERSON) == []


@pytest.mark.parametrize("password", VECTORS["password"]["invalid"])
def test_a_bad_password_breaks_a_rule(password: str) -> None:
    assert passwords.problems(password, **PERSON)


@pytest.mark.parametrize(
    ("password", "broken"),
    [
        ("Abcdefg۱", ["latin", "mix"]),
        ("رمزAbc123", ["latin", "first_letter"]),
        ("1Abcdefg", ["first_letter"]),
        (" Abcdefg1", ["first_letter", "characters"]),
        ("abcdefg1", ["mix"]),
        ("ABCDEFG1", ["mix"]),
        ("Abcdefgh", ["mix"]),
        ("Abcdef1", ["too_short"]),
        ("rEZA12345x", ["personal"]),
        ("Xkarimi99A", ["personal"]),
        ("A0012345679b", ["personal"]),
        ("Abcdefg1@", ["characters"]),
        ("Abc 1234x", ["characters"]),
        ("Abcdefg1\x00", ["characters"]),
        ("Abcdefg1\n", ["characters"]),
        ("", ["first_letter", "mix", "too_short"]),
        ("Aa1" + "x" * 125, []),
        ("Aa1" + "x" * 126, ["too_long"]),
    ],
)
def test_each_rule_has_its_own_code(password: str, broken: list[str]) -> None:
    assert passwords.problems(password, **PERSON) == broken


@pytest.mark.parametrize(
    "password",
    [
        "Password1",
        "PassWord1",
        "Password1!",
        "Password#2024",
        "Aa123456",
        "Aa123456!",
        "Qwerty123!",
        "Welcome1$",
        "Trustno1!",
        "Iloveyou99",
        "Sunshine1!",
    ],
)
def test_a_common_password_is_refused_however_it_is_decorated(password: str) -> None:
    assert passwords.problems(password) == []
    assert passwords.faults(password, About()) == ["common"]


@pytest.mark.parametrize(
    "password", [PASSWORD, "Monkey7302!", "Aa123456sabz", "Xpassword1", "Password1x", "Zx9&%$#!ab"]
)
def test_what_only_begins_with_a_short_one_or_goes_on_in_letters_is_not_common(password: str) -> None:
    assert not is_common(password)


def test_judging_a_password_asks_nobody_and_reads_the_lists_once(monkeypatch) -> None:
    passwords.faults("Warm1234", About())
    monkeypatch.setattr("builtins.open", None)
    monkeypatch.setattr("socket.socket", None)
    assert passwords.faults("Password1!", About()) == ["common"]
    assert passwords.faults(PASSWORD, About()) == []
    assert not is_common("a" * 1_000_000)


def test_djangos_validators_are_the_rules_in_their_order_and_then_the_strength() -> None:
    *rules, strong = get_default_password_validators()
    assert [validator.code for validator in rules] == list(passwords.RULES)
    assert [validator.get_help_text() for validator in rules] == list(map(str, passwords.RULES.values()))
    assert strong.get_help_text() == str(passwords.HINT)


def test_the_page_lists_the_guides_six_rules_and_our_hint() -> None:
    page = unescape(render_to_string("shared/_password_rules.html"))
    assert page.count("<li ") == 6
    assert str(passwords.HINT) in page


def test_the_guides_rules_are_judged_alone_and_what_keeps_them_may_still_be_weak() -> None:
    assert passwords.problems("Abcdefg1") == []
    assert passwords.faults("Abcdefg1", About()) == ["common"]


def test_how_easily_it_is_guessed_is_said_of_one_that_keeps_the_rules_only() -> None:
    assert passwords.faults("tehran1370", About()) == ["mix"]


def test_a_persons_unknown_names_forbid_nothing() -> None:
    assert passwords.problems(PASSWORD, first_name="", last_name="  ", national_id="") == []


def test_a_name_of_two_words_is_found_without_its_blank() -> None:
    assert passwords.problems("Xalireza99A", first_name="Ali Reza") == ["personal"]


def test_every_rule_has_a_sentence_of_its_own() -> None:
    sentences = [str(sentence) for sentence in passwords.SENTENCES.values()]
    assert len(set(sentences)) == len(sentences) == 7 + len(Weakness)


def test_django_asks_the_guide_wherever_a_password_is_set() -> None:
    reza = User(first_name="Reza", last_name="Karimi", national_id="0012345679")
    with pytest.raises(ValidationError) as caught:
        validate_password("reza@", reza)
    assert [error.code for error in caught.value.error_list] == ["mix", "too_short", "personal", "characters"]
    validate_password(PASSWORD, reza)


def test_the_hash_is_argon2id_with_the_parameters_of_the_design(real_hashing) -> None:
    encoded = passwords.hash_password("Abcdefg1!")
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert type(identify_hasher(encoded)).__name__ == "PortalArgon2Hasher"
    assert check_password("Abcdefg1!", encoded)
    assert not check_password("Abcdefg1", encoded)


def test_a_password_is_hashed_as_it_was_typed() -> None:
    encoded = passwords.hash_password("Abcdefg۱ ")
    assert check_password("Abcdefg۱ ", encoded)
    assert not check_password("Abcdefg1", encoded)


def test_a_longer_password_than_any_is_refused_before_hashing(hashing: list[str]) -> None:
    with pytest.raises(PortalError, match="password_too_long"):
        passwords.hash_password("Aa1" + "x" * 126)
    assert hashing == []


def test_an_old_hash_is_renewed_when_the_password_was_right(real_hashing) -> None:
    renewed: list[str] = []
    old = PBKDF2PasswordHasher().encode("Abcdefg1!", "saltsaltsalt", iterations=1000)
    assert not check_password("wrong", old, setter=renewed.append)
    assert check_password("Abcdefg1!", old, setter=renewed.append)
    assert renewed == ["Abcdefg1!"]
    weaker = make_password("Abcdefg1!").replace("m=19456", "m=8192")
    assert identify_hasher(weaker).must_update(weaker)


@pytest.mark.parametrize("typed", ["آبی", "ابی", "  آبي ", "آ‌بی", "آبی."])
def test_an_answer_is_the_same_however_the_keyboard_spells_it(typed: str) -> None:
    assert answers.answer_matches(typed, answers.hash_answer("آبی"))


def test_another_answer_does_not_match() -> None:
    encoded = answers.hash_answer("سبز")
    assert "سبز" not in encoded
    assert not answers.answer_matches("آبی", encoded)
    assert not answers.answer_matches("", encoded)
    assert not answers.answer_matches("سبز", "")


@pytest.mark.parametrize(
    ("answer", "code"), [("", "empty_answer"), (" .!؟", "empty_answer"), ("ب" * 129, "answer_too_long")]
)
def test_an_answer_that_says_nothing_is_refused(answer: str, code: str, hashing: list[str]) -> None:
    with pytest.raises(PortalError, match=code):
        answers.hash_answer(answer)
    assert hashing == []


def test_the_guides_question_comes_first_and_the_keys_fit_the_column() -> None:
    assert next(iter(questions.QUESTIONS)) == "favourite_colour"
    assert len(questions.QUESTIONS) == 8
    longest = User._meta.get_field("security_question").max_length or 0
    assert all(len(key) <= longest for key in questions.QUESTIONS)
