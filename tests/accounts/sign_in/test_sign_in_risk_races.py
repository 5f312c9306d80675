"""`SIGN_IN_CODE=risk`: what happens at the same moment, what a crash leaves behind, and what is kept how long."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts import backends
from accounts.life.housekeeping import purge_proofs
from accounts.models import EventKind, FailedSignIn
from accounts.sign_in import refusals, sql, throttle
from common import limits
from common.abuse.origins import origin_of
from tests.support.accounts import PASSWORD, REZA, together
from tests.support.entrances import CODE, HOME, MOBILE, WRONG, first_step, kinds, sign_in, signed_in, type_code
from tests.support.journeys import code_on, let_pass
from tests.support.profile import NEW, PASS, hand_in
from tests.support.risks import asks, browser, strangers_fail, trusted_device

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("code_by_risk")]
ENOUGH = limits.SIGN_IN_RISK_FAILURES


def held_while_compared(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """`act` runs before any password is compared."""
    real = backends.verify_password

    def verify(*args: Any, **options: Any) -> Any:
        act()
        return real(*args, **options)

    monkeypatch.setattr(backends, "verify_password", verify)


def wait_for_rows(count: int) -> None:
    until = timezone.now() + timedelta(seconds=20)
    while FailedSignIn.objects.count() < count and timezone.now() < until:
        time.sleep(0.01)


def test_guesses_at_the_same_moment_are_worth_no_more_than_one_by_one(monkeypatch) -> None:
    """All are being compared when the right one is weighed: none has been refused yet."""
    guesses = [WRONG] * ENOUGH + [PASSWORD]
    browsers = [browser(REMOTE_ADDR=f"10.{number}.0.1") for number in range(len(guesses))]
    held_while_compared(monkeypatch, lambda: wait_for_rows(len(guesses)))
    answers = together(lambda number: sign_in(browsers[number], password=guesses[number]), len(guesses))
    assert [answer.status_code for answer in answers] == [200] * ENOUGH + [302]
    assert answers[-1]["Location"] == CODE
    assert FailedSignIn.objects.filter(stopped_at_code=False).count() == ENOUGH


def test_the_owner_in_two_browsers_at_once_gets_in_in_both() -> None:
    phone, computer = browser(REMOTE_ADDR="10.1.0.1"), browser(REMOTE_ADDR="10.2.0.1")
    answers = together(lambda number: sign_in((phone, computer)[number]), 2)
    assert [answer["Location"] for answer in answers] == [HOME, HOME]
    assert not FailedSignIn.objects.exists()


def test_a_failure_between_password_and_code_changes_nothing_for_who_waits_for_the_code(client) -> None:
    strangers_fail(ENOUGH)
    code = first_step(client)
    strangers_fail(1)
    assert type_code(client, code)["Location"] == HOME


def test_a_good_sign_in_elsewhere_does_not_let_in_who_waits_for_the_code(client) -> None:
    phone = trusted_device()
    strangers_fail(ENOUGH)
    first_step(client)
    assert sign_in(phone)["Location"] == HOME
    assert not signed_in(client)
    assert client.get(CODE).status_code == 200


def test_a_password_that_could_not_be_compared_is_no_failure(monkeypatch) -> None:
    def broken() -> None:
        raise ConnectionError

    held_while_compared(monkeypatch, broken)
    with pytest.raises(ConnectionError):
        sign_in(browser())
    assert not FailedSignIn.objects.exists()


def test_a_try_whose_process_died_while_it_was_compared_stays_a_failure_and_is_looked_at() -> None:
    counted = sql.Counted(REZA, "", origin_of("10.0.0.1"))
    throttle.count_try(
        account="a" * 64, where=throttle.buckets(device="x", address=""), write=partial(sql.count_try, this=counted)
    )
    refusals.notify_due()
    assert FailedSignIn.objects.filter(next_attempt_at__isnull=False).count() == 1
    FailedSignIn.objects.update(next_attempt_at=F("next_attempt_at") - limits.ACCOUNT_WORK_LEASE)
    refusals.notify_due()
    assert FailedSignIn.objects.get().next_attempt_at is None
    strangers_fail(ENOUGH - 1)
    assert asks(browser())


# Who was stopped at the code.


def come_in(client: Client) -> None:
    """By a code of one's own: the last one went to whoever was stopped."""
    let_pass(timedelta(seconds=61))
    type_code(client, first_step(client))


def test_who_guessed_the_password_does_not_get_in_by_waiting_for_the_owners_next_sign_in() -> None:
    strangers_fail(ENOUGH)
    thief = browser(REMOTE_ADDR="10.9.0.1")
    assert asks(thief)
    come_in(owner := browser())  # lets go of the failures
    assert signed_in(owner)
    assert asks(browser(REMOTE_ADDR="10.10.0.1"))
    assert asks(thief)


def test_that_ends_with_another_password(user) -> None:
    strangers_fail(ENOUGH)
    assert asks(browser(REMOTE_ADDR="10.9.0.1"))
    come_in(owner := browser())
    assert hand_in(owner, PASS).status_code == 302
    assert sign_in(browser(), password=NEW)["Location"] == HOME


def test_an_owner_who_left_at_the_code_ends_it_by_coming_in_there(user) -> None:
    strangers_fail(ENOUGH)
    owner = browser()
    first_step(owner)
    assert asks(owner)
    type_code(owner, code_on(MOBILE))
    assert signed_in(owner)
    assert not asks(browser())


def test_no_number_of_wrong_tries_pushes_it_out() -> None:
    strangers_fail(ENOUGH)
    assert asks(browser())
    FailedSignIn.objects.bulk_create(
        FailedSignIn(national_id=REZA, next_attempt_at=timezone.now()) for _ in range(2 * limits.FAILED_SIGN_INS_KEPT)
    )
    refusals.notify_due()
    assert FailedSignIn.objects.filter(stopped_at_code=True).count() == 1


# What is kept.


def test_of_a_night_of_guesses_the_newest_are_kept() -> None:
    FailedSignIn.objects.bulk_create(
        FailedSignIn(national_id=REZA, next_attempt_at=timezone.now()) for _ in range(3 * limits.FAILED_SIGN_INS_KEPT)
    )
    refusals.notify_due()
    assert FailedSignIn.objects.count() == limits.FAILED_SIGN_INS_KEPT
    assert max(ENOUGH + limits.SIGN_IN_RISK_OWN_EXCUSED, limits.MANY_FAILURES) <= limits.FAILED_SIGN_INS_KEPT
    assert asks(browser())


def test_what_a_good_sign_in_has_settled_is_gone_after_a_day_and_the_rest_after_a_year() -> None:
    def ages(*, counts: bool, **age: float) -> None:
        then = timezone.now() - timedelta(**age)
        FailedSignIn.objects.create(national_id=REZA, counts=counts, created_at=then)

    for counts in (True, False):
        for days in (0.9, 1.1, 364, 366):
            ages(counts=counts, days=days)
    purge_proofs(before=timezone.now() - limits.PROOFS_KEPT)
    left = FailedSignIn.objects.values_list("counts", flat=True)
    assert sorted(left) == [False, True, True, True]


def test_the_owner_still_hears_of_ten_failures_of_a_day_with_a_good_sign_in_among_them(user) -> None:
    phone = trusted_device()
    strangers_fail(limits.MANY_FAILURES - 1)
    assert not asks(phone)
    strangers_fail(1)
    refusals.notify_due()
    assert EventKind.MANY_FAILURES in kinds(user)
