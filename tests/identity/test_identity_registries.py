"""The two embedded registries: the imported extract, and the demo citizens beside it."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from common import persian
from identity import demo_extract, services
from identity.matching import Outcome
from identity.person import Claim
from identity.registries.base import Inquiry, Reply
from identity.registries.demo import CITIZENS, DemoCitizen, Plot
from identity.registries.local import LocalRegistry

CIVIL = (
    "national_id,first_name,last_name,birth_date,gender,birth_certificate_number,birth_certificate_series,"
    "birth_certificate_serial,deceased\n"
    "0012345679,رضا,کریمی,1370/05/17,male,1254,الف12,345678,0\n"
    "0123456789,زهرا,احمدی,1365/11/02,female,,1105,001234,1\n"
)
OWNERS = "national_id,mobile\n0012345679,09121234567\n0012345679,09351234567\n0123456789,09121234568\n"
LOCAL = LocalRegistry(name="local", options={})
REZA = Claim(
    national_id="0012345679",
    mobile="+989121234567",
    first_name="رضا",
    last_name="کریمی",
    birth_date=dt.date(1991, 8, 8),
    gender="male",
    certificate_number="1254",
    series_letter="الف",
    series_number="12",
    certificate_serial="345678",
)


def load_both() -> None:
    services.load_civil_registry(source=io.BytesIO(CIVIL.encode()))
    services.load_mobile_owners(source=io.BytesIO(OWNERS.encode()))


def index_only(statement: str) -> bool:
    """Whether the database can answer `statement` from the index of mobiles alone, without reading their rows."""
    on_postgresql = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if on_postgresql:  # which would read a table this small as a whole
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"{'EXPLAIN' if on_postgresql else 'EXPLAIN QUERY PLAN'} {statement}")
        plan = "\n".join(str(line[-1]) for line in cursor.fetchall())
    return ("Index Only Scan using one_row_per_owner" if on_postgresql else "SEARCH found USING COVERING INDEX") in plan


def claim_of(citizen: DemoCitizen, **changes: Any) -> Claim:
    """What a person who types the citizen's values claims, through the parsers the forms use."""
    claim = Claim(
        national_id=persian.parse_national_id(citizen.national_id),
        mobile=persian.parse_mobile(citizen.mobile),
        first_name=citizen.first_name,
        last_name=citizen.last_name,
        birth_date=persian.parse_jalali(citizen.born),
        gender=citizen.gender,
        certificate_number=persian.parse_certificate_number(citizen.certificate_number),
        series_letter=citizen.series_letter and persian.parse_series_letter(citizen.series_letter),
        series_number=citizen.series_number and persian.parse_series_number(citizen.series_number),
        certificate_serial=citizen.certificate_serial and persian.parse_serial(citizen.certificate_serial),
    )
    return replace(claim, **changes)


def citizen(plot: Plot) -> DemoCitizen:
    return next(one for one in CITIZENS if one.plot is plot)


@pytest.mark.django_db
class TestLocal:
    def test_without_an_extract_it_is_misconfigured_not_not_found(self) -> None:
        assert LOCAL.owner(Inquiry(REZA)).reply is Reply.MISCONFIGURED
        assert LOCAL.person(Inquiry(REZA)).reply is Reply.MISCONFIGURED

    def test_the_extracts_are_independent_of_each_other(self) -> None:
        services.load_mobile_owners(source=io.BytesIO(OWNERS.encode()))
        assert LOCAL.owner(Inquiry(REZA)).is_owner
        assert LOCAL.person(Inquiry(REZA)).reply is Reply.MISCONFIGURED

    @pytest.mark.parametrize(
        ("mobile", "theirs"),
        [("+989121234567", True), ("+989351234567", True), ("+989121234568", False), ("+989120000000", False)],
        ids=["theirs", "their second", "another's", "nobody's"],
    )
    def test_whose_mobile_it_is(self, mobile: str, theirs: bool) -> None:
        load_both()
        answer = LOCAL.owner(Inquiry(replace(REZA, mobile=mobile)))
        assert (answer.reply, answer.is_owner) == (Reply.ANSWERED, theirs)

    def test_a_person_is_found_by_id_and_birth_date(self) -> None:
        load_both()
        record = LOCAL.person(Inquiry(REZA)).record
        assert record is not None
        assert (record.last_name, record.series_letter, record.series_number) == ("کریمی", "الف", "12")

    @pytest.mark.parametrize(
        "changes",
        [{"birth_date": dt.date(1991, 8, 9)}, {"national_id": "1234567891"}],
        ids=["wrong date", "unknown id"],
    )
    def test_a_wrong_date_is_not_found_like_an_unknown_id(self, changes: dict[str, Any]) -> None:
        load_both()
        answer = LOCAL.person(Inquiry(replace(REZA, **changes)))
        assert (answer.reply, answer.record) == (Reply.NOT_FOUND, None)

    def test_each_question_is_one_statement(self, django_assert_num_queries: Any) -> None:
        # Two statements could see two generations, and call somebody not found who is in both.
        load_both()
        with django_assert_num_queries(1):
            LOCAL.person(Inquiry(REZA))
        with django_assert_num_queries(1):
            LOCAL.owner(Inquiry(REZA))

    def test_whose_a_mobile_is_stands_in_the_index(self, django_assert_num_queries: Any) -> None:
        # Among millions of mobiles the row is nearly always a page that has to be fetched.
        load_both()
        with django_assert_num_queries(1) as asked:
            LOCAL.owner(Inquiry(REZA))
        assert index_only(asked.captured_queries[0]["sql"])


