"""Claim + record → verdict: every field, every outcome."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identity import person
from identity.matching import Outcome, compare, decide
from identity.person import DECISIVE, FIELDS, FieldVerdict, PersonRecord
from tests.support.claims import CLAIM, RECORD
from tests.support.paths import ROOT
from tests.support.persian_input import VECTORS

OTHER = {
    "last_name": "احمدی",
    "first_name": "علی",
    "birth_date": dt.date(1991, 8, 9),
    "gender": "female",
    "certificate_number": "1255",
    "series_letter": "ب",
    "series_number": "06",
    "certificate_serial": "001235",
}


def test_every_field_has_a_rule() -> None:
    assert set(DECISIVE) == set(FIELDS) - {"birth_unknown"} == set(OTHER)  # that one is compared with the birth date


def test_the_table_in_the_docs_is_the_one_at_the_top_of_the_code() -> None:
    docs = (ROOT / "docs" / "matching.md").read_text("utf-8")
    tables = [[line for line in text.splitlines() if line.startswith("|")] for text in (docs, person.__doc__ or "")]
    assert tables[0] == tables[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in tables[0][2:]]
    assert [row[0] for row in rows] == list(DECISIVE)
    assert [row[2] == "a person looks" for row in rows] == [rule.needed for rule in DECISIVE.values()]


def test_everything_equal_is_a_match() -> None:
    verdict = compare(CLAIM, RECORD)
    assert (verdict.outcome, verdict.kind) == (Outcome.MATCH, "")
    assert verdict.fields == dict.fromkeys(DECISIVE, "match")


@pytest.mark.parametrize("name", OTHER)
def test_one_differing_field_is_a_mismatch_of_that_field_alone(name: str) -> None:
    verdict = compare(CLAIM, replace(RECORD, **{name: OTHER[name]}))
    assert (verdict.outcome, verdict.kind) == (Outcome.MISMATCH, "identity")
    assert verdict.fields == dict.fromkeys(DECISIVE, "match") | {name: "mismatch"}


@pytest.mark.parametrize("name", OTHER)
def test_a_field_the_registry_does_not_return_is_unknown(name: str) -> None:
    verdict = compare(CLAIM, replace(RECORD, **{name: None}))
    assert verdict.fields[name] == "unknown"
    # A name that nobody compared may not lead to an account; the rest may be missing.
    expected = Outcome.NEEDS_A_PERSON if name in ("first_name", "last_name") else Outcome.MATCH
    assert verdict.outcome is expected


def test_an_answer_that_holds_nothing_is_never_a_match() -> None:
    assert compare(CLAIM, PersonRecord()).outcome is Outcome.NEEDS_A_PERSON


@pytest.mark.parametrize("name", ["first_name", "last_name", "gender"])
def test_an_empty_text_from_the_registry_counts_as_not_returned(name: str) -> None:
    assert compare(CLAIM, replace(RECORD, **{name: ""})).fields[name] == "unknown"


@pytest.mark.parametrize("name", ["series_letter", "series_number", "certificate_serial"])
def test_what_the_registry_says_is_not_there_cannot_be_made_up(name: str) -> None:
    record = replace(RECORD, **{name: ""})
    verdict = compare(CLAIM, replace(record, tells_what_is_not_there=True))
    assert verdict.fields[name] == "needs_a_person"
    assert verdict.outcome is Outcome.NEEDS_A_PERSON
    assert compare(CLAIM, record).fields[name] == "unknown"  # of a registry whose empty text says nothing


def test_the_deceased_are_told_apart_whatever_else_differs() -> None:
    for record in (replace(RECORD, deceased=True), replace(RECORD, deceased=True, last_name="احمدی")):
        verdict = compare(CLAIM, record)
        assert (verdict.outcome, verdict.kind) == (Outcome.DECEASED, "identity")


@pytest.mark.parametrize("claimed", ["0", "12345679", "0012345679", ""])
@pytest.mark.parametrize("known", ["0", "", "0012345679", "12345679", "۰"])
def test_zero_blank_and_the_own_national_id_are_one_certificate_number(claimed: str, known: str) -> None:
    verdict = compare(replace(CLAIM, certificate_number=claimed), replace(RECORD, certificate_number=known))
    assert verdict.outcome is Outcome.MATCH


@pytest.mark.parametrize(
    ("claimed", "known"), [("0", "1254"), ("1254", ""), ("1254", "0012345679"), ("0123456789", "0")]
)
def test_a_real_certificate_number_equals_only_itself(claimed: str, known: str) -> None:
    verdict = compare(replace(CLAIM, certificate_number=claimed), replace(RECORD, certificate_number=known))
    assert verdict.fields["certificate_number"] == "mismatch"


@pytest.mark.parametrize(
    ("name", "claimed", "known"),
    [
        ("certificate_serial", "001234", "1234"),
        ("certificate_serial", "001234", "۱۲۳۴"),
        ("series_number", "05", "5"),
        ("series_letter", "الف", "ا"),
        ("series_letter", "11", "۱۱"),
        ("last_name", "کریمی", "كريمي"),
        ("first_name", "علی‌اکبر", "علي اكبر"),
    ],
)
def test_spelling_and_leading_zeros_do_not_matter(name: str, claimed: str, known: str) -> None:
    verdict = compare(replace(CLAIM, **{name: claimed}), replace(RECORD, **{name: known}))
    assert verdict.outcome is Outcome.MATCH


@pytest.mark.parametrize("name", ["first_name", "last_name"])
@pytest.mark.parametrize(
    ("group", "expected"),
    [("equal", Outcome.MATCH), ("different", Outcome.MISMATCH), ("for_a_person", Outcome.NEEDS_A_PERSON)],
)
def test_every_pair_of_names_in_the_vectors(name: str, group: str, expected: Outcome) -> None:
    for one, other in VECTORS["names"][group]:
        for claimed, known in ((one, other), (other, one)):
            verdict = compare(replace(CLAIM, **{name: claimed}), replace(RECORD, **{name: known}))
            assert verdict.outcome is expected, (claimed, known)


SPELLINGS = {"ی": "ىيﻲ", "ک": "كﻙ", "ا": "اﺍ", "ه": "هﻩ"}


def written_by_somebody_else(name: str, draw: st.DataObject) -> str:
    """The same name in other letters, spaces and joiners."""
    letters = [draw.draw(st.sampled_from(SPELLINGS.get(letter, letter) + letter)) for letter in name]
    fillers = st.sampled_from(["", " ", "\u200c", "\u200d", "\u200f", "ـ"])
    return "".join(letter + draw.draw(fillers) for letter in letters)


@given(st.sampled_from(VECTORS["names"]["different"]), st.data())
def test_no_way_of_writing_joins_two_different_names(pair: list[str], draw: st.DataObject) -> None:
    claimed, known = (written_by_somebody_else(name, draw) for name in pair)
    for name in ("first_name", "last_name"):
        verdict = compare(replace(CLAIM, **{name: claimed}), replace(RECORD, **{name: known}))
        assert verdict.outcome is Outcome.MISMATCH, (claimed, known)


@given(st.sampled_from(VECTORS["names"]["equal"]), st.data())
def test_no_way_of_writing_parts_two_equal_names(pair: list[str], draw: st.DataObject) -> None:
    claimed, known = (written_by_somebody_else(name, draw) for name in pair)
    assert compare(replace(CLAIM, last_name=claimed), replace(RECORD, last_name=known)).outcome is Outcome.MATCH


def test_a_plain_mismatch_outweighs_a_near_one() -> None:
    verdict = compare(CLAIM, replace(RECORD, first_name="سید رضا", gender="female"))
    assert verdict.outcome is Outcome.MISMATCH
    assert verdict.fields["first_name"] == "needs_a_person"


@given(st.dictionaries(st.sampled_from(sorted(DECISIVE)), st.sampled_from(FieldVerdict)), st.booleans())
def test_a_match_needs_both_names_and_no_objection(judged: dict[str, FieldVerdict], deceased: bool) -> None:
    verdict = decide(judged, deceased=deceased)
    names_match = all(judged.get(name) is FieldVerdict.MATCH for name in ("first_name", "last_name"))
    objections = set(judged.values()) - {FieldVerdict.MATCH, FieldVerdict.UNKNOWN}
    assert (verdict.outcome is Outcome.MATCH) == (names_match and not objections and not deceased)
    assert (verdict.kind == "") == (verdict.outcome is Outcome.MATCH)


def test_a_claim_does_not_show_itself_in_a_log_line() -> None:
    for value in (CLAIM, RECORD):
        assert "کریمی" not in f"{value!r} {value}"
        assert "0012345679" not in f"{value!r} {value}"
