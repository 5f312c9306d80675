"""Registries on the network: many calls at once and not too many; rested when they fail; counted before each call."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from common import alarms, breaker, limits
from common.models import Breaker
from identity import inquiries, metering, resting, services
from identity.matching import Outcome, Verdict
from identity.models import Inquiries
from identity.person import Claim
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply
from identity.services import Question
from tests.support.claims import CLAIM, RECORD

pytestmark = pytest.mark.django_db
DOWN = OwnerAnswer(Reply.UNAVAILABLE, code="down")
NO_KEY = OwnerAnswer(Reply.MISCONFIGURED, code="forbidden")


class Remote(Registry):
    """On the network; a test says what it answers and sees who is inside at the same time."""

    KIND = "remote"
    on_network = True
    connections = 4
    asked: Counter[str]
    answer: Callable[[str, Claim], Any]
    inside = most_inside = 0
    _lock = threading.Lock()

    @classmethod
    def reset(cls) -> None:
        cls.asked, cls.inside, cls.most_inside = Counter(), 0, 0
        cls.answer = staticmethod(right)

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        return self._call("owner", inquiry)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        return self._call("person", inquiry)

    def _call(self, question: str, inquiry: Inquiry) -> Any:
        kind = type(self)
        with self._lock:
            kind.asked[question] += 1
            kind.inside += 1
            kind.most_inside = max(kind.most_inside, kind.inside)
        try:
            return kind.answer(question, inquiry.claim)
        finally:
            with self._lock:
                kind.inside -= 1


class Second(Remote):
    asked: Counter[str] = Counter()


def right(question: str, _claim: Claim) -> Any:
    return OwnerAnswer(Reply.ANSWERED, is_owner=True) if question == "owner" else PersonAnswer(Reply.ANSWERED, RECORD)


@pytest.fixture(autouse=True)
def remote(settings):
    settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["remote"]
    settings.IDENTITY_ENVIRONMENT = {
        "IDENTITY_REMOTE_KIND": f"{__name__}.Remote",
        "IDENTITY_SECOND_KIND": f"{__name__}.Second",
        "IDENTITY_REMOTE_OWNER_COST": "1200",
        "IDENTITY_REMOTE_PERSON_COST": "4500",
    }
    Remote.reset()
    Second.reset()
    return settings


def ask(count: int = 1, **how: Any) -> dict[int, Verdict]:
    found = list(services.check_all([Question(CLAIM)] * count, **how))
    assert len(found) == len(dict(found)) == count  # each exactly once
    return dict(found)


def outcomes(count: int = 1, **how: Any) -> Counter[Outcome]:
    return Counter(verdict.outcome for verdict in ask(count, **how).values())


def used() -> dict[str, tuple[int, int]]:
    return {row.question: (row.inquiries, row.cost) for row in services.usage()}


# ── Many at once


def test_calls_go_out_together_up_to_the_connections_of_the_registry():
    together = threading.Barrier(4)

    def answer(question, claim):
        if question == "owner":
            together.wait(20)  # nobody comes back before four are inside
        return right(question, claim)

    Remote.answer = staticmethod(answer)
    assert outcomes(20) == {Outcome.MATCH: 20}
    assert Remote.asked == {"owner": 20, "person": 20}
    assert Remote.most_inside == 4


def test_all_registries_together_never_have_more_calls_out_than_a_process_may(monkeypatch):
    monkeypatch.setattr(inquiries, "_all_places", threading.BoundedSemaphore(2))
    assert outcomes(10) == {Outcome.MATCH: 10}
    assert Remote.most_inside <= 2


def test_a_worker_claims_no_more_than_the_registries_take_soon(remote):
    assert services.at_once(100) == 4 * Remote.connections
    assert services.at_once(10) == 10
    remote.IDENTITY_OWNER_REGISTRIES = remote.IDENTITY_PERSON_REGISTRIES = ["local", "remote"]
    assert services.at_once(100) == 100


def test_a_verdict_comes_while_others_are_still_asked_about():
    late = threading.Event()

    def answer(question, claim):
        if claim.last_name == "late":
            assert late.wait(20)
        return right(question, claim)

    Remote.answer = staticmethod(answer)
    waits = replace(CLAIM, last_name="late")
    found = services.check_all([Question(waits), Question(CLAIM)])
    number, verdict = next(found)
    assert (number, verdict.outcome) == (1, Outcome.MATCH)
    late.set()
    assert [number for number, _verdict in found] == [0]


def test_what_cannot_be_asked_in_time_is_unavailable_and_what_was_asked_is_waited_for():
    began = threading.Event()

    def answer(question, claim):
        began.set()
        time.sleep(0.3)
        return right(question, claim)

    Remote.answer = staticmethod(answer)
    found = ask(8, seconds=0.2)
    assert {verdict.outcome for verdict in found.values()} == {Outcome.UNAVAILABLE}
    assert Remote.asked == {"owner": 4}
    assert {verdict.traces[-1].code for verdict in found.values()} == {"no_time"}
    assert used() == {"owner": (4, 4800)}


def test_an_abandoned_batch_gives_back_what_it_did_not_ask():
    go = threading.Event()

    def answer(_question, claim):
        if claim.last_name == "late":
            assert go.wait(20)
        return OwnerAnswer(Reply.ANSWERED, is_owner=False)

    Remote.answer = staticmethod(answer)
    late = replace(CLAIM, last_name="late")
    found = services.check_all([Question(CLAIM), *[Question(late)] * 9])
    next(found)
    found.close()
    go.set()
    ends = time.monotonic() + 20
    while inquiries._all_places._value != limits.REGISTRY_CALLS:  # until all calls have come back
        assert time.monotonic() < ends
        time.sleep(0.02)
    assert used() == {"owner": (Remote.asked["owner"], Remote.asked["owner"] * 1200)}
    assert Remote.asked["owner"] < 10


def test_when_a_person_may_not_be_asked_about_nobody_is():
    found = dict(services.check_all([Question(CLAIM, ask_person=False)]))
    assert (found[0].outcome, found[0].kind, found[0].fields) == (
        Outcome.NEEDS_A_PERSON, "identity", {"mobile": "match"},
    )  # fmt: skip
    assert Remote.asked == {"owner": 1}


def test_the_traces_say_who_answered_what_and_nothing_about_the_person():
    def answer(question, claim):
        return replace(right(question, claim), trace=f"T-{claim.national_id}" if question == "owner" else "T-1")

    Remote.answer = staticmethod(answer)
    traces = services.check(claim=CLAIM).traces
    assert [(one.registry, one.question, one.reply, one.trace) for one in traces] == [
        ("remote", "owner", "answered", ""), ("remote", "person", "answered", "T-1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "kept"),
    [("12345679", ""), ("0012345679", ""), ("T-12345679:7", ""), ("9121234567", ""), ("912345679", "912345679")],
)
def test_a_number_that_repeats_what_was_asked_is_kept_nowhere_however_it_is_written(said, kept):
    Remote.answer = staticmethod(lambda question, claim: replace(right(question, claim), trace=said, code=said))
    for trace in services.check(claim=CLAIM).traces:  # of 0012345679, whom some keep as an integer
        assert (trace.trace, trace.code) == (kept, kept)


# ── The thief


def test_a_thief_with_their_own_sim_costs_the_same_calls_whatever_they_guess():
    Remote.answer = staticmethod(lambda question, _claim: OwnerAnswer(Reply.ANSWERED, is_owner=False))
    guesses = [CLAIM, replace(CLAIM, last_name="احمدی"), replace(CLAIM, birth_date=timezone.localdate())]
    found = dict(services.check_all([Question(guess) for guess in guesses]))
    assert found[0] == found[1] == found[2]
    assert (found[0].outcome, found[0].kind, found[0].fields) == (Outcome.MISMATCH, "owner", {"mobile": "mismatch"})
    assert Remote.asked == {"owner": 3}  # the person was never asked about: no call, no time, no cost
    assert used() == {"owner": (3, 3600)}


# ── Resting


def test_a_registry_that_fails_is_rested_and_the_next_one_asked(remote):
    remote.IDENTITY_OWNER_REGISTRIES = ["remote", "second"]
    remote.IDENTITY_PERSON_REGISTRIES = ["second"]
    Remote.answer = staticmethod(lambda _question, _claim: DOWN)
    for _ in range(limits.BREAKER_FAILURES + 3):
        assert services.check(claim=CLAIM).outcome is Outcome.MATCH
    assert Remote.asked["owner"] == limits.BREAKER_FAILURES
    trace = services.check(claim=CLAIM).traces[0]
    assert (trace.registry, trace.reply, trace.code) == ("remote", "unavailable", "rested")
    assert services.rested_until("owner") is None  # the second one can be asked


def test_while_all_rest_nobody_is_called_and_it_is_known_until_when():
    Remote.answer = staticmethod(lambda _question, _claim: DOWN)
    assert outcomes(30) == {Outcome.UNAVAILABLE: 30}
    assert Remote.asked["owner"] < 30
    before = Remote.asked["owner"]
    assert outcomes(5) == {Outcome.UNAVAILABLE: 5}
    assert Remote.asked["owner"] == before
    assert timezone.now() < services.rested_until("owner") <= timezone.now() + limits.BREAKER_FIRST_PAUSE
    assert services.rested_until("person") is None


def test_after_the_rest_one_trial_is_made_and_the_others_of_the_batch_wait_for_it():
    Remote.answer = staticmethod(lambda _question, _claim: DOWN)
    ask(10)
    Remote.asked.clear()
    rest_is_over()
    ask(10)
    assert Remote.asked == {"owner": 1}
    rest_is_over()
    Remote.answer = staticmethod(right)
    assert outcomes(10) == {Outcome.MATCH: 10}
    assert services.rested_until("owner") is None


def rest_is_over() -> None:
    Breaker.objects.filter(open_until__isnull=False).update(open_until=timezone.now() - timedelta(seconds=1))
    breaker.forget()


def test_an_adapter_that_raises_is_a_failing_registry(remote):
    def answer(_question, _claim):
        raise ValueError("0012345679")

    Remote.answer = staticmethod(answer)
    assert outcomes(20) == {Outcome.UNAVAILABLE: 20}
    assert not breaker.state(resting.breaker_name("remote", "owner")).closed


def test_an_answer_that_is_of_no_use_for_some_rests_nobody(monkeypatch):
    def answer(question, claim):
        odd = OwnerAnswer(Reply.UNAVAILABLE, code="77", of_this_one=True)
        return odd if claim.last_name == "odd" else right(question, claim)

    Remote.answer = staticmethod(answer)
    odd = Question(replace(CLAIM, last_name="odd"))
    for _ in range(limits.BREAKER_FAILURES * 2):
        found = dict(services.check_all([odd, odd]))
        assert {verdict.outcome for verdict in found.values()} == {Outcome.UNAVAILABLE}
    assert services.rested_until("owner") is None
    assert outcomes(1) == {Outcome.MATCH: 1}
    monkeypatch.setattr(limits, "BREAKER_BUSY", timedelta(0))  # nothing else for long: out of order
    for _ in range(limits.BREAKER_FAILURES * 2):
        dict(services.check_all([odd, odd]))
    assert services.rested_until("owner") is not None


def test_a_refused_key_rests_the_registry_at_once_and_sounds_one_alarm_until_it_works():
    Remote.answer = staticmethod(lambda _question, _claim: NO_KEY)
    assert outcomes(1) == {Outcome.MISCONFIGURED: 1}
    assert outcomes(8) == {Outcome.UNAVAILABLE: 8}
    assert Remote.asked == {"owner": 1}
    [alarm] = alarms.standing("identity")
    assert (alarm.code, alarm.subject, alarm.detail, alarm.count) == ("registry", "remote owner", "forbidden", 1)
    assert alarms.standing("sms") == []
    rest_is_over()
    Remote.answer = staticmethod(right)
    assert outcomes(3) == {Outcome.MATCH: 3}
    assert alarms.standing("identity") == []


def test_a_wrong_certificate_is_an_outage_with_an_alarm():
    Remote.answer = staticmethod(lambda _question, _claim: OwnerAnswer(Reply.UNAVAILABLE, code="tls"))
    assert outcomes(1) == {Outcome.UNAVAILABLE: 1}
    assert [(alarm.code, alarm.subject) for alarm in alarms.standing("identity")] == [("certificate", "remote owner")]


# ── Metering


def test_inquiries_and_their_cost_are_counted_by_day_registry_and_question():
    ask(3)
    assert used() == {"owner": (3, 3600), "person": (3, 13500)}
    assert services.usage(timezone.localdate() - timedelta(days=1)) == []


def test_what_costs_money_is_counted_before_it_is_asked():
    class Killed(BaseException):
        pass

    def answer(_question, _claim):
        raise Killed

    Remote.answer = staticmethod(answer)
    with pytest.raises(Killed):
        list(services.check_all([Question(CLAIM)]))
    assert used() == {"owner": (1, 1200)}


@pytest.mark.parametrize(("cap", "most"), [("IDENTITY_DAILY_INQUIRIES", 5), ("IDENTITY_DAILY_COST", 5 * 1200 + 1100)])
def test_at_the_cap_requests_are_held_and_nobody_is_failed(remote, cap, most):
    Remote.answer = staticmethod(lambda _question, _claim: OwnerAnswer(Reply.ANSWERED, is_owner=False))
    setattr(remote, cap, most)
    found = [verdict.outcome for _, verdict in services.check_all([Question(CLAIM, ask_person=False)] * 8)]
    assert Counter(found) == {Outcome.MISMATCH: 5, Outcome.MISCONFIGURED: 3}
    assert Remote.asked == {"owner": 5}
    verdict = services.check(claim=CLAIM)
    assert (verdict.outcome, verdict.traces[0].code) == (Outcome.MISCONFIGURED, "daily_cap")
    assert [alarm.code for alarm in alarms.standing("identity")] == ["daily_cap"]
    assert breaker.state(resting.breaker_name("remote", "owner")).closed  # it is not the registry's fault
    Inquiries.objects.update(day=timezone.localdate() - timedelta(days=1))  # midnight
    assert outcomes(1) == {Outcome.MISMATCH: 1}
    assert alarms.standing("identity") == []


@pytest.mark.parametrize(("cap", "most"), [("IDENTITY_DAILY_INQUIRIES", 12), ("IDENTITY_DAILY_COST", 6 * 5700 + 1300)])
def test_owners_leave_room_in_the_day_for_the_persons_behind_them(remote, cap, most):
    setattr(remote, cap, most)
    assert outcomes(20) == {Outcome.MATCH: 6, Outcome.MISCONFIGURED: 14}
    assert Remote.asked == {"owner": 6, "person": 6}
    assert used() == {"owner": (6, 7200), "person": (6, 27000)}


def test_the_room_of_owners_who_do_not_match_is_used_for_others(remote):
    def answer(question, claim):
        if question == "owner" and claim.last_name == "thief":
            return OwnerAnswer(Reply.ANSWERED, is_owner=False)
        return right(question, claim)

    Remote.answer = staticmethod(answer)
    remote.IDENTITY_DAILY_INQUIRIES = 12
    thieves = [Question(replace(CLAIM, last_name="thief"))] * 6
    found = Counter(verdict.outcome for _, verdict in services.check_all([*thieves, *[Question(CLAIM)] * 6]))
    assert found == {Outcome.MISMATCH: 6, Outcome.MATCH: 3, Outcome.MISCONFIGURED: 3}
    assert sum(count for count, _cost in used().values()) == 12


def test_one_who_is_asked_about_as_a_person_alone_needs_no_room_for_an_owner(remote):
    remote.IDENTITY_DAILY_INQUIRIES = 3
    found = services.check_all([Question(CLAIM, owner_matched=True)] * 4)
    assert Counter(verdict.outcome for _, verdict in found) == {Outcome.MATCH: 3, Outcome.MISCONFIGURED: 1}


def test_what_one_worker_counts_before_it_asks_leaves_most_of_the_day_to_the_others(remote):
    remote.IDENTITY_DAILY_INQUIRIES = 150
    one, other = metering.Reservations(), metering.Reservations()
    assert one.take("remote", "owner", wanted=100)
    for _ in range(60):
        assert other.take("remote", "owner", wanted=60)
    one.release()
    other.release()
    assert used() == {"owner": (61, 61 * 1200)}


def test_what_was_counted_before_midnight_is_given_back_to_that_day(monkeypatch):
    reservations, today = metering.Reservations(), timezone.localdate()
    assert reservations.take("remote", "owner", wanted=5)
    tomorrow = today + timedelta(days=1)
    monkeypatch.setattr(timezone, "localdate", lambda *_: tomorrow)
    metering.reserve("remote", "owner", 7)
    reservations.release()
    assert [(row.inquiries, row.cost) for row in services.usage(today)] == [(1, 1200)]
    assert used() == {"owner": (7, 8400)}


def test_a_cap_lets_no_trial_be_lost(remote):
    Remote.answer = staticmethod(lambda _question, _claim: DOWN)
    ask(10)
    remote.IDENTITY_DAILY_INQUIRIES = 1
    rest_is_over()
    assert outcomes(1) == {Outcome.MISCONFIGURED: 1}
    Remote.answer = staticmethod(right)
    remote.IDENTITY_DAILY_INQUIRIES = 0
    assert outcomes(1) == {Outcome.MATCH: 1}


@pytest.mark.django_db(transaction=True)
def test_parallel_workers_never_pass_the_cap_together(remote):
    from django.db import connection

    remote.IDENTITY_DAILY_INQUIRIES = 10
    granted: list[int] = []

    def work() -> None:
        try:
            for _ in range(5):
                granted.append(len(metering.reserve("remote", "owner", 2)))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sum(granted) == 10 == services.usage()[0].inquiries


def test_without_a_cap_a_batch_is_counted_in_one_statement(django_assert_num_queries):
    metering.reserve("remote", "owner", 1)
    with django_assert_num_queries(1):
        assert len(metering.reserve("remote", "owner", 100)) == 100


def test_the_command_tells_programs_what_was_asked_and_people_too(remote):
    remote.IDENTITY_DAILY_COST = 1_000_000
    ask(2)
    out = StringIO()
    call_command("identity_usage", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["total"] == {"inquiries": 4, "cost": 11400}
    assert told["caps"] == {"inquiries": 0, "cost": 1_000_000}
    assert told["rested_until"] == {"owner": None, "person": None}
    out = StringIO()
    call_command("identity_usage", stdout=out)
    assert "remote person: 2 inquiries, 9000 rials" in out.getvalue()


def test_an_owner_who_matched_before_is_not_paid_for_to_say_that_nobody_is_asked(remote):
    found = services.check_all([Question(CLAIM, owner_matched=True, ask_person=False)])
    [(_, verdict)] = found
    assert (verdict.outcome, verdict.kind, verdict.fields) == (Outcome.NEEDS_A_PERSON, "identity", {"mobile": "match"})
    assert Inquiries.objects.count() == 0


def test_no_more_calls_are_begun_than_there_are_places_while_failures_are_not_heard_yet(remote):
    Remote.answer = staticmethod(lambda _question, _claim: DOWN)
    list(services.check_all([Question(CLAIM)] * 60))
    assert Remote.asked["owner"] <= limits.BREAKER_FAILURES + Remote.connections
