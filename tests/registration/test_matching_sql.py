"""What matching reads and writes by statements of its own is what the models say."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.life import lifecycle
from accounts.models import Evidence, User
from common import limits
from common.errors import PortalError
from identity.person import FIELDS
from registration import matching_sql
from registration.matching_sql import Submitted
from registration.models import Event, Registration
from registration.services import decisions, matching
from registration.services.transitions import move_matched
from registration.states import State
from sms.models import Message
from tests.support.accounts import together
from tests.support.journeys import registration_in
from tests.support.matching import MATCH, MISMATCH, national_id, submitted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hashing_costs_nothing")]


def claimed(limit: int = 10) -> list[Submitted]:
    return matching_sql.claim(limit=limit, lease_for=limits.MATCH_LEASE)


def test_a_claimed_row_says_what_its_model_says():
    traces = [{"registry": "one", "question": "owner", "code": "«کد»"}]
    row = submitted(1, came_from="client", verdict_traces=traces, birth_unknown="day", revision=2)
    [found] = claimed()
    row.refresh_from_db()
    assert {name: getattr(found, name) for name in Submitted._fields} == {
        name: getattr(row, name) for name in Submitted._fields
    }
    assert found.full_name == row.full_name
    assert set(FIELDS) | set(lifecycle.NewAccount.plain()) <= set(Submitted._fields)


def test_nothing_of_a_person_stands_in_its_picture():
    submitted(1)
    [found] = claimed()
    assert repr(found) == f"Submitted({found.pk})"
    assert found.last_name not in repr(decisions.Found(found, "match", "", {}, []))


def test_a_claim_takes_the_oldest_first_up_to_its_limit_and_those_of_nobody_else():
    rows = [submitted(number, ago=100 - number) for number in range(5)]
    Registration.objects.filter(pk=rows[0].pk).update(next_attempt_at=timezone.now() + timedelta(minutes=1))
    assert [each.pk for each in claimed(3)] == [row.pk for row in rows[1:4]]
    assert [each.pk for each in claimed(3)] == [rows[4].pk]
    assert claimed() == []
    assert len(set(Registration.objects.exclude(pk=rows[0].pk).values_list("lease", flat=True))) == 2


def test_what_changed_between_the_claim_and_the_decision_counts(registries):
    row = submitted(1, operator="mci")

    def meanwhile(question):
        Registration.objects.filter(pk=row.pk).update(operator="irancell")  # step one again, with the same pair
        return MATCH

    registries.say = meanwhile
    matching.match_due()
    assert Message.objects.get().operator == "irancell"


def test_a_locked_row_tells_of_another_open_registration_of_its_national_id():
    alone, crowded = submitted(1), submitted(2)
    registration_in(State.MOBILE_CONFIRMED, mobile="09350000001", national_id=crowded.national_id)
    registration_in(State.EXPIRED, mobile="09350000002", national_id=alone.national_id)
    referred = submitted(3)
    Registration.objects.filter(pk=referred.pk).update(state=State.REFERRED, next_attempt_at=None)
    with transaction.atomic():
        found = {held.row.pk: held.is_crowded for held in matching_sql.lock([alone.pk, crowded.pk, referred.pk])}
    assert found == {alone.pk: False, crowded.pk: True}


def test_only_other_rows_that_a_worker_has_now_are_in_hand():
    mine, theirs, lapsed, free = (submitted(number, national_id=national_id(5)) for number in range(4))
    soon = timezone.now() + timedelta(minutes=1)
    Registration.objects.filter(pk__in=[mine.pk, theirs.pk]).update(lease=uuid.uuid4(), next_attempt_at=soon)
    Registration.objects.filter(pk=lapsed.pk).update(lease=uuid.uuid4())
    assert matching_sql.in_hand([national_id(5)], but=[mine.pk]) == {national_id(5)}
    assert matching_sql.in_hand([national_id(5)], but=[mine.pk, theirs.pk, free.pk]) == set()
    assert matching_sql.in_hand([], but=[]) == set()


def test_secrets_leave_with_the_account_and_stay_where_a_branch_decides(registries):
    kept, gone = submitted(1), submitted(2)
    registries.say = lambda question: MATCH if question.claim.national_id == gone.national_id else MISMATCH
    before = Registration.objects.in_bulk([kept.pk, gone.pk])
    assert before[gone.pk].password
    matching.match_due()
    after = Registration.objects.in_bulk([kept.pk, gone.pk])
    account = after[gone.pk].account
    assert (account.password, account.security_answer) == (before[gone.pk].password, before[gone.pk].security_answer)
    assert (after[gone.pk].password, after[gone.pk].security_answer, after[gone.pk].draft) == ("", "", {})
    assert after[kept.pk].password == before[kept.pk].password
    assert after[kept.pk].security_answer == before[kept.pk].security_answer


def test_a_submitted_row_goes_nowhere_else_than_the_table_of_moves_allows():
    row = submitted(1)
    [found] = claimed()
    moved = decisions.Found(found, "match", "", {}, []).move(State.EXPIRED, why="test")
    with pytest.raises(PortalError, match="illegal_move"), transaction.atomic():
        move_matched([moved])
    assert not Event.objects.filter(registration=row, to_state=State.EXPIRED).exists()


@pytest.mark.parametrize("active", [True, False])
def test_many_accounts_are_what_one_by_one_would_be_without_those_that_are_taken(active):
    rows = [submitted(number) for number in range(3)]
    people = [decisions._new_account(row) for row in rows]
    lifecycle.create_account(person=people[2], active=True)
    made = lifecycle.create_accounts(people=people, active=active, evidence=Evidence.REGISTRY)
    assert set(made) == {row.national_id for row in rows[:2]}
    one = User.objects.get(pk=made[rows[0].national_id])
    other = lifecycle._new_user(people[0], active, Evidence.REGISTRY)
    own = {"id", "username", "subject", "date_joined", "activated_at", "identity_proven_at"}
    names = [field.attname for field in User._meta.concrete_fields if field.attname not in own]
    assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]
    assert one.username == str(one.subject)
    assert bool(one.activated_at) is active
    assert one.identity_proven_at is not None


def test_two_groups_that_make_an_account_of_one_person_at_once_make_one():
    person = decisions._new_account(submitted(1))
    made = together(lambda _: lifecycle.create_accounts(people=[person], active=True), 4)
    assert sorted(map(len, made)) == [0, 0, 0, 1]
    assert User.objects.filter(national_id=person.national_id).count() == 1


def test_a_group_of_every_kind_is_decided_in_a_handful_of_statements(registries):
    for number in range(6):
        submitted(number)
    registries.say = lambda question: (MATCH, MISMATCH)[int(question.claim.mobile[-1]) % 2]
    with CaptureQueriesContext(connection) as taken:
        assert matching.match_due() == 6
    written = [query["sql"].split()[0] for query in taken if query["sql"].startswith(("INSERT", "UPDATE"))]
    assert sorted(written) == ["INSERT", "INSERT", "INSERT", "UPDATE", "UPDATE"]  # at the end those held are released
    assert len(taken) <= 18


def test_a_claim_and_a_hold_change_nothing_that_stands_in_an_index():
    # Else PostgreSQL writes a new entry into every index of the table at each claim.
    catalogue = {
        "postgresql": "SELECT indexdef FROM pg_indexes WHERE tablename = %s",
        "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = %s AND sql IS NOT NULL",
    }
    with connection.cursor() as cursor:
        cursor.execute(catalogue[connection.vendor], [Registration._meta.db_table])
        indexes = [definition for (definition,) in cursor.fetchall()]
    assert any("matching_queue" in definition for definition in indexes)
    changed = re.compile(r"next_attempt_at|lease|attempts|told_of_delay_at")
    assert [definition for definition in indexes if changed.search(definition)] == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite prefers the index by state, and sorts")
def test_a_claim_reads_the_index_of_the_queue():
    submitted(1)
    with CaptureQueriesContext(connection) as taken:
        claimed()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # else it would read a table this small as a whole
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {taken[0]['sql']}")
        plan = " ".join(str(line[-1]) for line in cursor.fetchall())
    assert "matching_queue" in plan
    assert "Sort" not in plan
