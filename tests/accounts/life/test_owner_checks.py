"""The questions to the registry of owners: asked by any worker, through outages, kills and changes of mind."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import owner_checks
from accounts.life import owner_check_queue
from accounts.life.locking import end_pending
from accounts.models import (
    Challenge,
    ChallengeStage,
    CodePurpose,
    EventKind,
    MobileChange,
    MobileChangeStage,
    OwnerCheck,
    User,
)
from common import leases, limits
from identity import services as identity
from identity.registries.base import Inquiry, OwnerAnswer, OwnerInquiry, PersonAnswer, Registry, Reply
from sms.models import Message
from tests.support import citizens
from tests.support.accounts import citizen, together
from tests.support.recoveries import clock_moves

pytestmark = pytest.mark.django_db(transaction=True)
THEIRS, NOT_THEIRS = OwnerAnswer(Reply.ANSWERED, is_owner=True), OwnerAnswer(Reply.ANSWERED)
DOWN, NO_EXTRACT = OwnerAnswer(Reply.UNAVAILABLE, code="timeout"), OwnerAnswer(Reply.MISCONFIGURED, code="no_extract")
NEW_NUMBER = "+989350000777"


class Owners(Registry):
    """Says what the test wants, and remembers what it was asked."""

    KIND = "owners"
    asked: Counter[str] = Counter()
    say: Callable[[OwnerInquiry], OwnerAnswer]

    def owner(self, inquiry: OwnerInquiry) -> OwnerAnswer:
        type(self).asked[inquiry.claim.national_id] += 1
        return type(self).say(inquiry)

    def person(self, inquiry: Inquiry) -> PersonAnswer:
        raise AssertionError("only the owner is asked for")


class OwnersOnTheNetwork(Owners):
    KIND = "owners_on_the_network"
    on_network = True
    connections = 4


@pytest.fixture(autouse=True)
def registry(settings):
    settings.IDENTITY_OWNER_REGISTRIES = ["owners"]
    settings.IDENTITY_ENVIRONMENT = {"IDENTITY_OWNERS_KIND": f"{__name__}.Owners"}
    Owners.asked = Counter()
    says(THEIRS)
    return Owners


def says(answer: OwnerAnswer | Callable[[OwnerInquiry], OwnerAnswer]) -> None:
    Owners.say = staticmethod(answer if callable(answer) else lambda _inquiry: answer)


def somebody(number: int = 1, **changes: object) -> User:
    facts = {"national_id": citizens.national_id(number), "mobile": f"+98{citizens.mobile(number)[1:]}", **changes}
    return citizen(**facts)


def recovery_of(account: User) -> OwnerCheck:
    challenge = Challenge.objects.create(
        purpose=CodePurpose.RECOVERY, national_id=account.national_id, account=account, mobile=account.mobile,
        stage=ChallengeStage.OWNER_ASKED,
    )  # fmt: skip
    return owner_check_queue.enqueue(account=account, mobile=account.mobile, challenge=challenge)


def change_of(account: User) -> OwnerCheck:
    change = MobileChange.objects.create(account=account, mobile=NEW_NUMBER, stage=MobileChangeStage.OWNER_ASKED)
    return owner_check_queue.enqueue(account=account, mobile=NEW_NUMBER, change=change)


def stage_of(check: OwnerCheck) -> str:
    check.refresh_from_db()
    waits = check.change or check.challenge
    waits.refresh_from_db()
    return str(waits.stage)


def waits(check: OwnerCheck) -> float:
    """Seconds until its turn."""
    check.refresh_from_db()
    return (check.next_attempt_at - timezone.now()).total_seconds()


def due(*checks: OwnerCheck) -> None:
    OwnerCheck.objects.filter(pk__in=[check.pk for check in checks]).update(next_attempt_at=timezone.now())


def test_a_registry_is_told_the_national_id_and_the_number_and_nothing_else():
    heard = []
    says(lambda inquiry: heard.append(vars(inquiry.claim)) or THEIRS)
    account = somebody()
    recovery_of(account)

    owner_checks.check_due()

    assert heard == [{"national_id": account.national_id, "mobile": account.mobile}]


@pytest.mark.parametrize(
    ("answer", "stage"),
    [(THEIRS, "owner_matched"), (NOT_THEIRS, "owner_mismatched"), (OwnerAnswer(Reply.NOT_FOUND), "owner_mismatched")],
)
def test_what_the_registry_says_decides_a_recovery(answer, stage):
    check = recovery_of(somebody())
    says(answer)
    assert owner_checks.check_due() == 1
    assert stage_of(check) == stage
    assert (check.next_attempt_at, check.lease) == (None, None)


@pytest.mark.parametrize("answer", [DOWN, NO_EXTRACT, OwnerAnswer(Reply.INVALID_INPUT)])
def test_what_is_no_answer_waits_ever_longer_and_goes_on_by_itself(answer):
    check = recovery_of(somebody())
    says(answer)
    pauses = []
    for _ in range(9):
        owner_checks.check_due()
        assert stage_of(check) == "owner_asked"
        pauses.append(waits(check))
        due(check)
    assert pauses[0] <= limits.OWNER_CHECK_FIRST_PAUSE.total_seconds() * 1.2
    assert pauses[3] > pauses[1]
    assert max(pauses) <= limits.OWNER_CHECK_LONGEST_PAUSE.total_seconds() * 1.2
    says(THEIRS)
    owner_checks.check_due()
    assert stage_of(check) == "owner_matched"


@pytest.mark.parametrize(("answer", "outcome"), [(DOWN, "unavailable"), (NO_EXTRACT, "misconfigured")])
def test_when_the_registry_is_back_all_that_wait_go_on_at_once(answer, outcome):
    checks = [recovery_of(somebody(number)) for number in range(1, 5)]
    says(answer)
    owner_checks.check_due()
    OwnerCheck.objects.update(next_attempt_at=timezone.now() + limits.OWNER_CHECK_LONGEST_PAUSE)
    assert set(OwnerCheck.objects.values_list("outcome", flat=True)) == {outcome}
    says(THEIRS)
    due(checks[0])
    assert owner_checks.check_due() == 4
    assert [stage_of(check) for check in checks] == ["owner_matched"] * 4


def test_a_number_that_no_registry_can_read_is_not_asked_about_each_time_another_is_answered():
    odd = recovery_of(somebody(1))
    says(lambda inquiry: DOWN if inquiry.claim.national_id == odd.account.national_id else THEIRS)
    owner_checks.check_due()
    OwnerCheck.objects.update(next_attempt_at=timezone.now() + limits.OWNER_CHECK_LONGEST_PAUSE)
    for number in range(2, 5):
        recovery_of(somebody(number))
        owner_checks.check_due()
    assert Owners.asked[odd.account.national_id] == 1


def test_a_missing_key_or_extract_is_there_for_everybody_once_it_is_there_for_one():
    held = recovery_of(somebody(1))
    says(NO_EXTRACT)
    owner_checks.check_due()
    OwnerCheck.objects.update(next_attempt_at=timezone.now() + limits.OWNER_CHECK_LONGEST_PAUSE)
    says(THEIRS)
    recovery_of(somebody(2))
    owner_checks.check_due()
    assert stage_of(held) == "owner_matched"


def test_while_all_registries_rest_the_check_comes_back_when_one_may_be_tried(monkeypatch):
    check = recovery_of(somebody())
    says(DOWN)
    monkeypatch.setattr(identity, "rested_until", lambda _question: timezone.now() + timedelta(seconds=100))
    owner_checks.check_due()
    assert 100 < waits(check) <= 100 + limits.OWNER_CHECK_AFTER_REST.total_seconds()


def test_what_a_killed_worker_had_is_asked_again_when_its_lease_has_lapsed():
    check = recovery_of(somebody())
    leases.claim(OwnerCheck, limit=10, lease_for=limits.OWNER_CHECK_LEASE)
    assert owner_checks.check_due() == 0
    clock_moves(limits.OWNER_CHECK_LEASE)
    assert owner_checks.check_due() == 1
    assert stage_of(check) == "owner_matched"


def test_many_workers_ask_about_each_once_and_act_once():
    checks = [recovery_of(somebody(number)) for number in range(1, 7)]
    says(NOT_THEIRS)
    together(lambda _: owner_checks.check_due(), 3)
    assert Owners.asked.total() == len(checks)
    assert Message.objects.count() == len(checks)  # RECOVERY_REFUSED


def test_one_that_cannot_be_concluded_does_not_stop_the_others(caplog):
    bad, good = recovery_of(somebody(1, mobile="no number")), recovery_of(somebody(2))
    says(NOT_THEIRS)
    owner_checks.check_due()
    assert stage_of(bad) == "owner_asked"  # nobody could be told: nothing is written
    assert bad.lease is not None
    assert stage_of(good) == "owner_mismatched"
    assert "no number" not in caplog.text


def test_a_registry_that_hangs_holds_nobody_up_and_what_was_frozen_meanwhile_stays(settings):
    settings.IDENTITY_ENVIRONMENT = {"IDENTITY_OWNERS_KIND": f"{__name__}.OwnersOnTheNetwork"}
    account = somebody()
    check = recovery_of(account)
    inside, goes_on = threading.Event(), threading.Event()

    def hang(_inquiry: Inquiry) -> OwnerAnswer:
        inside.set()
        assert goes_on.wait(20)
        return THEIRS

    says(hang)

    def work(number: int) -> None:
        if number == 0:
            owner_checks.check_due()
            return
        assert inside.wait(20)
        User.objects.filter(pk=account.pk).update(is_active=False, closure="frozen")  # no lock is in its way
        end_pending(account=account)
        goes_on.set()

    assert together(work, 2) == [None, None]
    assert stage_of(check) == "ended"
    assert check.outcome == ""
    assert not account.events.exists()


@pytest.mark.parametrize("make", [recovery_of, change_of])
def test_nobody_is_asked_about_what_was_ended_closed_or_is_too_old(make):
    ended, closed, old = (make(somebody(number)) for number in range(1, 4))
    end_pending(account=ended.account)
    due(ended)  # as a worker may have it already
    User.objects.filter(pk=closed.account_id).update(is_active=False, closure="frozen")
    ago = timezone.now() - limits.OWNER_CHECK_LIFE - timedelta(seconds=1)
    OwnerCheck.objects.filter(pk=old.pk).update(created_at=ago)
    owner_checks.check_due()
    assert not Owners.asked
    assert not OwnerCheck.objects.filter(next_attempt_at__isnull=False).exists()
    assert stage_of(ended) == "ended"
    assert stage_of(old) == ("late" if old.change else "owner_asked")
    assert Message.objects.count() == (1 if old.change else 0)


def test_an_account_without_a_birth_date_is_asked_about_as_well():
    check = recovery_of(somebody())
    User.objects.update(birth_date=None)
    owner_checks.check_due()
    assert stage_of(check) == "owner_matched"


def test_a_new_number_in_the_owners_name_is_in_force_and_both_numbers_hear_of_it():
    account = somebody()
    check, old = change_of(account), account.mobile
    owner_checks.check_due()
    account.refresh_from_db()
    assert (stage_of(check), account.mobile) == (MobileChangeStage.DONE, NEW_NUMBER)
    assert set(Message.objects.values_list("to", flat=True)) == {old, NEW_NUMBER}


def test_a_new_number_in_another_name_changes_nothing_and_the_old_one_hears_of_it():
    account = somebody()
    check, old = change_of(account), account.mobile
    says(NOT_THEIRS)
    owner_checks.check_due()
    account.refresh_from_db()
    assert (stage_of(check), account.mobile) == (MobileChangeStage.MISMATCHED, old)
    assert list(Message.objects.values_list("to", flat=True)) == [old]
    assert account.events.get().kind == EventKind.MOBILE_REFUSED


def test_a_change_that_is_ended_while_the_registry_thinks_stays_ended():
    account = somebody()
    check = change_of(account)

    def ended_meanwhile(_inquiry: Inquiry) -> OwnerAnswer:
        MobileChange.objects.update(stage=MobileChangeStage.ENDED)
        return THEIRS

    says(ended_meanwhile)
    owner_checks.check_due()
    account.refresh_from_db()
    assert stage_of(check) == MobileChangeStage.ENDED
    assert account.mobile != NEW_NUMBER
