"""Rows that are sent as one parameter arrive as they would by the model, whatever stands in them."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import User
from common import recordsets
from registration.models import Event, Registration
from registration.states import State
from sms.models import Message
from tests.support.journeys import registration_in

pytestmark = pytest.mark.django_db

ODD = "«رضا»\u200c\"'\\ %s {} $1 \u2028\n\t😀 '); --"


def insert_account(**changes: object) -> User:
    facts = {"username": str(uuid.uuid4()), "subject": uuid.uuid4()} | changes
    [(pk,)] = recordsets.insert(User, tuple(facts), [tuple(facts.values())], same={}, returning=("id",))
    return User.objects.get(pk=pk)


def test_every_kind_of_value_arrives_as_by_the_model():
    subject, now = uuid.uuid4(), timezone.now()
    born = dt.date(1310, 1, 1)
    facts = {
        "username": str(subject),
        "subject": subject,
        "first_name": ODD,
        "birth_date": born,
        "activated_at": now,
        "closed_at": None,
        "is_active": False,
        "national_id": "0070001014",
    }
    row = insert_account(**facts)
    assert {name: getattr(row, name) for name in facts} == facts
    by_the_model = User.objects.create(username="another", subject=uuid.uuid4(), birth_date=born)
    assert User.objects.get(pk=by_the_model.pk, birth_date=born).closure == row.closure == ""
    assert User.objects.filter(activated_at=now, subject=subject, closed_at=None).count() == 1


def test_objects_and_lists_arrive_in_json_columns():
    row = registration_in(State.SUBMITTED)
    papers = ["شناسنامه", {"a": [1, None, True]}]
    columns = ("registration_id", "papers", "from_state", "to_state", "why")
    recordsets.insert(Event, columns, [(row.pk, papers, "", "submitted", ODD)], same={"actor": ODD})
    event = Event.objects.get(why=ODD)
    assert (event.papers, event.actor, event.note) == (papers, ODD, "")


def test_the_other_columns_get_what_all_share_or_their_default():
    row = registration_in(State.SUBMITTED)
    at = timezone.now() - dt.timedelta(days=1)
    rows = [(row.pk, state) for state in ("approved", "referred")]
    recordsets.insert(Event, ("registration_id", "to_state"), rows, same={"at": at, "actor": "portal"})
    found = Event.objects.filter(actor="portal", at=at).order_by("pk")
    assert [(event.to_state, event.papers, event.note) for event in found] == [
        ("approved", [], ""),
        ("referred", [], ""),
    ]


def test_a_text_that_is_too_long_is_refused_and_never_shortened():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no lengths")
    with pytest.raises(DatabaseError), transaction.atomic():
        insert_account(national_id="00700010145")
    assert not User.objects.exists()


def test_a_row_that_is_there_already_stays_as_it_is_and_the_others_are_written():
    same = {"next_attempt_at": None, "created_at": timezone.now(), "kind": "result", "priority": 1, "parts": 1}
    columns = ("key", "dedupe_key", "text")

    def insert(*texts: tuple[str, str]) -> set[str]:
        rows = [(uuid.uuid4(), key, text) for key, text in texts]
        written = recordsets.insert(Message, columns, rows, same=same, unless="(dedupe_key)", returning=("text",))
        return {text for (text,) in written}

    assert insert(("one", "first")) == {"first"}
    assert insert(("one", "second"), ("two", "third")) == {"third"}
    assert set(Message.objects.values_list("dedupe_key", "text")) == {("one", "first"), ("two", "third")}


def test_what_is_no_value_of_a_record_is_refused_before_the_database():
    with pytest.raises(TypeError, match="object is no value"):
        recordsets.insert(Registration, ("national_id",), [(object(),)], same={})
