"""A certificate without series or serial, a birth date without day or month: what a claim that leaves them out gets.

Nobody may leave out what they do not know: that is never a match, unless the registry has nothing there either.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import chain, combinations
from typing import Any

import pytest

from common import persian
from identity.matching import Outcome, compare
from identity.models import CivilRecord
from identity.person import DECISIVE, NOT_THERE, BirthUnknown, Claim, PersonRecord
from identity.registries import reading
from identity.registries.base import Inquiry, Reply
from identity.registries.demo import CITIZENS, DemoRegistry, Plot
from identity.registries.local import LocalRegistry
from tests.support.claims import CLAIM, RECORD
from tests.support.extract_files import civil, line

MAY_BE_ABSENT = [name for name, rule in DECISIVE.items() if rule.may_be_absent]
LEFT_OUT = [set(some) for some in chain.from_iterable(combinations(MAY_BE_ABSENT, n) for n in (1, 2, 3))]
YEAR, MONTH, DAY = (persian.parse_jalali(text) for text in ("1370/01/01", "1370/05/01", "1370/05/17"))


def without(names: set[str]) -> Claim:
    return replace(CLAIM, **dict.fromkeys(names, NOT_THERE))


def test_series_and_serial_are_what_may_be_absent() -> None:
    assert MAY_BE_ABSENT == ["series_letter", "series_number", "certificate_serial"]


@pytest.mark.parametrize("names", LEFT_OUT, ids=lambda names: "+".join(sorted(names)))
class TestLeftOut:
    def test_it_matches_a_registry_that_says_there_is_none(self, names: set[str]) -> None:
        none = replace(RECORD, **dict.fromkeys(names, ""), tells_what_is_not_there=True)
        verdict = compare(without(names), none)
        assert verdict.outcome is Outcome.MATCH
        assert {verdict.fields[name] for name in names} == {"match"}

    def test_a_person_looks_where_the_registry_has_one(self, names: set[str]) -> None:
        verdict = compare(without(names), RECORD)
        assert (verdict.outcome, verdict.kind) == (Outcome.NEEDS_A_PERSON, "identity")
        assert {name for name, said in verdict.fields.items() if said == "needs_a_person"} == names

    def test_a_person_looks_where_the_registry_does_not_say(self, names: set[str]) -> None:
        for silent in (None, ""):
            record = replace(RECORD, **dict.fromkeys(names, silent))
            assert compare(without(names), record).outcome is Outcome.NEEDS_A_PERSON

    def test_it_does_not_hide_that_another_field_differs(self, names: set[str]) -> None:
        assert compare(without(names), replace(RECORD, last_name="احمدی")).outcome is Outcome.MISMATCH


@pytest.mark.parametrize("zero", ["0", "000000"])
def test_a_serial_of_zeros_is_none(zero: str) -> None:
    record = replace(RECORD, certificate_serial=zero)
    assert compare(without({"certificate_serial"}), record).outcome is Outcome.MATCH


@pytest.mark.parametrize(
    ("claimed", "known", "expected"),
    [
        ((DAY, ""), (DAY, ""), Outcome.MATCH),
        ((MONTH, "day"), (MONTH, "day"), Outcome.MATCH),
        ((YEAR, "month"), (YEAR, "month"), Outcome.MATCH),
        ((YEAR, "month"), (DAY, ""), Outcome.NEEDS_A_PERSON),
        ((MONTH, "day"), (DAY, ""), Outcome.NEEDS_A_PERSON),
        ((DAY, ""), (YEAR, "month"), Outcome.NEEDS_A_PERSON),
        ((YEAR, "month"), (MONTH, "day"), Outcome.NEEDS_A_PERSON),
        ((YEAR, ""), (YEAR, "month"), Outcome.NEEDS_A_PERSON),  # the first day of the year, and a year
        ((YEAR, "month"), (None, ""), Outcome.NEEDS_A_PERSON),
        ((persian.parse_jalali("1371/01/01"), "month"), (DAY, ""), Outcome.MISMATCH),
        ((persian.parse_jalali("1370/06/01"), "day"), (DAY, ""), Outcome.MISMATCH),
        ((persian.parse_jalali("1371/01/01"), "month"), (YEAR, "month"), Outcome.MISMATCH),
    ],
)
def test_a_date_that_is_not_known_whole(
    claimed: tuple[dt.date, str], known: tuple[dt.date | None, str], expected: Outcome
) -> None:
    claim = replace(CLAIM, birth_date=claimed[0], birth_unknown=claimed[1])
    record = replace(RECORD, birth_date=known[0], birth_unknown=known[1])
    assert compare(claim, record).outcome is expected


@pytest.mark.parametrize("text", ["", " ", "\u200c"])
def test_an_empty_series_of_a_provider_is_none_and_a_strange_one_is_not_returned(text: str) -> None:
    assert reading.series(text) == ("", "")
    assert reading.series(None) == reading.series("?") == (None, None)


@pytest.mark.django_db
class TestAnExtract:
    def answer(self, **changes: Any) -> tuple[Reply, Outcome | None]:
        claim = replace(CLAIM, series_number="12", certificate_serial="345678", **changes)
        answer = LocalRegistry(name="local", options={}).person(Inquiry(claim))
        return answer.reply, answer.record and compare(claim, answer.record).outcome

    def test_its_blank_series_and_serial_are_none(self) -> None:
        civil(line(birth_certificate_series="", birth_certificate_serial=" "))
        record = CivilRecord.objects.get()
        assert (record.series_letter, record.series_number, record.certificate_serial) == ("", "", "")
        claim = without(set(MAY_BE_ABSENT))
        answer = LocalRegistry(name="local", options={}).person(Inquiry(claim))
        assert answer.record is not None
        assert compare(claim, answer.record).outcome is Outcome.MATCH

    @pytest.mark.parametrize(
        ("cell", "first", "unknown"),
        [
            ("1370/05/17", DAY, BirthUnknown.NOTHING),
            ("1370/05/00", MONTH, BirthUnknown.DAY),
            ("1370-5-0", MONTH, BirthUnknown.DAY),
            ("۱۳۷۰/۰۰/۰۰", YEAR, BirthUnknown.MONTH),
        ],
    )
    def test_its_date_may_have_zeros(self, cell: str, first: dt.date, unknown: BirthUnknown) -> None:
        civil(line(birth_date=cell))
        record = CivilRecord.objects.get()
        assert (record.birth_date, record.birth_unknown) == (first, unknown)

    @pytest.mark.parametrize("cell", ["1370/00/17", "0000/00/00", "1991/00/00", "1370/13/00", "1499/00/00"])
    def test_other_zeros_are_no_date(self, cell: str) -> None:
        report = civil(line(birth_date=cell), line(national_id="0123456789"), skip_bad=True)
        assert [bad.column for bad in report.bad_lines] == ["birth_date"]

    def test_who_knows_the_year_alone_is_found_by_it(self) -> None:
        civil(line(birth_date="1370/00/00"))
        assert self.answer(birth_date=YEAR, birth_unknown="month") == (Reply.ANSWERED, Outcome.MATCH)
        assert self.answer(birth_date=DAY) == (Reply.ANSWERED, Outcome.NEEDS_A_PERSON)
        other = persian.parse_jalali("1371/01/01")
        assert self.answer(birth_date=other, birth_unknown="month") == (Reply.NOT_FOUND, None)

    def test_who_leaves_out_a_day_that_is_known_is_looked_at(self) -> None:
        civil(line())
        assert self.answer(birth_date=YEAR, birth_unknown="month") == (Reply.ANSWERED, Outcome.NEEDS_A_PERSON)
        assert self.answer(birth_date=MONTH, birth_unknown="day") == (Reply.ANSWERED, Outcome.NEEDS_A_PERSON)


class TestADemo:
    def outcome(self, citizen: Any, **changes: Any) -> Outcome:
        claim = Claim(
            **{name: getattr(citizen, name) for name in Claim.__dataclass_fields__ if name != "mobile"} | changes,
            mobile=persian.parse_mobile(citizen.mobile),
        )
        answer = DemoRegistry(name="demo", options={}).person(Inquiry(claim))
        return compare(claim, answer.record or PersonRecord()).outcome

    def test_the_citizen_whose_certificate_has_neither_gets_an_account(self) -> None:
        [citizen] = [one for one in CITIZENS if one.plot is Plot.OLD_CERTIFICATE]
        assert citizen.series_letter == citizen.series_number == citizen.certificate_serial == NOT_THERE
        assert self.outcome(citizen) is Outcome.MATCH

    @pytest.mark.parametrize(
        "changes", [{"certificate_serial": ""}, {"birth_date": YEAR, "birth_unknown": "month"}], ids=["serial", "day"]
    )
    def test_the_others_cannot_leave_out_what_the_registry_knows(self, changes: dict[str, Any]) -> None:
        assert self.outcome(CITIZENS[0], **changes) is Outcome.NEEDS_A_PERSON
