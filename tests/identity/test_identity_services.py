"""A check asks in the right order, survives its registries, and tells the logs nothing personal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from identity import services
from identity.checks import registries_are_configured
from identity.matching import Outcome
from identity.person import FieldVerdict, PersonRecord
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply
from tests.support.claims import CLAIM, RECORD

pytestmark = pytest.mark.django_db
OWNER = OwnerAnswer(Reply.ANSWERED, is_owner=True)
STRANGER = OwnerAnswer(Reply.ANSWERED)
PERSON = PersonAnswer(Reply.ANSWERED, RECORD)


class Spy(Registry):
    """A registry whose answers a test sets, and which writes down what it was asked."""

    asked: list[tuple[str, str, int]]
    owner_answer: OwnerAnswer | Exception
    person_answer: PersonAnswer | Exception

    @classmethod
    def reset(cls) -> None:
        cls.asked, cls.owner_answer, cls.person_answer = [], OWNER, PERSON

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        return self._answer("owner", inquiry, self.owner_answer)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        return self._answer("person", inquiry, self.person_answer)

    def _answer(self, question: str, inquiry: Inquiry, answer: Any) -> Any:
        self.asked.append((type(self).__name__, question, inquiry.attempt))
        if isinstance(answer, Exception):
            raise answer
        return answer


class First(Spy):
    pass


class Second(Spy):
    pass


@pytest.fixture(autouse=True)
def asked(settings: Any) -> Callable[[], list[str]]:
    """Both spies in order; calling the fixture says who was asked what."""
    settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = ["first", "second"]
    kinds = {"IDENTITY_FIRST_KIND": First, "IDENTITY_SECOND_KIND": Second}
    settings.IDENTITY_ENVIRONMENT = {name: f"{__name__}.{kind.__name__}" for name, kind in kinds.items()}
    log: list[tuple[str, str, int]] = []
    for spy in (First, Second):
        spy.reset()
        spy.asked = log
    return lambda: [f"{name} {question}" for name, question, _ in log]


def test_the_owner_is_asked_first_and_the_person_after_a_match(asked: Callable[[], list[str]]) -> None:
    verdict = services.check(claim=CLAIM, attempt=1)
    assert (verdict.outcome, verdict.kind) == (Outcome.MATCH, "")
    assert verdict.fields["mobile"] == verdict.fields["last_name"] == "match"
    assert asked() == ["First owner", "First person"]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (STRANGER, Outcome.MISMATCH),
        (OwnerAnswer(Reply.NOT_FOUND), Outcome.MISMATCH),
        (OwnerAnswer(Reply.NOT_FOUND, is_owner=True), Outcome.MISMATCH),
        (OwnerAnswer(Reply.INVALID_INPUT), Outcome.INVALID_INPUT),
        (OwnerAnswer(Reply.MISCONFIGURED), Outcome.MISCONFIGURED),
    ],
)
def test_the_person_is_never_asked_about_unless_the_owner_matched(
    asked: Callable[[], list[str]], answer: OwnerAnswer, outcome: Outcome
) -> None:
    First.owner_answer = answer
    verdict = services.check(claim=CLAIM, attempt=1)
    assert (verdict.outcome, verdict.kind) == (outcome, "owner")
    assert asked() == ["First owner"]


NO_DAY = replace(CLAIM, birth_unknown="month")


def test_a_registry_whose_key_is_the_birth_date_is_not_asked_without_it(asked: Callable[[], list[str]]) -> None:
    verdict = services.check(claim=NO_DAY)
    assert (verdict.outcome, verdict.kind) == (Outcome.NEEDS_A_PERSON, "identity")
    assert services.registry_view(claim=NO_DAY).outcome is Outcome.NEEDS_A_PERSON
    assert asked() == ["First owner"]


def test_whose_the_mobile_is_decides_first_without_a_day_of_birth_too() -> None:
    First.owner_answer = STRANGER
    verdict = services.check(claim=NO_DAY)
    assert (verdict.outcome, verdict.kind) == (Outcome.MISMATCH, "owner")


def test_a_registry_that_can_look_by_the_year_is_asked(
    asked: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for spy in (First, Second):
        monkeypatch.setattr(spy, "takes_part_of_a_date", True)
    First.person_answer = PersonAnswer(Reply.ANSWERED, replace(RECORD, birth_unknown="month"))
    assert services.check(claim=NO_DAY).outcome is Outcome.MATCH
    assert asked() == ["First owner", "First person"]


def test_a_thief_learns_the_same_whatever_they_guess() -> None:
    First.owner_answer = STRANGER
    right, wrong = (services.check(claim=replace(CLAIM, last_name=name), attempt=1) for name in ("کریمی", "احمدی"))
    assert right == wrong
    assert right.fields == {"mobile": "mismatch"}


@pytest.mark.parametrize("down", [OwnerAnswer(Reply.UNAVAILABLE), ConnectionError("0912 123 45 67")])
def test_an_unavailable_registry_gives_way_to_the_next(
    asked: Callable[[], list[str]], down: OwnerAnswer | Exception
) -> None:
    First.owner_answer = down
    First.person_answer = PersonAnswer(Reply.UNAVAILABLE)
    assert services.check(claim=CLAIM, attempt=1).outcome is Outcome.MATCH
    assert asked() == ["First owner", "Second owner", "First person", "Second person"]


@pytest.mark.parametrize("reply", [Reply.NOT_FOUND, Reply.INVALID_INPUT, Reply.MISCONFIGURED])
def test_any_other_answer_is_final(asked: Callable[[], list[str]], reply: Reply) -> None:
    First.person_answer = PersonAnswer(reply)
    verdict = services.check(claim=CLAIM, attempt=1)
    assert (verdict.outcome.value, verdict.kind) == (reply.value, "identity")
    assert verdict.fields == {"mobile": "match"}
    assert asked() == ["First owner", "First person"]


def test_when_nobody_answers_it_is_unavailable_for_the_question_that_failed() -> None:
    First.person_answer = Second.person_answer = TimeoutError()
    verdict = services.check(claim=CLAIM, attempt=1)
    assert (verdict.outcome, verdict.kind) == (Outcome.UNAVAILABLE, "identity")
    First.owner_answer = Second.owner_answer = OwnerAnswer(Reply.UNAVAILABLE)
    verdict = services.check(claim=CLAIM, attempt=1)
    assert (verdict.outcome, verdict.kind) == (Outcome.UNAVAILABLE, "owner")


def test_the_registries_are_told_which_attempt_it_is() -> None:
    services.check(claim=CLAIM, attempt=7)
    assert {attempt for _, _, attempt in First.asked} == {7}


@pytest.mark.parametrize(
    ("names", "faults"), [([], []), (["nowhere.Registry"], ["identity.E002"]), (["misspelt"], ["identity.E001"])]
)
def test_a_registry_that_does_not_exist_holds_the_queue(settings: Any, names: list[str], faults: list[str]) -> None:
    settings.IDENTITY_ENVIRONMENT = {}
    settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = names
    assert services.check(claim=CLAIM, attempt=1).outcome is Outcome.MISCONFIGURED
    assert services.registry_view(claim=CLAIM).outcome is Outcome.MISCONFIGURED
    assert [error.id for error in registries_are_configured()] == faults


def test_the_registries_of_the_settings_exist(settings: Any) -> None:
    settings.IDENTITY_ENVIRONMENT = {}
    for name in ("local", "demo"):
        settings.IDENTITY_OWNER_REGISTRIES = settings.IDENTITY_PERSON_REGISTRIES = [name]
        assert registries_are_configured() == []


def test_a_registry_that_answers_in_similarities_decides_without_a_record() -> None:
    judged = {"first_name": FieldVerdict.MATCH, "last_name": FieldVerdict.MATCH}
    First.person_answer = PersonAnswer(Reply.ANSWERED, judged=judged)
    verdict = services.check(claim=CLAIM, attempt=1)
    assert verdict.outcome is Outcome.MATCH
    assert verdict.fields["gender"] == "unknown"
    First.person_answer = PersonAnswer(Reply.ANSWERED, judged=judged | {"last_name": FieldVerdict.NEEDS_A_PERSON})
    assert services.check(claim=CLAIM, attempt=1).outcome is Outcome.NEEDS_A_PERSON
    First.person_answer = PersonAnswer(Reply.ANSWERED, judged=judged, deceased=True)
    assert services.check(claim=CLAIM, attempt=1).outcome is Outcome.DECEASED


def test_what_the_provider_judged_wins_over_its_record() -> None:
    partial = PersonRecord(certificate_number="1254", last_name="کریم")
    judged = {"first_name": FieldVerdict.MATCH, "last_name": FieldVerdict.MATCH}
    First.person_answer = PersonAnswer(Reply.ANSWERED, partial, judged)
    assert services.check(claim=CLAIM, attempt=1).outcome is Outcome.MATCH


def test_the_desk_asks_about_the_person_only(asked: Callable[[], list[str]]) -> None:
    First.owner_answer = STRANGER
    view = services.registry_view(claim=replace(CLAIM, last_name="احمدی"))
    assert (view.outcome, view.record) == (Outcome.MISMATCH, RECORD)
    assert view.fields["last_name"] == "mismatch"
    assert asked() == ["First person"]


@pytest.mark.parametrize("reply", [Reply.NOT_FOUND, Reply.UNAVAILABLE, Reply.MISCONFIGURED, Reply.INVALID_INPUT])
def test_the_desk_sees_no_record_where_there_is_none(reply: Reply) -> None:
    First.person_answer = Second.person_answer = PersonAnswer(reply)
    view = services.registry_view(claim=CLAIM)
    assert (view.outcome.value, view.record, view.fields) == (reply.value, None, {})


def test_a_failing_registry_is_logged_without_a_word_about_the_person(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    First.owner_answer = ValueError(f"bad answer for {CLAIM.national_id} {CLAIM.mobile} {CLAIM.last_name}")
    First.person_answer = PersonAnswer(Reply.UNAVAILABLE, code="down", trace="T-17")
    services.check(claim=CLAIM, attempt=1)
    assert "ValueError" in caplog.text
    assert "test_identity_services.py" in caplog.text
    assert "T-17" in caplog.text
    formatter = logging.Formatter("%(message)s")
    written = "\n".join(formatter.format(record) for record in caplog.records)
    for secret in (CLAIM.national_id, CLAIM.mobile, CLAIM.mobile[3:], CLAIM.first_name, CLAIM.last_name, "1254"):
        assert secret not in written


def test_a_check_that_goes_well_writes_no_log_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    services.check(claim=CLAIM, attempt=1)
    assert caplog.records == []


def test_nobody_waits_for_a_registry_that_is_not_on_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr("identity.inquiries.time.sleep", paused.append)
    assert services.check(claim=CLAIM).outcome is Outcome.MATCH
    assert paused == []
