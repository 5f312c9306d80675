"""`rematch`: a held request is asked about now instead of at its next turn."""

from __future__ import annotations

import io
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from identity.registries.demo import CITIZENS, Plot
from registration.services import matching
from registration.states import State
from tests.support.journeys import MATCHES, registration_in

pytestmark = pytest.mark.django_db
LATER = timedelta(minutes=15)
DOWN_TWICE = next(citizen for citizen in CITIZENS if citizen.plot is Plot.DOWN_TWICE)


def rematch(*which: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("rematch", *which, stdout=out, **options)
    return out.getvalue()


def held(**changes: Any):
    facts = {"verdict": "unavailable", "attempts": 2, "next_attempt_at": timezone.now() + LATER}
    return registration_in(State.SUBMITTED, **(facts | changes))


@pytest.mark.parametrize("by_id", [False, True])
def test_a_held_request_is_decided_at_once(by_id, published, transactional_db, django_capture_on_commit_callbacks):
    row = held(person=DOWN_TWICE)
    assert matching.match_due() == 0

    rematch(DOWN_TWICE.national_id if by_id else row.tracking_code)

    assert published == ["registration.match"]
    assert matching.match_due() == 1
    row.refresh_from_db()
    assert row.state == State.APPROVED


def test_all_held_requests_are_due_and_the_rest_is_left_alone(published, transactional_db):
    mine = held()
    other = held(person=DOWN_TWICE)
    referred = registration_in(State.REFERRED, person=CITIZENS[2])

    assert "۲" in rematch(all=True)

    assert published == ["registration.match"]
    for row in (mine, other, referred):
        row.refresh_from_db()
    assert mine.next_attempt_at <= timezone.now()
    assert other.next_attempt_at <= timezone.now()
    assert referred.next_attempt_at is None


def test_all_leaves_what_a_worker_has_in_hand():
    lease, ends = uuid.uuid4(), timezone.now() + LATER
    row = held(lease=lease, next_attempt_at=ends)

    rematch(all=True)

    row.refresh_from_db()
    assert (row.lease, row.next_attempt_at) == (lease, ends)


def test_running_it_again_does_no_harm():
    row = held()

    rematch(row.tracking_code)
    rematch(row.tracking_code)
    rematch(all=True)

    row.refresh_from_db()
    assert (row.state, row.attempts) == (State.SUBMITTED, 2)


@pytest.mark.parametrize("state", [state for state in State if state != State.SUBMITTED])
def test_what_is_not_held_is_refused_with_its_state(state):
    row = registration_in(state)

    with pytest.raises(CommandError, match=str(state.label)):
        rematch(MATCHES.national_id)

    row.refresh_from_db()
    assert row.next_attempt_at is None


@pytest.mark.parametrize("typed", [(), ("0070001022",), ("nobody",)])
def test_somebody_must_be_named(typed):
    held()

    with pytest.raises(CommandError):
        rematch(*typed)
