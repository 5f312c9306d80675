"""A registry is down, or we may not ask it: who waits how long, what is said, and what happens when it is back."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from common import breaker, limits
from identity import services as identity
from identity.matching import Outcome, Trace, Verdict
from registration.models import Event, Registration
from registration.services import matching, retries
from registration.states import State
from sms.models import Message
from tests.support.accounts import administrator, clerk
from tests.support.matching import DOWN, submitted
from tests.support.pages import assert_fits_the_policy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("hashing_costs_nothing")]

PERSON_DOWN = Verdict(
    Outcome.UNAVAILABLE, "identity", {"mobile": "match"},
    (Trace("one", "owner", "answered", "", ""), Trace("two", "person", "unavailable", "timeout", "")),
)  # fmt: skip
CAPPED = Verdict(Outcome.MISCONFIGURED, "owner", {}, (Trace("one", "owner", "misconfigured", "daily_cap", ""),))
WAITING = "/admin/registration/registration/waiting/"


def waits(row: Registration) -> float:
    """Seconds until its turn."""
    row.refresh_from_db()
    return (row.next_attempt_at - timezone.now()).total_seconds()


def held_row(number: int, verdict: Verdict = DOWN, **changes: Any) -> Registration:
    """One that was asked about before, and waits the longest pause."""
    facts = {
        "verdict": verdict.outcome.value,
        "verdict_kind": verdict.kind,
        "verdict_traces": [
            {"registry": "one", "question": verdict.kind, "reply": "unavailable", "code": "", "trace": ""}
        ],
        "attempts": 9,
        "next_attempt_at": timezone.now() + limits.MATCH_LONGEST_PAUSE,
    }
    return submitted(number, ago=5000 - number, **(facts | changes))


def test_while_all_registries_of_a_question_rest_the_request_comes_back_when_one_may_be_tried(registries, monkeypatch):
    until = timezone.now() + timedelta(seconds=100)
    monkeypatch.setattr(identity, "rested_until", {"owner": until, "person": None}.get)
    owner, person = submitted(1), submitted(2)
    registries.say = lambda question: DOWN if question.claim.mobile == owner.mobile else PERSON_DOWN
    matching.match_due()
    assert 90 < waits(owner) <= 100 + limits.MATCH_AFTER_REST.total_seconds()
    assert waits(person) < limits.MATCH_FIRST_PAUSE.total_seconds() * 1.2


def test_a_second_outage_after_a_correction_is_told_of_as_well(registries):
    registries.say = lambda _question: DOWN
    row = submitted(1, ago=2000)
    for revision in (0, 0, 1, 1):
        told = None if revision > row.revision else row.told_of_delay_at
        Registration.objects.filter(pk=row.pk).update(
            revision=revision, told_of_delay_at=told, next_attempt_at=timezone.now()
        )
        matching.match_due()
        row.refresh_from_db()
        assert Message.objects.filter(kind="notice").count() == revision + 1


def test_after_an_outage_all_that_waited_are_decided_in_one_drain_the_oldest_first(registries):
    waiting = [held_row(number) for number in range(130)]
    Registration.objects.filter(pk=waiting[70].pk).update(next_attempt_at=timezone.now())
    matching.match_due()
    assert Registration.objects.filter(state=State.SUBMITTED).count() == 0
    rest = [question.claim.mobile for question in registries][1:]
    assert rest == [row.mobile for row in waiting if row is not waiting[70]]
    assert Event.objects.count() == Message.objects.filter(kind="result").count() == 130


def test_a_registry_that_fails_on_one_person_is_not_asked_about_them_at_each_answer_about_others(registries):
    bad = held_row(1)
    submitted(2)
    matching.match_due()
    assert waits(bad) > 600


def test_what_we_may_ask_again_is_asked_at_once_about_all_who_were_held_for_it(registries):
    capped = held_row(1, CAPPED)
    submitted(2)
    matching.match_due()
    capped.refresh_from_db()
    assert capped.state == State.APPROVED


def test_an_owner_who_is_known_says_nothing_about_the_civil_registry(registries):
    person = held_row(1, PERSON_DOWN)
    owner = held_row(2, next_attempt_at=timezone.now())
    registries.say = lambda question: PERSON_DOWN
    matching.match_due()
    assert waits(person) > 600
    assert waits(owner) > 600


def test_those_who_wait_for_half_an_hour_are_told_once_whatever_their_number(registries, django_assert_max_num_queries):
    for number in range(40):
        submitted(number, ago=31 * 60, tracking_code=f"{number:010}")
    registries.say = lambda question: DOWN
    with django_assert_max_num_queries(16):
        matching.match_due()
    Registration.objects.update(next_attempt_at=timezone.now())
    matching.match_due()
    assert Message.objects.filter(kind="notice").count() == 40


def test_the_half_hour_is_told_at_the_next_tick_and_not_when_the_turn_comes(registries, monkeypatch):
    rows = [held_row(number) for number in range(3)]
    young = submitted(5, ago=29 * 60, next_attempt_at=timezone.now() + limits.MATCH_LONGEST_PAUSE)
    monkeypatch.setattr(limits, "MATCH_TOLD_AT_ONCE", 2)
    told = []
    for _tick in range(3):
        matching.match_due()
        told.append(Message.objects.filter(kind="notice").count())
    assert registries == []  # nobody was asked about
    assert told == [2, 3, 3]
    assert all(waits(row) > 600 for row in rows)
    assert not Message.objects.filter(to=young.mobile).exists()


def test_an_answer_that_comes_late_is_told_without_the_delay(registries):
    submitted(1, ago=2000)
    matching.match_due()
    assert [message.kind for message in Message.objects.all()] == ["result"]


def test_an_outage_is_one_when_nobody_can_be_asked_or_several_have_no_answer(monkeypatch):
    assert not retries.outage()
    for number in range(limits.MATCH_OUTAGE_HELD):
        assert not retries.outage()
        held_row(number)
    assert retries.outage()
    Registration.objects.all().delete()
    monkeypatch.setattr(identity, "rested_until", lambda question: timezone.now() if question == "person" else None)
    assert retries.outage()


def test_those_whom_a_registry_cannot_read_are_no_outage_for_everybody():
    for number in range(limits.MATCH_OUTAGE_HELD * 2):
        held_row(number, Verdict(Outcome.INVALID_INPUT, "identity", {}, ()))
    assert not retries.outage()


# ── administrators


def status(**options: Any) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("matching_status", stdout=out, **options)
    except CommandError as error:
        return out.getvalue() + str(error), error.returncode
    return out.getvalue(), 0


def test_the_command_is_quiet_when_nothing_is_wrong():
    submitted(1)
    text, code = status()
    assert code == 0
    assert "1 waiting" in text


def test_the_command_says_what_is_held_why_and_since_when(registries):
    registries.say = lambda question: CAPPED if question.claim.mobile.endswith("1") else DOWN
    rows = [submitted(number, ago=4000 - number) for number in range(3)]
    matching.match_due()
    submitted(7)
    text, code = status(json=True)
    found = json.loads(text[: text.rindex("}") + 1])
    assert code == 1
    assert (found["waiting"], found["due"], found["in_hand"]) == (4, 1, 0)
    assert found["oldest_seconds"] >= 4000
    assert {(each["outcome"], each["kind"], each["count"]) for each in found["held"]} == {
        ("unavailable", "owner", 2), ("misconfigured", "owner", 1), ("", "", 1),
    }  # fmt: skip
    assert found["answers_about_the_oldest"][0] == {
        "registry": "one", "question": "owner", "reply": "unavailable", "code": "timeout", "count": 2,
    }  # fmt: skip
    assert len(found["problems"]) == 2
    for row in rows:
        assert not {row.national_id, row.mobile, row.mobile[3:], row.last_name} & set(text.replace('"', " ").split())


@pytest.mark.parametrize("passed", [{"waiting": 0}, {"held": 0}, {"oldest": 10}])
def test_each_threshold_ends_the_command_with_an_error(passed):
    held_row(1)
    assert status(**({"waiting": 5, "held": 5, "oldest": 9000} | passed))[1] == 1


def test_the_page_shows_it_in_persian_and_asks_again_at_the_press_of_a_button(client, published):
    row = held_row(1, CAPPED)
    ours = {"registry": "demo", "question": "owner", "reply": "unavailable", "code": "demo_down", "trace": ""}
    theirs = {"registry": "uid", "question": "person", "reply": "misconfigured", "code": "E-401", "trace": ""}
    held_row(2, verdict_traces=[ours])
    held_row(3, verdict_traces=[theirs])
    breaker.trip("identity:demo:owner", "401")
    client.force_login(administrator())
    page = client.get(WAITING).content.decode()
    assert_fits_the_policy(page)
    for words in (
        "مرجع مالکیت تلفن همراه پاسخ نمی‌دهد",
        "سقف روزانه",
        "استعلام دوباره هم‌اکنون",
        "<bdi>demo owner</bdi>",
        "تلفن همراه از آن کیست",
        "پاسخ نداد",
        "قطعی آزمایشی",
        "E-401",
        "۱۴",
    ):
        assert words in page
    assert not {"unavailable", "misconfigured", "demo_down", "person"} & set(re.findall(r"\w+", page))
    assert row.national_id not in page
    assert WAITING in client.get("/admin/registration/registration/").content.decode()
    assert waits(row) > 600
    assert client.post(WAITING)["Location"] == WAITING
    assert waits(row) <= 0
    assert published == ["registration.match"]
    assert "۳" in client.get(WAITING).content.decode()


def test_a_clerk_sees_nothing_of_the_queue(client):
    row = held_row(1)
    client.force_login(clerk())
    assert client.get(WAITING).status_code == client.post(WAITING).status_code == 403
    assert waits(row) > 600
    assert WAITING not in client.get("/admin/registration/registration/").content.decode()


def test_nothing_waits_and_the_page_says_so(client):
    client.force_login(administrator())
    page = client.get(WAITING).content.decode()
    assert "هیچ درخواستی در انتظار نیست" in page
    assert "استعلام دوباره هم‌اکنون" not in page
