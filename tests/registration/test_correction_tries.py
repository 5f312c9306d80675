"""How often the civil registry is asked about one ID: whoever hands in what at the same moment, and never once more."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from common import limits
from common.errors import PortalError
from common.secrets import keyed_hash
from identity.matching import Outcome, Trace, Verdict
from identity.person import Person, fields_of
from registration.models import Registration
from registration.services import matching, second_chance
from registration.states import State
from tests.support.accounts import together
from tests.support.journeys import OTHER_NAME, registration_in, write_event
from tests.support.matching import MISMATCH

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hashing_costs_nothing")]

ID = OTHER_NAME.national_id
OWNER_ONLY = (Trace("one", "owner", "answered", "", ""),)
NOT_ASKED = Verdict(Outcome.NEEDS_A_PERSON, "identity", {"mobile": "match"}, OWNER_ONLY)


def referred(number: int, *, checks: int = 1) -> Registration:
    """A referred request of the ID with a mobile of its own, which `checks` checks of the identity went before."""
    row = registration_in(
        State.REFERRED,
        person=OTHER_NAME,
        mobile=f"0935111220{number}",
        verdict="mismatch",
        verdict_kind="identity",
        grant_hash=keyed_hash("grant", "grant"),
    )
    for _ in range(checks):
        write_event(row, before="submitted", why="mismatch", kind="identity")
    return row


def submitted(number: int, ago: int = 0) -> Registration:
    now = timezone.now()
    mobile = f"0936111220{number}"
    return registration_in(
        State.SUBMITTED,
        person=OTHER_NAME,
        mobile=mobile,
        submitted_at=now - timedelta(seconds=ago),
        next_attempt_at=now,
    )


def correct(row: Registration) -> str:
    """ "": it was taken; else why not."""
    identity = Person(**fields_of(row) | {"last_name": "دیگری"})
    try:
        second_chance.correct(registration=row, grant="grant", revision=0, identity=identity)
    except PortalError as error:
        return error.code
    return ""


@pytest.mark.parametrize("at_once", [True, False])
def test_one_try_that_is_left_is_one_correction_however_many_requests_the_id_has(at_once):
    rows = [referred(number, checks=0) for number in range(4)]
    write_event(rows[0], before="submitted", why="mismatch", kind="identity")
    write_event(rows[0], before="submitted", why="mismatch", kind="identity")
    assert second_chance.tries_left(national_id=ID) == 1
    answers = together(lambda n: correct(rows[n]), 4) if at_once else [correct(row) for row in rows]
    assert sorted(answers) == ["", *["corrections_used"] * 3]
    assert second_chance.tries_left(national_id=ID) == 0


def test_what_a_stranger_hands_in_takes_no_try(registries):
    submitted(1)  # the ID of another, with a number of the stranger's own
    assert second_chance.tries_left(national_id=ID) == limits.CORRECTIONS
    assert correct(referred(2)) == ""


def test_two_workers_never_ask_about_one_id_at_the_same_time(registries):
    referred(1, checks=2)
    first, second = submitted(2, ago=60), submitted(3)
    asking, go_on = threading.Event(), threading.Event()

    def slow(question):
        asking.set()
        if threading.current_thread() is not threading.main_thread():
            assert go_on.wait(timeout=30)
        return MISMATCH if question.ask_person else NOT_ASKED

    registries.say = slow
    worker = threading.Thread(target=_drain_and_close, daemon=True)
    worker.start()
    assert asking.wait(timeout=30)
    matching.match_due()  # the other row is due, and this worker has nothing else to do
    go_on.set()
    worker.join(timeout=30)
    Registration.objects.filter(state=State.SUBMITTED).update(next_attempt_at=timezone.now())
    matching.match_due()
    assert [question.ask_person for question in registries] == [True, False]
    assert {question.claim.mobile for question in registries} == {first.mobile, second.mobile}


def test_both_workers_with_a_row_of_one_id_do_not_wait_for_each_other_for_ever(registries):
    rows = [submitted(number) for number in range(4)]
    registries.say = lambda question: MISMATCH if question.ask_person else NOT_ASKED
    for _ in range(20):
        Registration.objects.filter(state=State.SUBMITTED).update(next_attempt_at=timezone.now())
        together(lambda _n: matching.match_due(seconds=5), 2)
    assert len(registries) == len(rows)
    assert [question.ask_person for question in registries].count(True) == limits.CORRECTIONS + 1


def test_a_check_that_was_not_made_does_not_keep_the_tries_away_for_longer(registries):
    checked = referred(1, checks=limits.CORRECTIONS + 1)
    checked.events.update(at=timezone.now() - limits.CORRECTIONS_WITHIN + timedelta(hours=1))
    registries.say = lambda question: MISMATCH if question.ask_person else NOT_ASKED
    row = submitted(2)
    matching.match_due()
    row.refresh_from_db()
    assert (row.state, row.verdict, row.verdict_kind) == (State.REFERRED, "needs_a_person", "identity")
    assert [question.ask_person for question in registries] == [False]
    assert second_chance.tries_left(national_id=ID) == 0
    checked.events.update(at=timezone.now() - limits.CORRECTIONS_WITHIN - timedelta(hours=1))
    assert second_chance.identity_checks([ID]) == {ID: 0}


def _drain_and_close() -> None:
    together(lambda _n: matching.match_due(seconds=5), 1)
