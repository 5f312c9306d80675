"""common.persian against the vectors every implementation must agree on, and its properties."""

from __future__ import annotations

import datetime as dt
import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import persian
from tests.support.persian_input import VECTORS

PERSIAN_TEXT = st.text(alphabet="ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهیئءآأإؤةۀيكىًٌٍَُِّْـ ‌-۰۱۲۳٤٥٦789", max_size=30)


@pytest.mark.parametrize("text", VECTORS["national_id"]["valid"])
def test_a_valid_national_id_becomes_its_ten_ascii_digits(text: str) -> None:
    number = persian.parse_national_id(text)
    assert re.fullmatch("[0-9]{10}", number)
    assert persian.parse_national_id(persian.to_persian_digits(number)) == number


@pytest.mark.parametrize("text", VECTORS["national_id"]["invalid"])
def test_an_invalid_national_id_is_refused(text: str) -> None:
    with pytest.raises(persian.InputError):
        persian.parse_national_id(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [("", "required"), ("۱۲۳۴۵۶۷۸", "length"), ("0012345678", "checksum"), ("3333333333", "equal_digits")],
)
def test_a_refused_national_id_names_the_rule(text: str, code: str) -> None:
    with pytest.raises(persian.InputError) as refused:
        persian.parse_national_id(text)
    assert refused.value.code == code


@pytest.mark.parametrize(("text", "number"), VECTORS["mobile"]["valid"].items())
def test_a_mobile_however_written_is_one_e164_number(text: str, number: str) -> None:
    assert persian.parse_mobile(text) == number
    assert persian.parse_mobile(persian.local_mobile(number)) == number


@pytest.mark.parametrize("text", VECTORS["mobile"]["invalid"])
def test_what_is_not_an_iranian_mobile_is_refused(text: str) -> None:
    with pytest.raises(persian.InputError):
        persian.parse_mobile(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [("02188888888", "landline"), ("+905321234567", "foreign"), ("00905321234567", "foreign"), ("0912", "mobile")],
)
def test_a_refused_mobile_says_what_it_is_instead(text: str, code: str) -> None:
    with pytest.raises(persian.InputError) as refused:
        persian.parse_mobile(text)
    assert refused.value.code == code


def test_a_masked_mobile_hides_the_middle() -> None:
    assert persian.mask_mobile("+989121234567") == "0912•••4567"


@pytest.mark.parametrize(("text", "gregorian"), VECTORS["jalali_date"]["valid"].items())
def test_a_jalali_date_becomes_its_gregorian_date(text: str, gregorian: str) -> None:
    assert persian.parse_jalali(text) == dt.date.fromisoformat(gregorian)


@pytest.mark.parametrize("text", VECTORS["jalali_date"]["invalid"])
def test_an_impossible_or_gregorian_date_is_refused(text: str) -> None:
    with pytest.raises(persian.InputError):
        persian.parse_jalali(text)


@given(st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(2100, 1, 1)))
def test_a_date_survives_being_shown_and_typed_again(date: dt.date) -> None:
    shown = persian.format_jalali(date)
    assert persian.parse_jalali(shown) == date
    assert not any(character.isascii() and character.isdigit() for character in shown)


@pytest.mark.parametrize(("one", "other"), VECTORS["names"]["equal"])
def test_names_that_differ_in_spelling_only_are_the_same(one: str, other: str) -> None:
    assert persian.compare_names(one, other) is persian.NameMatch.SAME
    assert persian.compare_names(other, one) is persian.NameMatch.SAME


def test_the_quick_key_of_an_ordinary_name_is_the_one_by_the_rule():
    letters = persian._ORDINARY
    assert len(letters) > 40
    for text in itertools.chain(letters, map("".join, itertools.product(letters, repeat=2))):
        assert persian.name_key(text) == persian._key_by_the_rule(text)
    assert persian.name_key("آ\u0654رش") == persian._key_by_the_rule("آ\u0654رش")  # a mark: not ordinary


