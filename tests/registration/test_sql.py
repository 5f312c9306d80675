"""The journey's statements by hand: what each of them must never do, whoever comes at the same moment."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone

from accounts.codes import issuing
from accounts.codes import sql as codes_sql
from accounts.models import OneTimeCode
from common import limits
from common.abuse.origins import origin_of
from common.errors import PortalError
from common.models import Tally
from common.secrets import keyed_hash
from registration import sql, tracking
from registration.models import Event, Registration
from registration.services import journey, transitions
from registration.services.transitions import PORTAL, move_as_read, move_locked
from registration.states import OPEN, State
from tests.support.accounts import citizen, together
from tests.support.journeys import MATCHES, Answers, Browser, code_on, let_pass, registration_in, row_of

pytestmark = pytest.mark.django_db(transaction=True)
ID, MOBILE = MATCHES.national_id, "+98" + MATCHES.mobile[1:]
PAIR = {"national_id": ID, "mobile": MOBILE, "operator": "mci"}
GRANT = "a grant"


def begin(**changes: str) -> sql.Begun:
    return transitions.begin(**(PAIR | changes))


# ── begin


def test_a_row_is_begun_with_one_event():
    begun = begin()
    assert (begun.others, begun.row.state, begun.row.draft) == (False, State.STARTED, {})
    stored = Registration.objects.get()
    assert _columns(begun.row) == _columns(stored)
    event = Event.objects.get()
    assert (event.registration, event.actor, event.from_state, event.to_state) == (stored, "citizen", "", "started")
    assert (event.why, event.kind, event.note, event.papers) == ("step_one", "", "", [])
    assert abs(event.at - timezone.now()) < timedelta(minutes=1)


@pytest.mark.parametrize("state", OPEN)
def test_an_open_row_of_the_pair_is_found_and_gets_a_sign_of_life_and_no_event(state):
    row = registration_in(state, draft={"city": "قم"})
    Registration.objects.update(touched_at=timezone.now() - timedelta(days=1))
    begun = begin(operator="irancell")
    assert (begun.row.pk, begun.row.token, begun.row.state, begun.others) == (row.pk, row.token, state, True)
    assert (begun.row.operator, begun.row.draft) == ("irancell", {"city": "قم"})
    assert timezone.now() - Registration.objects.get().touched_at < timedelta(minutes=1)
    assert not Event.objects.exists()


@pytest.mark.parametrize("state", sorted(set(State) - set(OPEN) - {State.APPROVED}))
def test_a_row_that_has_ended_is_no_other_and_stays_as_it_is(state):
    registration_in(state)
    begun = begin()
    assert (begun.others, Registration.objects.count(), Event.objects.count()) == (False, 2, 1)


def test_ten_at_once_with_one_pair_get_one_row_with_one_event():
    found = together(lambda _n: begin(), 10)
    assert {each.row.pk for each in found} == {Registration.objects.get().pk}
    assert Event.objects.count() == 1


@pytest.mark.parametrize(("state", "counts"), [(State.STARTED, False), (State.MOBILE_CONFIRMED, True)])
def test_a_draft_with_a_mistyped_number_is_no_other_while_that_number_is_unproven(state, counts):
    row = registration_in(state, mobile="09127654321")
    assert begin(mobile="+989121111111", mistyped=row.token).others is counts
    assert begin().others  # two of them now, and one is not excused


def test_an_account_of_somebody_else_is_no_other():
    registration_in(State.APPROVED, national_id="0070001022")
    assert not begin().others


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_a_name_is_held_to_the_transactions_end():
    """Of two that begin with other IDs and one number, the second waits until the first has decided about its code."""
    order, begun = [], threading.Event()

    def first() -> None:
        with transaction.atomic():
            transitions.begin(**PAIR, hold="code:a")
            begun.set()
            time.sleep(0.3)  # the other one is waiting by then, or this proves nothing and harms nothing
            order.append("first")

    def second() -> None:
        begun.wait(10)
        with transaction.atomic():
            transitions.begin(**(PAIR | {"national_id": "0070001022"}), hold="code:a")
            order.append("second")

    together(lambda number: (first, second)[number](), 2)
    assert order == ["first", "second"]


def test_a_refusal_keeps_the_row_and_is_counted_and_a_second_press_is_not():
    """Both come out of the one transaction of step one, which is committed."""

    def start(asker: str, mobile: str = MOBILE) -> object:
        try:
            return journey.start(**(PAIR | {"mobile": mobile}), asker=asker, origin=origin_of("192.0.2.7")).wait
        except PortalError as error:
            return error.code

    def counted() -> int:
        return int(Tally.objects.filter(about="code:address").aggregate(all=Sum("tried"))["all"] or 0)

    for number in range(limits.CODES_PER_HOUR):
        assert start(f"session {number}") == 60
        let_pass(limits.CODE_GAP + timedelta(seconds=1))
        assert counted() == number + 1
    assert start("another session") == "code_limit"
    assert counted() == limits.CODES_PER_HOUR + 1
    assert (Registration.objects.count(), Event.objects.count()) == (1, 1)
    assert start("another session", mobile="+989127654321") == 60
    assert start("another session", mobile="+989127654321") <= 60
    assert counted() == limits.CODES_PER_HOUR + 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_a_right_code_and_step_one_again_do_not_wait_for_each_other(monkeypatch):
    """Both lock the row of the pair and the session's codes; in two orders one of them would be refused."""
    asked = {"asker": "a session", "origin": origin_of("192.0.2.7")}
    row = journey.start(**PAIR, **asked).registration
    let_pass(limits.CODE_GAP + timedelta(seconds=1))
    code = OneTimeCode.objects.get()
    held = {"asker": code.asker, "is_held": True, "next_attempt_at": timezone.now()}
    OneTimeCode.objects.create(purpose=code.purpose, mobile=code.mobile, **held)
    used, begun, use = threading.Event(), threading.Event(), codes_sql.use

    def used_slowly(*args: Any, **kwargs: Any) -> Any:
        found = use(*args, **kwargs)
        used.set()
        begun.wait(0.5)  # the other one has the row by then, or waits for it
        return found

    issue = issuing.issue_within

    def noted(**kwargs: Any) -> Any:
        begun.set()
        return issue(**kwargs)

    monkeypatch.setattr(codes_sql, "use", used_slowly)
    monkeypatch.setattr(issuing, "issue_within", noted)
    typed = code_on(MATCHES.mobile)

    def confirm() -> str:
        return str(journey.confirm(registration=row, asker="a session", typed_code=typed).registration.state)

    def start() -> str:
        used.wait(10)
        return str(journey.start(**PAIR, **asked).registration.pk)

    assert together(lambda number: (confirm, start)[number](), 2) == ["mobile_confirmed", str(row.pk)]


