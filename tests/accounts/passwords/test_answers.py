"""How security answers are stored: useless to whoever has the table alone; those stored before are read too."""

from __future__ import annotations

from django.conf import settings as portal
from django.contrib.auth.hashers import make_password

from accounts.passwords import answers
from accounts.passwords.answer_key import answer_key

FEW = ["آبی", "سبز", "قرمز", "زرد"]  # all that a thief of the table has to try


def test_what_is_stored_tells_neither_the_answer_nor_the_key_nor_who_has_the_same(hashing: list[str]) -> None:
    stored = [answers.hash_answer("آبی") for _ in range(2)]
    assert stored[0] != stored[1]
    assert all("آبی" not in each and portal.ANSWER_HASH_KEY not in each and len(each) <= 200 for each in stored)
    assert answers.answer_matches(" آبي ", stored[0])
    assert not answers.answer_matches("سبز", stored[0])
    assert hashing == []  # neither takes a place among the slow hashes


def test_without_the_key_every_answer_is_as_wrong_as_any_other(rotate) -> None:
    stored = answers.hash_answer("آبی")
    rotate("ANSWER_HASH_KEY", keep=False)
    assert [answer for answer in FEW if answers.answer_matches(answer, stored)] == []


def test_under_a_key_before_it_is_right_and_due_to_be_made_anew(rotate) -> None:
    stored = answers.hash_answer("آبی")
    assert answers.is_current(stored)
    for _ in range(2):
        rotate("ANSWER_HASH_KEY")
        assert answers.answer_matches("آبی", stored)
        assert not answers.answer_matches("سبز", stored)
        assert not answers.is_current(stored)


def test_by_argon2id_it_is_right_slow_and_due_to_be_made_anew() -> None:
    stored = make_password(answer_key("آبی"))
    assert answers.answer_matches("ابی", stored)
    assert not answers.answer_matches("سبز", stored)
    assert answers.is_slow(stored)
    assert not answers.is_current(stored)
    assert not answers.is_slow(answers.hash_answer("آبی"))


def test_nothing_stored_and_a_salt_moved_to_another_row_match_nothing() -> None:
    assert not answers.answer_matches("آبی", "")
    mine, yours = (answers.hash_answer(answer).split("$") for answer in ("آبی", "سبز"))
    assert not answers.answer_matches("آبی", "$".join([*mine[:2], yours[2], mine[3]]))