@pytest.mark.django_db
class TestLocalThroughACheck:
    @pytest.fixture(autouse=True)
    def _extracts(self, settings: Any) -> None:
        settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["local"]
        load_both()

    @pytest.mark.parametrize(
        ("changes", "outcome", "kind"),
        [
            ({}, Outcome.MATCH, ""),
            ({"last_name": "كريمي"}, Outcome.MATCH, ""),
            ({"first_name": "سید رضا"}, Outcome.NEEDS_A_PERSON, "identity"),
            ({"last_name": "احمدی"}, Outcome.MISMATCH, "identity"),
            ({"birth_date": dt.date(1991, 8, 9)}, Outcome.NOT_FOUND, "identity"),
            ({"mobile": "+989121234568"}, Outcome.MISMATCH, "owner"),
            ({"national_id": "1234567891"}, Outcome.MISMATCH, "owner"),
        ],
    )
    def test_what_a_claim_comes_to(self, changes: dict[str, Any], outcome: Outcome, kind: str) -> None:
        verdict = services.check(claim=replace(REZA, **changes), attempt=1)
        assert (verdict.outcome, verdict.kind) == (outcome, kind)

    def test_the_deceased(self) -> None:
        zahra = replace(
            REZA, national_id="0123456789", mobile="+989121234568", birth_date=persian.parse_jalali("1365/11/02")
        )
        verdict = services.check(claim=zahra, attempt=1)
        assert (verdict.outcome, verdict.kind) == (Outcome.DECEASED, "identity")

    def test_a_blank_certificate_number_equals_zero(self) -> None:
        zahra = replace(REZA, national_id="0123456789", birth_date=persian.parse_jalali("1365/11/02"))
        for typed, verdict in (("0", "match"), ("123456789", "match"), ("7", "mismatch")):
            view = services.registry_view(claim=replace(zahra, certificate_number=typed))
            assert view.fields["certificate_number"] == verdict


