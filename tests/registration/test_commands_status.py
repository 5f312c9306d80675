"""`registration_status`: what administrators and other programs are told about a national ID."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from registration.states import State
from tests.support.journeys import MATCHES, PASSWORD, registration_in

pytestmark = pytest.mark.django_db
OTHER_MOBILE = "09351112233"


def status(national_id: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("registration_status", national_id, stdout=out, **options)
    return out.getvalue()


def as_json(national_id: str) -> Any:
    return json.loads(status(national_id, json=True))


def test_a_program_reads_where_a_registration_stands():
    at = datetime(2025, 3, 21, 10, 30, tzinfo=UTC)
    row = registration_in(State.REFERRED, submitted_at=at, verdict="mismatch")

    told = as_json(MATCHES.national_id)

    assert told == {
        "state": "referred",
        "tracking_code": row.tracking_code,
        "submitted_at": "2025-03-21T10:30:00+00:00",
        "verdict": "mismatch",
    }


def test_what_is_not_there_yet_is_null():
    registration_in(State.STARTED)

    assert as_json(MATCHES.national_id) == {
        "state": "started",
        "tracking_code": None,
        "submitted_at": None,
        "verdict": None,
    }


def test_the_furthest_open_one_answers_whichever_is_newer():
    now = timezone.now()
    further = registration_in(State.SUBMITTED, created_at=now - timedelta(days=2))
    registration_in(State.STARTED, mobile=OTHER_MOBILE, created_at=now)

    assert as_json(MATCHES.national_id)["tracking_code"] == further.tracking_code


def test_an_approved_one_answers_before_what_came_after_it():
    approved = registration_in(State.APPROVED, created_at=timezone.now() - timedelta(days=9))
    registration_in(State.STARTED, mobile=OTHER_MOBILE)

    assert as_json(MATCHES.national_id)["tracking_code"] == approved.tracking_code


def test_of_ended_ones_the_newest_answers():
    now = timezone.now()
    registration_in(State.REJECTED, created_at=now - timedelta(days=2))
    registration_in(State.EXPIRED, created_at=now - timedelta(days=1))

    assert as_json(MATCHES.national_id)["state"] == "expired"


@pytest.mark.parametrize("typed", ["۰۰۷۰۰۰۱۰۱۴", "٠٠٧٠٠٠١٠١٤", "007-000101-4", " 0070001014 "])
def test_the_id_may_be_typed_in_any_digits(typed):
    registration_in(State.SUBMITTED)

    assert as_json(typed)["state"] == "submitted"


def test_a_person_reads_persian_and_a_jalali_date():
    at = datetime(2025, 3, 21, 10, 30, tzinfo=UTC)
    registration_in(State.REFERRED, submitted_at=at, tracking_code="1234567897", verdict="mismatch")

    text = status(MATCHES.national_id)

    assert "۱۴۰۴/۰۱/۰۱" in text
    assert "۱۴:۰۰" in text  # Tehran
    assert "۱۲۳\u00a0۴۵۶\u00a0۷۸۹۷" in text  # no terminal turns the groups round
    assert str(State.REFERRED.label) in text


def test_a_held_one_says_when_the_registry_is_asked_next():
    registration_in(
        State.SUBMITTED,
        verdict="unavailable",
        attempts=7,
        next_attempt_at=datetime(2025, 3, 21, 10, 30, 15, tzinfo=UTC),
    )

    text = status(MATCHES.national_id)

    assert "۷" in text
    assert "۱۴:۰۰:۱۵" in text


def test_it_never_shows_what_only_the_owner_should_know():
    row = registration_in(State.REFERRED, grant_hash="f" * 64)

    for told in (status(MATCHES.national_id), status(MATCHES.national_id, json=True)):
        for secret in (PASSWORD, row.password, row.security_answer, row.grant_hash, row.email, row.mobile[3:]):
            assert secret not in told


@pytest.mark.parametrize("typed", ["0070001022", "1234567890", "abc", ""])
def test_an_unknown_or_impossible_id_is_exit_code_1_a_sentence_and_still_json(typed):
    registration_in(State.REFERRED)
    out = io.StringIO()

    with pytest.raises(CommandError) as refused:
        call_command("registration_status", typed, json=True, stdout=out)

    assert refused.value.returncode == 1
    assert str(refused.value)
    assert json.loads(out.getvalue()) is None


def test_an_unknown_id_prints_nothing_but_the_sentence():
    out = io.StringIO()

    with pytest.raises(CommandError, match="کد ملی"):
        call_command("registration_status", "0070001022", stdout=out)

    assert out.getvalue() == ""
