"""Another mobile number: password, code to it, and the registry says whose it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.codes import issuing
from accounts.models import Allowance, CodePurpose, MobileChange, OneTimeCode, OwnerCheck
from accounts.profile.texts import sentence
from common import limits
from common.persian import parse_mobile, to_persian_digits
from identity.registries.demo import CITIZENS
from sms.models import Message
from tests.support.accounts import PASSWORD
from tests.support.journeys import code_on, let_pass, texts_on
from tests.support.profile import (
    MOBILE,
    MOBILE_CODE,
    NEW_NUMBER,
    OLD_NUMBER,
    PROGRESS,
    RESEND,
    WAIT,
    WRONG,
    begin_and_prove,
    errors,
    hand_in,
    is_in,
    kinds,
    number_of,
    registry_answers,
    somebody,
    stages,
    told,
    type_code,
)

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_OWNER, DOWN = CITIZENS[2], CITIZENS[4]
SECOND_NUMBER = "09021234567"


def waiting(browser: Client) -> Any:
    page = browser.get(WAIT)
    assert page.status_code == 200
    return page


def test_the_number_changes_once_the_registry_says_that_it_is_the_owners() -> None:
    user, browser = somebody()
    hand_in(browser, MOBILE)
    page = browser.get(MOBILE_CODE).content.decode()
    assert to_persian_digits("0935•••4567") in page
    assert "no-store" in browser.get(MOBILE_CODE)["Cache-Control"]
    before = browser.cookies["sessionid"].value
    assert type_code(browser)["Location"] == WAIT
    assert browser.cookies["sessionid"].value != before
    page = waiting(browser)
    assert page.context["renews"] == 10
    assert f'data-renew="{PROGRESS}"' in page.content.decode()
    assert '<noscript><meta http-equiv="refresh"' in page.content.decode()
    assert number_of(user) == OLD_NUMBER  # nothing changed yet
    registry_answers()
    assert number_of(user) == parse_mobile(NEW_NUMBER)
    page = waiting(browser)
    assert (page.context["stage"], page.context["renews"]) == ("done", 0)
    assert kinds(user) == ["mobile_asked", "mobile_changed"]
    for phone in (OLD_NUMBER, NEW_NUMBER):
        assert "/portal/not-me/" in texts_on(phone)[0], phone
    assert is_in(browser)


def test_a_number_of_somebody_else_stays_theirs() -> None:
    user, browser = somebody(OTHER_OWNER)
    begin_and_prove(browser)
    registry_answers()
    page = waiting(browser)
    assert page.context["stage"] == "mismatched"
    assert f'href="{MOBILE}"' in page.content.decode()
    assert number_of(user) == OLD_NUMBER
    assert kinds(user) == ["mobile_asked", "mobile_refused"]
    assert "/portal/not-me/" in texts_on(OLD_NUMBER)[0]
    assert len(texts_on(NEW_NUMBER)) == 1  # its code; nothing of the account


def test_while_the_registry_is_down_it_waits_and_one_may_go() -> None:
    user, browser = somebody(DOWN)
    begin_and_prove(browser)
    registry_answers()
    page = waiting(browser)
    assert (page.context["stage"], page.context["slow"]) == ("owner_asked", True)
    assert stages() == ["owner_asked"]
    OwnerCheck.objects.update(created_at=timezone.now() - limits.MOBILE_WAIT_RENEWS_UNTIL)
    assert waiting(browser).context["renews"] == 0  # the page no longer keeps the session alive
    assert "data-renew" not in waiting(browser).content.decode()
    OwnerCheck.objects.update(
        created_at=timezone.now() - limits.OWNER_CHECK_LIFE - timedelta(minutes=1), next_attempt_at=timezone.now()
    )
    registry_answers()
    assert waiting(browser).context["stage"] == "late"
    assert (number_of(user), kinds(user)) == (OLD_NUMBER, ["mobile_asked", "mobile_late"])
    assert len(texts_on(OLD_NUMBER)) == 1


def test_the_part_of_the_page_that_is_renewed_says_the_same() -> None:
    _, browser = somebody()
    assert browser.get(PROGRESS).status_code == 404
    begin_and_prove(browser)
    for _ in range(2):
        part = browser.get(PROGRESS)
        assert part.content.decode() in waiting(browser).content.decode()
        assert "<h1" not in part.content.decode()
        OwnerCheck.objects.filter(next_attempt_at__isnull=False).exists() and registry_answers()


def test_the_number_of_the_account_is_not_a_new_one() -> None:
    user, browser = somebody()
    for typed in ("09121234567", "۰۹۱۲۱۲۳۴۵۶۷", "+98 912 123 4567"):
        assert errors(hand_in(browser, MOBILE, mobile=typed)) == {"mobile": ["same_number"]}
    assert (kinds(user), MobileChange.objects.count(), Message.objects.count()) == ([], 0, 0)


def test_what_was_typed_survives_a_wrong_password() -> None:
    _, browser = somebody()
    page = hand_in(browser, MOBILE, WRONG).content.decode()
    assert f'value="{NEW_NUMBER}"' in page
    assert 'value="irancell" selected' in page
    assert not any(secret in page for secret in (PASSWORD, WRONG))


def test_a_wrong_code_counts_and_the_sixth_is_not_looked_at() -> None:
    user, browser = somebody()
    hand_in(browser, MOBILE)
    right = code_on(NEW_NUMBER)
    wrong = "0" * 6 if right != "0" * 6 else "1" * 6
    found = [type_code(browser, wrong).context["form"].errors["code"] for _ in range(limits.CODE_TRIES)]
    assert found == [[sentence("code_wrong")]] * limits.CODE_TRIES
    assert type_code(browser, right).context["form"].errors["code"] == [sentence("code_tries")]
    assert (stages(), number_of(user)) == (["code_sent"], OLD_NUMBER)


@pytest.mark.parametrize("typed", ["", "x" * 10_000, "12\x0034", "<script>alert(1)</script>", "۱۲۳۴۵۶۷۸۹۰"])
def test_nonsense_for_a_code_ends_in_a_sentence(typed) -> None:
    _, browser = somebody()
    hand_in(browser, MOBILE)
    change = str(MobileChange.objects.get().token)
    page = browser.post(MOBILE_CODE, {"change": change, "code": typed})
    assert page.context["form"].errors["code"]
    assert "<script>alert" not in page.content.decode()
    assert stages() == ["code_sent"]


@pytest.mark.parametrize("purpose", [CodePurpose.REGISTER, CodePurpose.SIGN_IN, CodePurpose.RECOVERY])
def test_a_code_that_was_sent_for_something_else_is_refused(purpose) -> None:
    _, browser = somebody()
    hand_in(browser, MOBILE)
    let_pass(timedelta(seconds=61))
    issuing.issue(purpose=purpose, mobile=parse_mobile(NEW_NUMBER), asker=str(MobileChange.objects.get().token))
    assert type_code(browser).context["form"].errors["code"] == [sentence("code_wrong")]
    assert stages() == ["code_sent"]


def test_a_code_is_good_once() -> None:
    user, browser = somebody()
    begin_and_prove(browser)
    registry_answers()
    OneTimeCode.objects.update(used_at=timezone.now() - timedelta(minutes=2))
    used = code_on(NEW_NUMBER)
    hand_in(browser, MOBILE, mobile=SECOND_NUMBER)
    assert type_code(browser, used).context["form"].errors["code"] == [sentence("code_wrong")]
    assert number_of(user) == parse_mobile(NEW_NUMBER)


def test_an_sms_that_comes_after_the_life_of_its_code_is_of_no_use_and_another_is_sent() -> None:
    _, browser = somebody()
    hand_in(browser, MOBILE)
    late = code_on(NEW_NUMBER)
    let_pass(limits.CODE_LIFE)
    assert type_code(browser, late).context["form"].errors["code"] == [sentence("code_expired")]
    answer = browser.post(RESEND, {"change": str(MobileChange.objects.get().token)})
    assert told(answer) == [sentence("code_sent_again")]
    assert type_code(browser)["Location"] == WAIT


def test_asked_again_within_a_minute_no_sms_goes_and_the_page_says_how_long() -> None:
    _, browser = somebody()
    hand_in(browser, MOBILE)
    answer = browser.post(RESEND, {"change": str(MobileChange.objects.get().token)})
    assert answer["Location"] == MOBILE_CODE
    assert "۶۰" in told(answer)[0] or "۵۹" in told(answer)[0]
    assert browser.get(MOBILE_CODE).context["wait"] > 50
    assert Message.objects.count() == 1


def test_a_number_whose_codes_are_used_up_says_when_to_come_back_and_begins_nothing() -> None:
    user, browser = somebody()
    for _ in range(limits.CODES_PER_HOUR):
        issuing.issue(
            purpose=CodePurpose.REGISTER,
            mobile=parse_mobile(NEW_NUMBER),
            asker="another account",
            allowance=Allowance.SIGNED_IN,
        )
        let_pass(timedelta(seconds=61))
    assert errors(hand_in(browser, MOBILE)) == {"mobile": ["code_limit"]}
    assert (kinds(user), MobileChange.objects.count()) == ([], 0)
