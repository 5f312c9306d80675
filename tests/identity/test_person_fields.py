"""A person's fields are defined once: every place that has them has all of them. docs/add-a-field.md is the way."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from django.utils import timezone

from accounts.life.lifecycle import NewAccount
from accounts.models import User
from common.secrets import keyed_hash
from identity import demo_extract, extract_rows
from identity.models import CivilRecord, ExtractKind
from identity.person import FIELDS, Claim, Person, PersonRecord, fields_of
from identity.registries.base import Inquiry
from identity.registries.demo import CITIZENS, DemoCitizen
from identity.registries.local import LocalRegistry
from registration.forms.parts import NOT_THERE, PersonForm
from registration.forms.second_chance import CorrectionForm
from registration.models import Registration
from registration.services import second_chance
from registration.services.housekeeping import forget_ended
from registration.services.journey import Identity
from registration.services.matching import claim_of
from registration.states import State
from tests.support.desk import Clerk
from tests.support.journeys import URL, Browser, registration_in

BIRTH_PARTS = {"birth_day", "birth_month", "birth_year"}  # how the birth date is typed
TYPED = set(FIELDS) - {"birth_date", "birth_unknown"} | BIRTH_PARTS | NOT_THERE.keys()


def family(of: type) -> Iterator[type]:
    yield of
    for child in of.__subclasses__():
        yield from family(child)


def test_what_a_registry_returns_has_every_field():
    assert {field.name for field in fields(PersonRecord)} == {*FIELDS, "deceased", "tells_what_is_not_there"}


@pytest.mark.parametrize("kind", list(family(Person)), ids=lambda kind: kind.__name__)
def test_nothing_that_holds_a_person_tells_who_it_is(kind):
    assert {Claim, Identity, DemoCitizen} < set(family(Person))
    assert kind.__repr__ is Person.__repr__


def test_an_extract_has_every_field():
    kept = {column.name for column in CivilRecord._meta.concrete_fields}
    assert kept == {"id", "extract", "national_id", *FIELDS, "deceased"}
    assert set(extract_rows.fields(ExtractKind.CIVIL)) == {"national_id", *FIELDS, "deceased"}


def test_the_made_up_extract_has_every_column():
    with demo_extract.FILES[ExtractKind.CIVIL].open(encoding="utf-8-sig", newline="") as file:
        assert set(next(csv.reader(file))) == set(extract_rows.columns(ExtractKind.CIVIL))


@pytest.mark.django_db
def test_the_extract_answers_with_every_field():
    demo_extract.load_if_empty()
    known = CivilRecord.objects.exclude(certificate_number="").first()
    claim = Claim(national_id=known.national_id, mobile="", **fields_of(known))
    answer = LocalRegistry(name="local", options={}).person(Inquiry(claim))
    assert fields_of(answer.record) == fields_of(claim)


def test_a_registration_keeps_every_field():
    assert {column.name for column in Registration._meta.concrete_fields} >= set(FIELDS)


def test_every_field_is_typed():
    assert set(PersonForm.base_fields) - {"draft", "made_for"} == TYPED


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("where", "prefix"), [(URL, "identity-"), (f"{URL}/correct", "")])
def test_every_field_stands_on_the_pages_that_ask_for_it(where, prefix):
    if where != URL:
        registration_in(State.REFERRED, verdict="mismatch", verdict_kind="identity")
    browser = Browser()
    browser.confirm()
    page = browser.get(where).content.decode()
    assert [name for name in TYPED if f'name="{prefix}{name}"' not in page] == []


def test_an_account_that_keeps_a_field_is_given_it():
    columns = {column.name for column in User._meta.concrete_fields}
    assert columns >= set(NewAccount.plain())
    assert columns & set(FIELDS) == set(NewAccount.plain()) & set(FIELDS)


@pytest.mark.django_db
class TestARow:
    def test_everything_of_it_is_claimed(self):
        row = registration_in(State.SUBMITTED)
        assert fields_of(claim_of(row)) == fields_of(row) == fields_of(CITIZENS[0])

    def test_everything_of_it_comes_back_to_be_corrected(self):
        assert set(CorrectionForm.typed(registration_in(State.REFERRED))) == TYPED

    @pytest.mark.parametrize("name", FIELDS)
    def test_each_field_alone_can_be_corrected(self, name):
        row = registration_in(State.REFERRED, verdict_kind="identity", grant_hash=keyed_hash("grant", "g"))
        other: Any = dt.date(1980, 1, 1) if name == "birth_date" else "1"
        identity = Person(**fields_of(row) | {name: other})

        second_chance.correct(registration=row, grant="g", revision=0, identity=identity)

        row.refresh_from_db()
        assert fields_of(row) == fields_of(identity)

    def test_everything_of_it_is_shown_at_the_desk(self):  # birth_unknown: in how the birth date is written
        row = registration_in(State.SUBMITTED)
        page = Clerk().open(row)
        labels = {name: Registration.column(name).verbose_name for name in FIELDS if name != "birth_unknown"}
        assert [name for name, label in labels.items() if f'<th scope="row">{label}</th>' not in page] == []

    def test_nothing_that_was_typed_outlives_the_purge(self):
        now = timezone.now()
        row = registration_in(State.REJECTED, state_since=now - dt.timedelta(seconds=1), birth_unknown="day")
        typed = [field.name for field in fields(Identity)]
        assert all(getattr(row, name) for name in typed)

        forget_ended(before=now)

        row.refresh_from_db()
        assert [name for name in typed if getattr(row, name)] == []
