"""The code of a browser that is not signed in: asked for alike, sent by a worker, whatever comes between."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.codes import challenges, sending
from accounts.models import AccountEvent, Challenge, ChallengeStage, CodePurpose, EventKind, OneTimeCode, User
from common import leases, limits
from common.abuse.origins import NOWHERE
from common.errors import PortalError
from sms.models import Message
from tests.support.accounts import together
from tests.support.journeys import code_on, let_pass, texts_on
from tests.support.recoveries import REZA, UNKNOWN, Recoverer, account_of, clock_moves, leads_to

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = "0012345687"


def begin(national_id: str = REZA.national_id, page: str = "") -> Challenge:
    return challenges.begin(purpose=CodePurpose.RECOVERY, national_id=national_id, origin=NOWHERE, page=page)


def fresh(challenge: Challenge) -> Challenge:
    challenge.refresh_from_db()
    return challenge


def codes_sent() -> int:
    return OneTimeCode.objects.filter(message__isnull=False).count()


def test_the_code_goes_to_the_number_on_record_and_proves_it():
    account_of()
    challenge = begin()
    assert challenges.send_due() == 1
    proven = challenges.prove(challenge=fresh(challenge), typed_code=code_on(REZA.mobile))
    assert (proven.stage, proven.mobile) == (ChallengeStage.PROVEN, User.objects.get().mobile)
    assert proven.proven_at is not None


def test_one_that_cannot_be_worked_on_does_not_stop_the_others(monkeypatch):
    account_of(mobile="no number")
    account_of(national_id=SECOND, mobile="+989120000102")
    User.objects.filter(national_id=REZA.national_id).update(is_active=False)
    bad, good = begin(), begin(SECOND)
    Challenge.objects.filter(pk=bad.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=9))
    challenges.send_due()
    assert fresh(good).stage == ChallengeStage.CODE_SENT
    assert fresh(bad).lease is not None  # its lease lapses, and it is looked at again
    assert not AccountEvent.objects.exists()
    clock_moves(limits.RECOVERY_LIFE)
    challenges.send_due()
    assert fresh(bad).next_attempt_at is None  # not for ever


def test_a_number_that_the_outbox_refuses_looks_like_any_other():
    account_of(mobile="no number")
    challenge = begin()
    challenges.send_due()
    assert fresh(challenge).stage == ChallengeStage.CODE_SENT
    with pytest.raises(PortalError, match="code_elsewhere"):
        challenges.prove(challenge=challenge, typed_code="123456")
    assert OneTimeCode.objects.get().tries == 1


def test_what_a_killed_worker_had_is_sent_when_its_lease_has_lapsed():
    account_of()
    begin()
    leases.claim(Challenge, limit=10, lease_for=limits.ACCOUNT_WORK_LEASE)
    assert challenges.send_due() == 0
    clock_moves(limits.ACCOUNT_WORK_LEASE)
    assert challenges.send_due() == 1
    assert codes_sent() == 1


def test_a_worker_whose_lease_has_lapsed_sends_nothing():
    account_of()
    challenge = begin()
    [held] = leases.claim(Challenge, limit=10, lease_for=timedelta(0))
    Challenge.objects.update(lease=uuid.uuid4())  # another has it now
    challenges._send([held])
    assert codes_sent() == 0
    assert fresh(challenge).stage == ChallengeStage.ASKED


def test_many_workers_send_each_code_once():
    people = [f"{number:09}" for number in range(100_000_100, 100_000_106)]
    for number, start in enumerate(people):
        account_of(national_id=_valid(start), mobile=f"+98912000020{number}")
        begin(_valid(start))
    together(lambda _: challenges.send_due(), 3)
    assert codes_sent() == len(people)
    assert not Challenge.objects.exclude(stage=ChallengeStage.CODE_SENT).exists()


def _valid(start: str) -> str:
    rest = sum(int(digit) * (10 - place) for place, digit in enumerate(start)) % 11
    return start + str(rest if rest < 2 else 11 - rest)


def test_a_stranger_in_the_gap_delays_the_owners_code_by_the_gap_and_no_more():
    account_of()
    stranger, owner = begin(), begin()
    challenges.send_due()
    assert fresh(stranger).stage == ChallengeStage.CODE_SENT
    assert fresh(owner).stage == ChallengeStage.CODE_SENT  # which looks the same for everybody
    strangers_code = code_on(REZA.mobile)
    with pytest.raises(PortalError, match="code_elsewhere"):
        challenges.prove(challenge=owner, typed_code=strangers_code)
    begin()  # and the stranger asks again, at once
    clock_moves(limits.CODE_GAP)
    sending.send_due()
    assert codes_sent() == 2
    assert challenges.prove(challenge=owner, typed_code=code_on(REZA.mobile)).stage == ChallengeStage.PROVEN


def test_past_the_codes_of_an_hour_nothing_is_sent_and_tries_are_counted_all_the_same():
    account_of()
    for _ in range(limits.CODES_PER_HOUR):
        begin()
        challenges.send_due()
        texts_on(REZA.mobile)
        clock_moves(limits.CODE_GAP)
    challenge = begin()
    challenges.send_due()
    assert codes_sent() == limits.CODES_PER_HOUR
    assert fresh(challenge).stage == ChallengeStage.CODE_SENT
    with pytest.raises(PortalError, match="code_elsewhere"):
        challenges.prove(challenge=challenge, typed_code="000000")
    assert OneTimeCode.objects.latest("pk").tries == 1


@pytest.mark.parametrize("known", [True, False])
def test_five_tries_a_code_also_where_there_is_none(known):
    account_of()
    challenge = begin(REZA.national_id if known else UNKNOWN)
    challenges.send_due()
    fresh(challenge)
    for _ in range(limits.CODE_TRIES + 2):
        with pytest.raises(PortalError, match="code_elsewhere"):
            challenges.prove(challenge=challenge, typed_code="000000")
    assert OneTimeCode.objects.get().tries == limits.CODE_TRIES
    if known:
        with pytest.raises(PortalError, match="code_elsewhere"):  # the right one is too late
            challenges.prove(challenge=challenge, typed_code=code_on(REZA.mobile))


def test_an_sms_that_comes_after_the_codes_life_opens_nothing():
    account_of()
    challenge = begin()
    challenges.send_due()
    code = code_on(REZA.mobile)
    let_pass(limits.CODE_LIFE)
    with pytest.raises(PortalError, match="code_elsewhere"):
        challenges.prove(challenge=fresh(challenge), typed_code=code)


def test_a_code_that_no_gateway_took_in_time_is_never_sent():
    account_of()
    begin()
    challenges.send_due()
    let_pass(limits.CODE_TO_BE_ACCEPTED_WITHIN)
    assert texts_on(REZA.mobile) == []
    assert Message.objects.get().state == "expired"


def test_a_right_code_twice_is_right_for_a_minute_and_then_used():
    account_of()
    challenge = begin()
    challenges.send_due()
    code = code_on(REZA.mobile)
    for _ in range(2):  # the first answer was lost
        assert challenges.prove(challenge=fresh(challenge), typed_code=code).stage == ChallengeStage.PROVEN
    OneTimeCode.objects.update(used_at=timezone.now() - limits.CODE_RETRY_GRACE - timedelta(seconds=1))
    with pytest.raises(PortalError, match="code_elsewhere"):
        challenges.prove(challenge=challenge, typed_code=code)


def test_who_lost_the_answer_for_longer_asks_for_another_code():
    account_of()
    challenge = begin()
    challenges.send_due()
    challenges.prove(challenge=fresh(challenge), typed_code=code_on(REZA.mobile))
    clock_moves(limits.CODE_GAP)
    OneTimeCode.objects.update(used_at=timezone.now() - limits.CODE_GAP - timedelta(seconds=1))
    assert challenges.ask_again(challenge=fresh(challenge), origin=NOWHERE) == 0
    challenges.send_due()
    assert fresh(challenge).stage == ChallengeStage.PROVEN
    assert challenges.prove(challenge=challenge, typed_code=code_on(REZA.mobile)).stage == ChallengeStage.PROVEN


def test_another_code_does_not_carry_a_proof_over_to_another_number():
    account_of()
    challenge = begin()
    challenges.send_due()
    challenges.prove(challenge=fresh(challenge), typed_code=code_on(REZA.mobile))
    User.objects.update(mobile="+989120000102")
    clock_moves(limits.CODE_GAP)
    challenges.ask_again(challenge=fresh(challenge), origin=NOWHERE)
    challenges.send_due()
    assert fresh(challenge).stage == ChallengeStage.ENDED
    assert codes_sent() == 1


def test_asking_again_within_a_minute_says_how_long_and_sends_nothing():
    account_of()
    challenge = begin()
    challenges.send_due()
    assert 0 < challenges.ask_again(challenge=challenge, origin=NOWHERE) <= limits.CODE_GAP.total_seconds()
    assert challenges.send_due() == 0


def test_of_two_that_wait_for_a_numbers_next_code_who_asked_first_gets_it():
    account_of()
    begin()
    challenges.send_due()
    first, second = begin(), begin()
    challenges.send_due()
    let_pass(limits.CODE_GAP)
    together(lambda _: sending.send_due(), 3)
    code = code_on(REZA.mobile)
    with pytest.raises(PortalError, match="code_elsewhere"):
        challenges.prove(challenge=fresh(second), typed_code=code)
    assert challenges.prove(challenge=fresh(first), typed_code=code).stage == ChallengeStage.PROVEN


def test_the_owner_of_a_closed_account_hears_once_a_day_that_somebody_tried():
    account_of()
    User.objects.update(is_active=False, closure="frozen", closed_at=timezone.now())
    for _ in range(3):
        begin()
        challenges.send_due()
    assert codes_sent() == 0
    assert len(texts_on(REZA.mobile)) == 1
    assert AccountEvent.objects.filter(kind=EventKind.CLOSED_SIGN_IN).count() == 1  # nobody fills a history


def test_one_page_sent_twice_at_once_is_one_code_that_fits_both_sessions():
    account_of()
    page = Client(enforce_csrf_checks=True)
    shown = page.get("/portal/recovery").content.decode()
    typed = {
        name: re.search(rf'name="{name}"[^>]*value="([^"]+)"', shown)[1] for name in ("csrfmiddlewaretoken", "page")
    }
    clicks = [Recoverer(), Recoverer()]

    def click(number: int) -> object:
        clicks[number].cookies["csrftoken"] = page.cookies["csrftoken"].value
        return clicks[number].step("recovery", national_id=REZA.national_id, **typed)

    answers = together(click, 2)
    assert all(leads_to(answer, "recovery_code") for answer in answers)
    assert Challenge.objects.count() == 1
    challenges.send_due()
    code = code_on(REZA.mobile)
    assert leads_to(clicks[1].step("recovery_code", code=code), "recovery_answer")


def test_the_same_page_sent_much_later_is_another_try():
    first = begin(page="x")
    assert begin(page="x").pk == first.pk
    clock_moves(limits.CODE_GAP)
    assert begin(page="x").pk != first.pk


def test_back_and_step_one_again_keeps_the_code_that_is_on_its_way():
    account_of()
    browser = Recoverer()
    browser.begin()
    browser.begin()
    assert Challenge.objects.count() == 1
    assert leads_to(browser.step("recovery_code", code=code_on(REZA.mobile)), "recovery_answer")


def test_a_code_of_one_who_is_gone_proves_nothing():
    account = account_of()
    challenge = begin()
    challenges.send_due()
    code = code_on(REZA.mobile)
    fresh(challenge)
    User.objects.filter(pk=account.pk).update(is_active=False, closure="frozen", closed_at=timezone.now())
    with pytest.raises(PortalError, match="account_closed"):
        challenges.prove(challenge=challenge, typed_code=code)
    assert not connection.in_atomic_block