# ── move


def test_a_row_that_was_moved_since_it_was_read_is_not_moved_and_gets_no_event():
    row = registration_in(State.STARTED)
    Registration.objects.update(state=State.EXPIRED)
    assert move_as_read(row, State.MOBILE_CONFIRMED, actor=PORTAL, why="test") is None
    with pytest.raises(PortalError, match="illegal_move"):
        move_locked(row, State.MOBILE_CONFIRMED, actor=PORTAL, why="test")
    assert (Registration.objects.get().state, Event.objects.count()) == (State.EXPIRED, 0)


def test_ten_that_move_a_row_as_they_read_it_move_it_once():
    row = registration_in(State.STARTED)
    moved = together(lambda _n: move_as_read(row, State.MOBILE_CONFIRMED, actor=PORTAL, why="test"), 10)
    assert (len([one for one in moved if one]), Event.objects.count()) == (1, 1)


def test_a_row_is_not_opened_while_its_id_has_an_account():
    row = registration_in(State.STARTED)
    citizen(national_id=ID)
    assert move_as_read(row, State.MOBILE_CONFIRMED, actor=PORTAL, why="test", without_account=True) is None
    assert (Registration.objects.get().state, Event.objects.count()) == (State.STARTED, 0)


def test_another_grants_row_is_not_handed_in():
    row = registration_in(State.MOBILE_CONFIRMED, grant_hash="of this grant")
    Registration.objects.update(grant_hash="of another one")
    facts = {"actor": PORTAL, "why": "test", "submitted_at": timezone.now()}
    assert move_as_read(row, State.SUBMITTED, opened_by=row.grant_hash, **facts) is None
    assert (Registration.objects.get().state, Event.objects.count()) == (State.MOBILE_CONFIRMED, 0)


