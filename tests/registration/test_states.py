"""The table of states, the one function that moves, and what the database itself refuses."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from common import purging
from common.errors import PortalError
from common.persian import parse_mobile
from registration.models import Event, Registration
from registration.services import decisions, housekeeping
from registration.services.transitions import PORTAL, move
from registration.states import OPEN, TRANSITIONS, State
from sms.models import Message
from tests.support.accounts import together
from tests.support.journeys import MATCHES, URL, Browser, account_of, code_on, registration_in, step_shown

pytestmark = pytest.mark.django_db(transaction=True)
ILLEGAL = [(a, b) for a, b in itertools.product(State, State) if b not in TRANSITIONS[a]]
LEGAL = [(a, b) for a, b in itertools.product(State, State) if b in TRANSITIONS[a]]


@pytest.mark.parametrize(("before", "after"), LEGAL)
def test_a_legal_move_writes_one_event(before, after):
    row = registration_in(before)
    account = row.account or (account_of(MATCHES) if after in (State.APPROVED, State.AWAITING_BRANCH) else None)
    row = move(row, after, actor=PORTAL, why="test", account=account)
    event = Event.objects.get()
    assert (event.from_state, event.to_state, event.actor, event.why) == (before, after, PORTAL, "test")
    assert Registration.objects.get().state == after


@pytest.mark.parametrize(("before", "after"), ILLEGAL)
def test_an_illegal_move_changes_nothing(before, after):
    row = registration_in(before)
    with pytest.raises(PortalError) as refused:
        move(row, after, actor=PORTAL, why="test", first_name="کسی دیگر")
    assert (refused.value.code, refused.value.values) == ("illegal_move", {"state": before})
    row.refresh_from_db()
    assert (row.state, row.first_name == "کسی دیگر") == (before, False)
    assert not Event.objects.exists()


def test_a_move_that_rolls_back_leaves_no_event():
    row = registration_in(State.STARTED)
    with transaction.atomic():
        move(row, State.EXPIRED, actor=PORTAL, why="test")
        transaction.set_rollback(True)
    assert not Event.objects.exists()


def test_ten_parallel_moves_of_one_row_are_one_move():
    row = registration_in(State.STARTED)
    results = together(lambda n: move(row, State.EXPIRED, actor=PORTAL, why="test"), 10)
    assert len([result for result in results if isinstance(result, PortalError)]) == 9
    assert Event.objects.count() == 1


def test_the_database_refuses_two_approved_for_one_national_id():
    first = registration_in(State.APPROVED)
    with pytest.raises(IntegrityError):
        registration_in(State.SUBMITTED, mobile="09127654321").__class__.objects.exclude(pk=first.pk).update(
            state=State.APPROVED, account=first.account
        )


@pytest.mark.parametrize("state", [State.APPROVED, State.AWAITING_BRANCH])
def test_the_database_refuses_an_approved_one_without_an_account(state):
    row = registration_in(State.SUBMITTED)
    with pytest.raises(IntegrityError):
        Registration.objects.filter(pk=row.pk).update(state=state)


def test_the_database_refuses_a_state_that_is_not_in_the_table():
    row = registration_in(State.SUBMITTED)
    with pytest.raises(IntegrityError):
        Registration.objects.filter(pk=row.pk).update(state="nearly")


@pytest.mark.parametrize("state", OPEN)
def test_the_database_refuses_two_open_registrations_of_one_pair(state):
    registration_in(state)
    with pytest.raises(IntegrityError):
        registration_in(State.STARTED)


def test_approving_one_supersedes_the_others_and_tells_each_proven_number():
    winner = registration_in(State.REFERRED)
    unproven = registration_in(State.STARTED, mobile="09121110001")
    proven = registration_in(State.MOBILE_CONFIRMED, mobile="09121110002")
    waiting = registration_in(State.AWAITING_BRANCH, mobile="09121110003")
    decisions.approve(winner, actor="maryam", why="papers_checked")
    for row in (unproven, proven, waiting):
        row.refresh_from_db()
        assert (row.state, row.account) == (State.SUPERSEDED, None)
    told = set(Message.objects.values_list("to", flat=True))
    assert told == {winner.mobile, proven.mobile, waiting.mobile}
    assert User.objects.get().activated_at is not None  # the inactive account of the other one is gone


def test_an_approved_registration_keeps_no_secret_of_its_own():
    row = decisions.approve(registration_in(State.REFERRED), actor=PORTAL, why="test")
    row.refresh_from_db()
    assert (row.password, row.security_answer, row.draft) == ("", "", {})
    assert row.account.password.startswith("argon2")


def test_rejecting_ends_it_with_an_sms_and_the_person_may_start_anew():
    row = decisions.reject(registration_in(State.AWAITING_BRANCH), actor="maryam", reason="عکس کارت ملی مطابقت ندارد")
    assert row.state == State.REJECTED
    assert not User.objects.exists()
    assert "عکس کارت ملی مطابقت ندارد" in Message.objects.get().text
    assert registration_in(State.STARTED).pk


@pytest.mark.parametrize(
    ("state", "life"),
    [
        (State.STARTED, timedelta(hours=24)),
        (State.MOBILE_CONFIRMED, timedelta(days=7)),
        (State.REFERRED, timedelta(days=60)),
        (State.AWAITING_BRANCH, timedelta(days=60)),
    ],
)
def test_what_is_left_alone_expires_at_its_time(state, life):
    row = registration_in(state)
    _age(row, life - timedelta(minutes=1))
    assert housekeeping.expire_abandoned() == 0
    _age(row, life + timedelta(minutes=1))
    assert housekeeping.expire_abandoned() == 1
    row.refresh_from_db()
    assert (row.state, row.account, row.password) == (State.EXPIRED, None, "")
    assert not User.objects.exists()


def test_a_request_that_is_being_checked_never_expires():
    _age(registration_in(State.SUBMITTED), timedelta(days=400))
    assert housekeeping.expire_abandoned() == 0


def test_what_an_abandoned_person_typed_is_forgotten_and_the_events_stay():
    row = registration_in(State.REFERRED)
    _age(row, timedelta(days=61))
    purging.run_all()
    _age(row, timedelta(days=8))
    purging.run_all()
    row.refresh_from_db()
    assert (row.last_name, row.certificate_number, row.birth_date) == ("", "", None)
    assert row.events.count() == 1


def _age(row: Registration, by: timedelta) -> None:
    Registration.objects.filter(pk=row.pk).update(touched_at=timezone.now() - by, state_since=timezone.now() - by)


def test_a_mobile_is_told_by_its_own_number():
    row = registration_in(State.REFERRED)
    other = registration_in(State.SUBMITTED, mobile="09121110001")
    decisions.conclude(matched=[], unmatched=[decisions.Found(other, "mismatch", "identity", {}, [])])
    assert Message.objects.get().to == parse_mobile("09121110001") != row.mobile


def test_thousands_of_a_strangers_drafts_do_not_hold_up_the_approval(django_assert_max_num_queries):
    many = [
        Registration(national_id=MATCHES.national_id, mobile=f"+98935{number:07}", operator="mci")
        for number in range(3000)
    ]
    Registration.objects.bulk_create(many, batch_size=500)
    winner = registration_in(State.REFERRED)
    with django_assert_max_num_queries(80):
        decisions.approve(winner, actor=PORTAL, why="test")
    assert Registration.objects.filter(state=State.SUPERSEDED).count() == 3000
    assert Event.objects.filter(to_state=State.SUPERSEDED, why="another_approved").count() == 3000
    assert Message.objects.count() == 1  # nobody is told of a number that was never proven


def test_a_journey_that_goes_on_does_not_expire_under_the_persons_hands():
    row = registration_in(State.STARTED)  # a stranger's, of nearly a day ago
    _age(row, timedelta(hours=23, minutes=59))
    browser = Browser()
    browser.step_one()
    housekeeping.expire_abandoned()
    browser.step_two(code_on(MATCHES.mobile))
    assert step_shown(browser.get(URL)) == "identity"


def test_the_sweep_looks_again_before_it_expires(monkeypatch):
    row = registration_in(State.STARTED)
    _age(row, timedelta(hours=25))
    real = decisions.hold_national_id

    def someone_is_quicker(national_id):
        real(national_id)
        Registration.objects.filter(pk=row.pk).update(touched_at=timezone.now(), state=State.MOBILE_CONFIRMED)

    monkeypatch.setattr(housekeeping, "hold_national_id", someone_is_quicker)
    assert housekeeping.expire_abandoned() == 0
    row.refresh_from_db()
    assert row.state == State.MOBILE_CONFIRMED
