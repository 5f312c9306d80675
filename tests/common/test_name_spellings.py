"""Old and present spellings of one name are the same name; two names never are."""

from __future__ import annotations

import itertools

import pytest

from common import persian
from common.name_spellings import BEFORE_ALLAH, SPELLINGS, in_present_spelling
from common.persian import NameMatch, compare_names

SAME = [
    ("ابرهیم", "ابراهیم"),
    ("محمد اسمعیل", "محمداسماعیل"),
    ("اسمعیل‌زاده", "اسماعیل زاده"),
    ("اسحق", "اسحاق"),
    ("سليمن", "سلیمان"),
    ("هرون", "هارون"),
    ("هرونی", "هارونی"),
    ("لقمن", "لقمان"),
    ("عمرن", "عمران"),
    ("عثمن", "عثمان"),
    ("رحمن", "رحمان"),
    ("رَحْمٰن", "رحمان"),
    ("عبدالرحمن", "عبد الرحمان"),
    ("رحمن پور", "رحمان‌پور"),
    ("محمد طاها", "محمدطه"),
    ("داوود", "داود"),
    ("طاووس", "طاوس"),
    ("کاووسی", "کاوسی"),
    ("رئوف", "رؤوف"),
    ("موسا", "موسی"),
    ("عیسا", "عیسى"),
    ("یحیا", "یحیی"),
    ("غلام مصطفا", "غلام‌مصطفی"),
    ("مرتضا", "مرتضی"),
    ("مجتبا", "مجتبی"),
    ("عبداله", "عبدالله"),
    ("عبد اله", "عبدالله"),
    ("عبداﷲ", "عبدالله"),
    ("عبدﷲ", "عبدالله"),
    ("روح‌اله", "روح الله"),
    ("نعمت اله", "نعمت‌الله"),
    ("آیت‌اله", "آیت‌الله"),
    ("عبداله زاده", "عبدالله‌زاده"),
]
DIFFERENT = [
    *itertools.combinations(("حسن", "حسین", "محسن", "احسان"), 2),
    *itertools.combinations(("رحیم", "رحمان", "رحمت", "رحمت‌الله", "رحمن‌الله"), 2),
    *itertools.combinations(("عبدالله", "عبیدالله", "عبداللهی", "عبدالهادی", "عبدالهی", "عباد"), 2),
    *itertools.combinations(("نورالله", "نورالهدی", "نوری", "نورا"), 2),
    *itertools.combinations(("روح‌الله", "روح‌الدین", "فتح‌الله", "نصرالله", "نصرت‌الله", "ولی‌الله", "ولی"), 2),
    *itertools.combinations(("ابراهیم", "ابراهیمی", "بهرام"), 2),
    *itertools.combinations(("اسماعیل", "اسماعیلی", "اسما"), 2),
    *itertools.combinations(("سلیمان", "سلمان", "سلیم", "سلیمانی"), 2),
    *itertools.combinations(("موسی", "موسوی", "موسایی", "عیسی"), 2),
    *itertools.combinations(("طه", "طاهر", "طاهره", "فاطمه"), 2),
    ("کریم", "کرم"),
    ("ملک", "مالک"),
    ("خالد", "خلد"),
    ("صالح", "صلح"),
    ("لیلی", "لیلا"),
    ("رضا", "رضی"),
    ("عمر", "عمران"),
    ("لقمان", "لقا"),
    ("محمد", "محمود"),
    ("احمد", "حامد"),
    ("اسدالله", "اسد"),
    ("فرحمند", "فرحماند"),
    ("شهروندی", "شهاروندی"),
    ("داوودی", "دادی"),
    ("الهام", "اللهام"),
    ("زهرا", "زهره"),
    ("علی", "اعلا"),
    ("یحیی", "یحیایی"),
]


def both_ways(one: str, other: str) -> set[NameMatch]:
    return {compare_names(one, other), compare_names(other, one)}


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_of_one_name_are_the_same(one: str, other: str) -> None:
    assert both_ways(one, other) == {NameMatch.SAME}


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_names_stay_different(one: str, other: str) -> None:
    assert both_ways(one, other) == {NameMatch.DIFFERENT}


@pytest.mark.parametrize("row", SPELLINGS, ids=lambda row: row.old)
def test_every_row_has_a_source_joins_its_pair_and_is_written_as_a_key(row) -> None:
    assert row.source
    assert both_ways(row.old, row.present) == {NameMatch.SAME}
    assert [persian.name_key(spelling) for spelling in (row.old, row.present)] == [row.old, row.present]


@pytest.mark.parametrize("before", BEFORE_ALLAH)
def test_allah_with_one_lam_is_the_same_name(before: str) -> None:
    assert both_ways(f"{before}‌اله", f"{before}الله") == {NameMatch.SAME}


def test_no_two_rows_join_two_names_that_another_row_keeps_apart() -> None:
    names = {in_present_spelling(row.present) for row in SPELLINGS}
    assert len(names) == len({row.present for row in SPELLINGS})


def test_a_seyyed_beside_an_old_spelling_is_still_for_a_person() -> None:
    assert both_ways("سید اسمعیل", "اسماعیل") == {NameMatch.FOR_A_PERSON}


@pytest.mark.parametrize("name", ["حاجی" * 25, "محمدعلی" * 14, "ی" * 100])
def test_no_name_is_slow_to_compare(name: str) -> None:
    assert in_present_spelling(name) == name