@pytest.mark.parametrize(("one", "other"), VECTORS["names"]["different"])
def test_different_names_are_never_joined(one: str, other: str) -> None:
    assert persian.compare_names(one, other) is persian.NameMatch.DIFFERENT
    assert persian.compare_names(other, one) is persian.NameMatch.DIFFERENT


@pytest.mark.parametrize(("one", "other"), VECTORS["names"]["for_a_person"])
def test_a_seyyed_that_one_side_leaves_out_is_for_a_person(one: str, other: str) -> None:
    assert persian.compare_names(one, other) is persian.NameMatch.FOR_A_PERSON
    assert persian.compare_names(other, one) is persian.NameMatch.FOR_A_PERSON


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("سیده زهرا", "زهرا", persian.NameMatch.FOR_A_PERSON),
        ("سید هادی", "هادی", persian.NameMatch.FOR_A_PERSON),
        ("سیده زهرا السادات", "زهرا", persian.NameMatch.FOR_A_PERSON),
        ("سید محمد", "محمد سادات", persian.NameMatch.FOR_A_PERSON),
        ("سیدمحمد", "سید محمد", persian.NameMatch.SAME),
        ("سید محمد", "احمد", persian.NameMatch.DIFFERENT),
        ("سید", "سادات", persian.NameMatch.DIFFERENT),
        ("سید", "", persian.NameMatch.DIFFERENT),
    ],
)
def test_the_honorific_rule_at_its_edges(one: str, other: str, expected: persian.NameMatch) -> None:
    assert persian.compare_names(one, other) is expected


@given(PERSIAN_TEXT | st.text(max_size=30))
def test_the_name_key_is_idempotent(name: str) -> None:
    assert persian.name_key(persian.name_key(name)) == persian.name_key(name)


@given(PERSIAN_TEXT)
def test_the_name_key_does_not_depend_on_the_digit_script(name: str) -> None:
    assert persian.name_key(persian.to_persian_digits(name)) == persian.name_key(persian.fold_digits(name))


@given(PERSIAN_TEXT, st.sampled_from([" ", "  ", "\u200c", "\u200d", "\u00a0", "-", "\u200f", "ـ"]), st.integers(0, 30))
def test_the_name_key_does_not_depend_on_spacing_or_joiners(name: str, filler: str, place: int) -> None:
    spaced = name[:place] + filler + name[place:]
    assert persian.name_key(spaced) == persian.name_key(name)
    assert persian.name_key(filler.join(name)) == persian.name_key(name)


@pytest.mark.parametrize("typed", VECTORS["birth_certificate"]["valid"])
def test_a_valid_birth_certificate_series_and_serial(typed: list[str]) -> None:
    letter, number, serial = typed
    assert persian.parse_series_letter(letter) in persian.SERIES_LETTERS
    assert len(persian.parse_series_number(number)) == 2
    assert len(persian.parse_serial(serial)) == 6


@pytest.mark.parametrize("typed", VECTORS["birth_certificate"]["invalid"])
def test_an_invalid_birth_certificate_series_or_serial(typed: list[str]) -> None:
    letter, number, serial = typed
    with pytest.raises(persian.InputError):
        persian.parse_series_letter(letter), persian.parse_series_number(number), persian.parse_serial(serial)


@pytest.mark.parametrize(
    ("typed", "number"), [("۱۲۵۴", "1254"), ("0", "0"), ("000", "0"), ("0012345679", "12345679"), (" 12 ", "12")]
)
def test_a_certificate_number_is_kept_without_leading_zeros(typed: str, number: str) -> None:
    assert persian.parse_certificate_number(typed) == number


@pytest.mark.parametrize("typed", ["", "12345678901", "12a", "²"])
def test_an_impossible_certificate_number_is_refused(typed: str) -> None:
    with pytest.raises(persian.InputError):
        persian.parse_certificate_number(typed)


def test_folding_keeps_a_name_readable() -> None:
    assert persian.fold(" علي‌اكبر\u200f ") == "علی‌اکبر"
