"""What ends a second step that was begun, and what does not serve in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.codes import issuing
from accounts.models import Allowance, Closure, CodePurpose, OneTimeCode, Session, User
from accounts.passwords.rules import hash_password
from accounts.sign_in import texts as sign_in_texts
from common import limits
from tests.support.accounts import citizen, together
from tests.support.entrances import (
    MOBILE,
    PAGE,
    RESEND,
    UNKNOWN,
    another,
    errors,
    first_step,
    kinds,
    move_clock,
    sign_in,
    signed_in,
    told,
    type_code,
)
from tests.support.journeys import code_on, let_pass, texts_on

pytestmark = pytest.mark.django_db(transaction=True)
WRONG_CODE = ["کد وارد شده معتبر نمیباشد"]


def test_a_code_of_another_purpose_does_not_serve(client, careful_user) -> None:
    first_step(client)
    let_pass(timedelta(seconds=61))
    asker = client.session["sign_in_second"]["asker"]
    issuing.issue(purpose=CodePurpose.RECOVERY, mobile=careful_user.mobile, asker=asker)
    assert errors(type_code(client, code_on(MOBILE))) == WRONG_CODE


def test_a_code_of_another_browser_does_not_serve(client, careful_user) -> None:
    thief = Client()  # knows the password
    sign_in(thief)
    let_pass(timedelta(seconds=61))
    code = first_step(client)
    assert errors(type_code(thief, code)) == WRONG_CODE  # the same words as for any other wrong one
    assert not signed_in(thief)


@pytest.mark.parametrize("hours", [1, -1])
def test_what_was_begun_before_the_clock_moved_is_over(client, careful_user, monkeypatch, hours) -> None:
    code = first_step(client)
    move_clock(monkeypatch, timedelta(hours=hours))
    assert told(type_code(client, code)) == [sign_in_texts.sentence("begin_again")]
    assert client.post(RESEND)["Location"] == PAGE
    assert not signed_in(client)


def test_a_new_password_ends_what_was_begun_with_the_old_one(client, careful_user) -> None:
    code = first_step(client)
    User.objects.filter(pk=careful_user.pk).update(password=hash_password("Another123"))
    assert told(type_code(client, code)) == [sign_in_texts.sentence("begin_again")]
    assert not signed_in(client)


def test_an_account_that_was_frozen_meanwhile_lets_nobody_in(client, careful_user) -> None:
    code = first_step(client)
    User.objects.filter(pk=careful_user.pk).update(is_active=False, closure=Closure.FROZEN)
    assert told(type_code(client, code)) == [sign_in_texts.sentence("begin_again")]
    assert told(client.post(RESEND))[-1] == sign_in_texts.sentence("begin_again")
    assert not signed_in(client)
    assert kinds(careful_user) == []


def test_a_code_that_went_to_the_old_number_does_not_serve_after_a_change(client, careful_user) -> None:
    code = first_step(client)
    User.objects.filter(pk=careful_user.pk).update(mobile="+989121234568")
    assert errors(type_code(client, code))
    assert not signed_in(client)


def test_when_no_code_can_be_sent_the_page_says_when_and_names_the_branch(client, careful_user) -> None:
    for _ in range(limits.CODES_PER_HOUR):
        issuing.issue(
            purpose=CodePurpose.SECOND_STEP, mobile=careful_user.mobile, asker="somebody", allowance=Allowance.PASSWORD
        )
        let_pass(timedelta(seconds=61))
    response = sign_in(client)
    assert response.status_code == 200
    assert "تاریخ" in errors(response)[0] or "ساعت" in errors(response)[0]
    assert "sign_in_second" not in client.session
    assert not signed_in(client)


def test_when_the_limit_is_hit_by_a_resend_the_page_says_so(client, careful_user) -> None:
    first_step(client)
    for _ in range(limits.CODES_PER_HOUR - 1):
        let_pass(timedelta(seconds=61))
        client.post(RESEND)
    let_pass(timedelta(seconds=61))
    assert "ساعت" in told(client.post(RESEND))[-1]
    assert len(texts_on(MOBILE)) == limits.CODES_PER_HOUR


def test_who_was_signed_in_as_somebody_else_is_not_any_more(client, careful_user) -> None:
    citizen(national_id=UNKNOWN)
    sign_in(client, UNKNOWN)
    first_step(client)
    assert not signed_in(client)
    assert Session.objects.filter(account__isnull=False).count() == 0


def test_of_twenty_guesses_of_the_code_at_once_five_are_compared(client, careful_user) -> None:
    code, key = first_step(client), client.cookies["sessionid"].value

    def guess(number: int) -> Any:
        browser = Client()
        browser.cookies["sessionid"] = key
        return WRONG_CODE[0] in type_code(browser, another(code)).content.decode()

    answers = together(guess, 20)
    assert answers.count(True) == limits.CODE_TRIES
    assert OneTimeCode.objects.get().tries == limits.CODE_TRIES
