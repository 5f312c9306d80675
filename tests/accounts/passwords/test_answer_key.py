"""Answers that were hashed before keep opening the recovery, whatever the comparison of names learns."""

from __future__ import annotations

import pytest

from accounts.passwords import answers
from accounts.passwords.answer_key import answer_key

# Made by the release before names had two spellings, by Argon2id of the text beside it.
MADE_BEFORE = {
    "اسمعیلِ رحمن ۱۲": (
        "argon2$argon2id$v=19$m=19456,t=2,p=1$Nm95eHRYWHBIZGRkVGx5WElmNHRCWA"
        "$so9uMcjmzS4r/8KqPoKb9pdWVnHAOF5Seb6Rz8AjeXc"
    ),
    "عبداله آبي": (
        "argon2$argon2id$v=19$m=19456,t=2,p=1$eDNmZndCREt5VHRMZVZhNHNEcXpzVA"
        "$pA4SdYA7KeTcXatoYibFaKwLahbrOptVRXIYIbP0+NU"
    ),
}


@pytest.mark.parametrize("answer", MADE_BEFORE)
def test_an_answer_of_an_account_made_before_is_still_right(answer: str) -> None:
    assert answers.answer_matches(answer, MADE_BEFORE[answer])


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("اسمعیل رحمن 12", "اسمعیلِ رحمن ۱۲"), ("عبد‌اله آبی", "عبداله آبي"), ("عبدالـه ابی", "عبداله آبي")],
)
def test_what_did_not_count_then_does_not_count_now(typed: str, answer: str) -> None:
    assert answers.answer_matches(typed, MADE_BEFORE[answer])


@pytest.mark.parametrize(("typed", "answer"), [("اسماعیل رحمان ۱۲", "اسمعیلِ رحمن ۱۲"), ("عبدالله آبی", "عبداله آبي")])
def test_another_spelling_of_a_name_is_another_answer(typed: str, answer: str) -> None:
    assert not answers.answer_matches(typed, MADE_BEFORE[answer])


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ("  آبيِ آسماني ", "ابیاسمانی"),
        ("مؤمنة", "مومنه"),
        ("رحمٰن", "رحمن"),
        ("Fatemeh-۷٧7", "fatemeh777"),
        ("ﷲ", "الله"),
        ("خانۀ علاء", "خانهعلا"),
        ("…!", ""),
    ],
)
def test_the_key_of_an_answer_is_what_it_always_was(answer: str, key: str) -> None:
    assert answer_key(answer) == key