@pytest.mark.django_db
class TestDemo:
    @pytest.fixture(autouse=True)
    def _demo(self, settings: Any) -> None:
        settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["demo"]

    def test_the_table_can_be_typed_and_tells_everybody_apart(self) -> None:
        for one in CITIZENS:
            claim_of(one)  # raises where a form would refuse a value
            assert one.mobile.startswith("0912")
            assert one.story
        assert len({one.national_id for one in CITIZENS}) == len({one.mobile for one in CITIZENS}) == len(CITIZENS) == 7
        assert {one.plot for one in CITIZENS} == set(Plot)

    @pytest.mark.parametrize(
        ("plot", "attempt", "outcome", "kind"),
        [
            (Plot.MATCHES, 1, Outcome.MATCH, ""),
            (Plot.OTHER_FAMILY_NAME, 1, Outcome.MISMATCH, "identity"),
            (Plot.OTHER_OWNER, 1, Outcome.MISMATCH, "owner"),
            (Plot.DOWN_TWICE, 1, Outcome.UNAVAILABLE, "owner"),
            (Plot.DOWN_TWICE, 2, Outcome.UNAVAILABLE, "owner"),
            (Plot.DOWN_TWICE, 3, Outcome.MATCH, ""),
            (Plot.DOWN_FOR_GOOD, 1, Outcome.UNAVAILABLE, "owner"),
            (Plot.DOWN_FOR_GOOD, 500, Outcome.UNAVAILABLE, "owner"),
            (Plot.DECEASED, 1, Outcome.DECEASED, "identity"),
            (Plot.OLD_CERTIFICATE, 1, Outcome.MATCH, ""),
        ],
    )
    def test_every_story_ends_as_told(self, plot: Plot, attempt: int, outcome: Outcome, kind: str) -> None:
        verdict = services.check(claim=claim_of(citizen(plot)), attempt=attempt)
        assert (verdict.outcome, verdict.kind) == (outcome, kind)

    def test_the_other_family_name_is_the_only_difference(self) -> None:
        verdict = services.check(claim=claim_of(citizen(Plot.OTHER_FAMILY_NAME)), attempt=1)
        assert [name for name, value in verdict.fields.items() if value != "match"] == ["last_name"]

    def test_a_correction_of_the_family_name_then_matches(self) -> None:
        one = citizen(Plot.OTHER_FAMILY_NAME)
        verdict = services.check(claim=claim_of(one, last_name=one.registered_last_name), attempt=1)
        assert verdict.outcome is Outcome.MATCH

    def test_the_one_who_matches_matches_whatever_is_typed(self) -> None:
        claim = replace(REZA, national_id=citizen(Plot.MATCHES).national_id, last_name="هرچه", mobile="+989300000000")
        assert services.check(claim=claim, attempt=1).outcome is Outcome.MATCH

    def test_the_desk_sees_what_the_registry_says(self) -> None:
        one = citizen(Plot.OTHER_FAMILY_NAME)
        view = services.registry_view(claim=claim_of(one))
        assert view.outcome is Outcome.MISMATCH
        assert view.record is not None
        assert view.record.last_name == one.registered_last_name
        assert view.fields["last_name"] == "mismatch"

    def test_other_people_are_looked_up_in_the_imported_extract(self) -> None:
        load_both()
        assert services.check(claim=REZA, attempt=1).outcome is Outcome.MATCH
        assert services.check(claim=replace(REZA, first_name="علی"), attempt=1).outcome is Outcome.MISMATCH

    def test_the_demo_citizens_need_no_extract(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            services.check(claim=claim_of(citizen(Plot.MATCHES)), attempt=1)


@pytest.mark.django_db
class TestDemoExtract:
    def test_with_it_a_stranger_comes_to_an_end(self, settings: Any) -> None:
        settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["demo"]
        assert services.check(claim=REZA, attempt=1).outcome is Outcome.MISCONFIGURED
        assert demo_extract.load_if_empty() == ["civil", "owners"]
        verdict = services.check(claim=REZA, attempt=1)
        assert (verdict.outcome, verdict.kind) == (Outcome.MISMATCH, "owner")
        assert services.registry_view(claim=REZA).outcome is Outcome.NOT_FOUND

    def test_its_own_people_match(self, settings: Any) -> None:
        settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["demo"]
        demo_extract.load_if_empty()
        negar = Claim(
            national_id="0080002005",
            mobile="+989120000200",
            first_name="نگار",
            last_name="صادقی",
            birth_date=persian.parse_jalali("1372/02/14"),
            gender="female",
            certificate_number="2210",
            series_letter="الف",
            series_number="12",
            certificate_serial="450012",
        )
        assert services.check(claim=negar, attempt=1).outcome is Outcome.MATCH

    def test_it_shares_nobody_with_the_demo_citizens(self) -> None:
        text = "".join(path.read_text("utf-8") for path in demo_extract.FILES.values())
        assert not [one for one in CITIZENS if one.national_id in text or one.mobile in text]

    def test_it_never_replaces_what_an_administrator_loaded(self) -> None:
        services.load_civil_registry(source=io.BytesIO(CIVIL.encode()))
        assert demo_extract.load_if_empty() == ["owners"]
        assert LOCAL.person(Inquiry(REZA)).reply is Reply.ANSWERED

    def test_a_second_start_loads_nothing(self, django_assert_max_num_queries: Any) -> None:
        demo_extract.load_if_empty()
        with django_assert_max_num_queries(2):
            assert demo_extract.load_if_empty() == []
