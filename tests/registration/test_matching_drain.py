"""The queue of requests to be checked: oldest first, in batches, decided once, and what an answer costs."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from common import limits
from identity.matching import Verdict
from identity.registries.demo import CITIZENS, Plot
from identity.services import Question
from registration.models import Event, Registration
from registration.services import decisions, matching
from registration.states import State
from sms import outbox
from sms.models import InboxMessage, Message, MessageKind
from sms.sending import drain
from tests.support.accounts import together
from tests.support.journeys import OTHER_NAME, registration_in
from tests.support.matching import DOWN, MATCH, MISMATCH, NO_TIME, OTHER_OWNER, national_id, submitted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hashing_costs_nothing")]

BY_PLOT = {person.plot: person for person in CITIZENS}


def test_the_oldest_is_asked_first_whenever_it_came_due(registries, monkeypatch):
    monkeypatch.setattr(limits, "MATCH_BATCH", 2)
    young, old, middle = submitted(1, ago=10), submitted(2, ago=1000), submitted(3, ago=100)
    Registration.objects.filter(pk=young.pk).update(next_attempt_at=timezone.now() - timedelta(hours=1))
    assert matching.match_due() == 3
    assert [question.claim.national_id for question in registries] == [
        old.national_id, middle.national_id, young.national_id,
    ]  # fmt: skip


def test_each_verdict_moves_tells_and_records_once(registries):
    rows = [submitted(number) for number in range(6)]
    says = dict(
        zip([row.national_id for row in rows], [MATCH, MISMATCH, OTHER_OWNER, DOWN, MATCH, MISMATCH], strict=True)
    )
    registries.say = lambda question: says[question.claim.national_id]
    matching.match_due()
    for row in rows:
        row.refresh_from_db()
    assert [row.state for row in rows] == [
        State.APPROVED, State.REFERRED, State.REFERRED, State.SUBMITTED, State.APPROVED, State.REFERRED,
    ]  # fmt: skip
    assert [row.verdict_kind for row in rows] == ["", "identity", "owner", "owner", "", "identity"]
    assert all(row.lease is None for row in rows)
    assert rows[0].account.national_id == rows[0].national_id
    assert (rows[0].password, rows[0].security_answer) == ("", "")
    events = Event.objects.values_list("registration", "to_state", "why", "kind")
    assert sorted(events) == sorted(
        [
            (rows[0].pk, "approved", "matched", ""),
            (rows[1].pk, "referred", "mismatch", "identity"),
            (rows[2].pk, "referred", "mismatch", "owner"),
            (rows[4].pk, "approved", "matched", ""),
            (rows[5].pk, "referred", "mismatch", "identity"),
        ]
    )
    assert {message.to for message in Message.objects.all()} == {row.mobile for row in rows if row is not rows[3]}


def test_who_answered_what_is_kept_with_its_number_and_nothing_personal(registries):
    row = submitted(1)
    registries.say = lambda question: MISMATCH
    matching.match_due()
    row.refresh_from_db()
    assert row.verdict_traces == [
        {"registry": "one", "question": "owner", "reply": "answered", "code": "", "trace": "t1", "of_this_one": False},
        {"registry": "one", "question": "person", "reply": "answered", "code": "", "trace": "t2", "of_this_one": False},
    ]


def test_the_sms_to_a_branch_names_the_tracking_code(registries):
    row = submitted(1, tracking_code="8765714004")
    registries.say = lambda question: MISMATCH
    matching.match_due()
    assert "۸۷۶\u00a0۵۷۱\u00a0۴۰۰۴" in Message.objects.get(to=row.mobile).text


def test_a_policy_of_branches_makes_inactive_accounts_in_the_same_way(registries, settings):
    settings.ACTIVATION_POLICY = "branch"
    rows = [submitted(number) for number in range(3)]
    matching.match_due()
    for row in rows:
        row.refresh_from_db()
        assert (row.state, row.account.is_active, row.account.activated_at) == (State.AWAITING_BRANCH, False, None)
    assert Message.objects.filter(kind="result").count() == 3


def test_one_with_an_account_or_another_request_is_decided_by_itself_among_the_others(registries):
    plain, crowded = submitted(1), submitted(2)
    other = registration_in(State.MOBILE_CONFIRMED, mobile="09350000001", national_id=crowded.national_id)
    registration_in(State.APPROVED, person=OTHER_NAME)
    too_late = submitted(3, national_id=OTHER_NAME.national_id)
    matching.match_due()
    states = {row.pk: row.state for row in Registration.objects.all()}
    assert (states[plain.pk], states[crowded.pk]) == (State.APPROVED, State.APPROVED)
    assert (states[other.pk], states[too_late.pk]) == (State.SUPERSEDED, State.SUPERSEDED)
    assert User.objects.filter(national_id=OTHER_NAME.national_id).count() == 1


def test_two_requests_of_one_person_are_asked_about_one_after_the_other(registries, monkeypatch):
    first, second = submitted(1, ago=10), submitted(2, national_id=national_id(10_000_001))
    seen: list[dict[str, int]] = []
    real = matching.second_chance.identity_checks
    monkeypatch.setattr(matching.second_chance, "identity_checks", lambda ids: seen.append(real(ids)) or seen[-1])
    registries.say = lambda question: MISMATCH
    matching.match_due()
    assert [list(checks.values()) for checks in seen] == [[0], [1]]
    for row in (first, second):
        row.refresh_from_db()
        assert (row.state, row.attempts) == (State.REFERRED, 1)


def test_a_person_whose_tries_are_used_up_is_not_asked_about(registries):
    used, fresh = submitted(1), submitted(2)
    for _ in range(limits.CORRECTIONS + 1):
        Event.objects.create(registration=used, actor="portal", to_state="referred", why="mismatch", kind="identity")
    matching.match_due()
    asked = {question.claim.national_id: question.ask_person for question in registries}
    assert asked == {used.national_id: False, fresh.national_id: True}


def test_one_that_cannot_be_decided_leaves_the_others_decided(registries, monkeypatch, caplog):
    rows = [submitted(number) for number in range(5)]
    real = decisions.conclude

    def fails_on_one(*, matched, unmatched):
        if any(each.row.pk == rows[2].pk for each in matched):
            raise RuntimeError(f"about {rows[2].first_name}")
        real(matched=matched, unmatched=unmatched)

    monkeypatch.setattr(decisions, "conclude", fails_on_one)
    matching.match_due()
    states = [Registration.objects.get(pk=row.pk).state for row in rows]
    assert states == [State.APPROVED, State.APPROVED, State.SUBMITTED, State.APPROVED, State.APPROVED]
    assert Message.objects.count() == Event.objects.count() == 4
    assert f"registration {rows[2].pk} could not be decided: RuntimeError" in caplog.text
    assert rows[2].first_name not in caplog.text


def test_what_could_not_be_asked_in_time_is_given_back_and_not_counted(registries):
    row = submitted(1, ago=5)
    registries.say = lambda question: NO_TIME
    assert matching.match_due() == 1
    row.refresh_from_db()
    assert (row.state, row.verdict, row.attempts, row.lease) == (State.SUBMITTED, "", 0, None)
    assert timezone.now() < row.next_attempt_at <= timezone.now() + limits.MATCH_FIRST_PAUSE


def test_the_lease_outlasts_the_slowest_batch():
    last_call = limits.REGISTRY_CONNECT_WITHIN + limits.REGISTRY_ANSWER_WITHIN
    assert limits.REGISTRY_BATCH_TIME + last_call < limits.MATCH_LEASE.total_seconds() / 2


def test_a_verdict_does_not_wait_for_a_slow_registry(registries):
    rows = [submitted(number, ago=100 - number) for number in range(3)]
    decided_before: list[int] = []

    def slowly(question: Question) -> Verdict:
        decided_before.append(Event.objects.count())
        time.sleep(limits.MATCH_GROUP_WAITS * 2)
        return MATCH

    registries.say = slowly
    matching.match_due()
    assert decided_before == [0, 0, 2]  # the first answer waits for the second, no longer
    assert Event.objects.count() == len(rows)


def test_a_lease_that_was_lost_changes_nothing(registries):
    rows = [submitted(number) for number in range(3)]

    def lost(question: Question) -> Verdict:
        Registration.objects.filter(pk=rows[1].pk).update(lease=uuid.uuid4())
        return MATCH

    registries.say = lost
    matching.match_due()
    assert Registration.objects.get(pk=rows[1].pk).state == State.SUBMITTED
    assert Message.objects.count() == User.objects.count() == 2


def test_two_workers_on_one_queue_decide_each_request_once(registries, monkeypatch):
    monkeypatch.setattr(limits, "MATCH_BATCH", 10)
    rows = [submitted(number) for number in range(60)]
    registries.say = lambda question: time.sleep(0.001) or (MATCH, MISMATCH)[int(question.claim.mobile[-1]) % 2]
    assert sum(together(lambda _: matching.match_due(), 4)) == len(registries) == len(rows)
    assert Event.objects.count() == Message.objects.count() == len(rows)
    assert Registration.objects.filter(state=State.SUBMITTED).count() == 0


@pytest.mark.parametrize("verdict", [MATCH, MISMATCH, DOWN])
def test_a_large_batch_costs_as_many_statements_as_a_small_one(registries, verdict, monkeypatch):
    registries.say = lambda question: verdict
    monkeypatch.setattr(connection.features, "max_query_params", 32_766)  # Django takes SQLite for smaller than it is

    def statements(first: int, count: int) -> int:
        for number in range(first, first + count):
            submitted(number)
        with CaptureQueriesContext(connection) as taken:
            assert matching.match_due() == count
        return len(taken)

    few = statements(0, 2)
    Registration.objects.update(next_attempt_at=None)  # what is held must not come due meanwhile
    assert statements(100, limits.MATCH_GROUP) <= few <= 18


def test_a_surge_of_results_lets_a_code_go_first(registries):
    for number in range(limits.MATCH_GROUP):
        submitted(number)
    matching.match_due()
    outbox.enqueue(to="+989350000001", kind=MessageKind.CODE, text="123456", dedupe_key="a code")
    drain.drain()
    assert InboxMessage.objects.count() == limits.MATCH_GROUP + 1
    assert InboxMessage.objects.earliest("pk").kind == MessageKind.CODE


def test_the_demo_registries_are_asked_as_everybody_else():
    row = registration_in(State.SUBMITTED, person=BY_PLOT[Plot.DECEASED], next_attempt_at=timezone.now())
    matching.match_due()
    row.refresh_from_db()
    assert (row.state, row.verdict) == (State.REFERRED, "deceased")
    assert [trace["question"] for trace in row.verdict_traces] == ["owner", "person"]