def test_a_moved_row_and_its_event_are_what_is_stored():
    row = registration_in(State.REFERRED, draft={"city": "قم"})
    account = citizen(national_id=ID)
    papers = ["national_card", "birth_certificate"]
    moved = move_locked(
        row, State.APPROVED, actor="maryam", why="papers_checked", note="یادداشت", papers=papers, account=account
    )
    stored, event = Registration.objects.get(), Event.objects.get()
    assert _columns(moved) == _columns(stored)
    assert (stored.state, stored.account, stored.draft) == (State.APPROVED, account, {"city": "قم"})
    assert (event.registration, event.from_state, event.to_state) == (stored, "referred", "approved")
    assert (event.actor, event.note, event.papers) == ("maryam", "یادداشت", papers)


def test_an_event_that_cannot_be_written_leaves_the_row_as_it_was(monkeypatch):
    row = registration_in(State.STARTED)
    with pytest.raises(IntegrityError):
        move_locked(row, State.MOBILE_CONFIRMED, actor=None, why="test")  # type: ignore[arg-type]
    assert (Registration.objects.get().state, Event.objects.count()) == (State.STARTED, 0)


# ── the draft and the claim


def opened(**changes: object) -> Registration:
    return registration_in(State.MOBILE_CONFIRMED, grant_hash=keyed_hash("grant", GRANT), **changes)


def test_parallel_parts_of_a_draft_lose_nothing():
    row = opened(draft={"city": "قم", "email": "old@example.com"})
    answers = [{f"field {number}": "الف"} for number in range(8)]
    together(lambda n: journey.save_draft(registration=row_of(MATCHES), grant=GRANT, answers=answers[n]), 8)
    journey.save_draft(registration=row, grant=GRANT, answers={"email": "new@example.com", "quote": '"\\ %s'})
    stored = Registration.objects.get().draft
    assert stored == row.draft
    assert stored["email"] == "new@example.com"
    assert (stored["city"], stored["quote"], len(stored)) == ("قم", '"\\ %s', 11)


def test_a_draft_is_not_written_once_another_grant_opens_the_row():
    row = opened()
    Registration.objects.update(grant_hash=keyed_hash("grant", "another"))
    with pytest.raises(PortalError, match="grant_ended"):
        journey.save_draft(registration=row, grant=GRANT, answers={"city": "قم"})
    assert Registration.objects.get().draft == {}


def test_a_row_in_which_nothing_is_typed_any_more_keeps_its_draft():
    row = opened()
    Registration.objects.update(state=State.EXPIRED)
    journey.save_draft(registration=row, grant=GRANT, answers={"city": "قم"})
    assert row.draft == Registration.objects.get().draft == {}


def test_of_two_that_draw_one_tracking_code_the_later_draws_again(monkeypatch):
    """Nobody looks whether it is free before: the unique column says so."""
    taken = registration_in(State.SUBMITTED, mobile="09127654321").tracking_code
    free = tracking.new_code()
    draws = iter([taken, taken, free])
    monkeypatch.setattr(tracking, "new_code", lambda: next(draws))
    browser = Browser()
    browser.confirm()
    assert browser.step_three(Answers.of(MATCHES)).status_code == 302
    assert row_of(MATCHES).tracking_code == free
    assert Event.objects.filter(to_state=State.SUBMITTED).count() == 1


def test_another_constraint_that_refuses_a_claim_is_an_error_and_no_other_draw(monkeypatch):
    draws = []
    monkeypatch.setattr(tracking, "new_code", lambda: draws.append("") or "0000000018")
    row = opened()
    with pytest.raises(IntegrityError):
        journey._with_a_tracking_code(row, {"next_attempt_at": timezone.now()})  # not without `submitted_at`
    assert len(draws) == 1


def _columns(row: Registration) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in Registration._meta.concrete_fields}
