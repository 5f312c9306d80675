"""What comes between a change of the mobile number and its end: a second press, a freeze, a new password, time."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from accounts import owner_checks
from accounts.closing import service as closing
from accounts.models import MobileChange, OneTimeCode, OwnerCheck
from accounts.profile.texts import sentence
from common import limits
from common.persian import parse_mobile
from identity.registries.demo import CITIZENS
from sms.models import Message
from tests.support.accounts import together
from tests.support.journeys import code_on, texts_on
from tests.support.profile import (
    MOBILE,
    MOBILE_CODE,
    NEW_NUMBER,
    OLD_NUMBER,
    PASS,
    PROFILE,
    RESEND,
    WAIT,
    begin_and_prove,
    freeze,
    hand_in,
    kinds,
    later,
    number_of,
    registry_answers,
    sign_in,
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


def test_pressed_twice_one_change_is_begun_and_one_sms_goes() -> None:
    user, browser = somebody()
    for _ in range(2):
        assert hand_in(browser, MOBILE)["Location"] == MOBILE_CODE
    assert (kinds(user), stages(), Message.objects.count()) == (["mobile_asked"], ["code_sent"], 1)
    hidden = {"change": str(MobileChange.objects.get().token), "code": code_on(NEW_NUMBER)}
    twin = Client()
    twin.cookies.update(browser.cookies)
    answers = together(lambda number: (browser, twin)[number].post(MOBILE_CODE, hidden), 2)
    assert [answer.status_code for answer in answers] == [302, 302]
    assert (stages(), OwnerCheck.objects.count()) == (["owner_asked"], 1)


def test_another_change_ends_the_first_also_in_the_other_tab() -> None:
    user, browser = somebody()
    hand_in(browser, MOBILE)
    first = {"change": str(MobileChange.objects.get().token), "code": code_on(NEW_NUMBER)}
    hand_in(browser, MOBILE, mobile=SECOND_NUMBER)
    for page in (MOBILE_CODE, RESEND):
        answer = browser.post(page, first)
        assert answer["Location"] == MOBILE_CODE
        assert sentence("other_change") in told(answer)
    assert OneTimeCode.objects.filter(tries__gt=0).count() == 0
    assert type_code(browser, code_on(SECOND_NUMBER))["Location"] == WAIT
    registry_answers()
    assert (stages(), number_of(user)) == (["ended", "done"], parse_mobile(SECOND_NUMBER))


def test_another_change_ends_one_that_waits_for_the_registry() -> None:
    user, browser = somebody(DOWN)
    begin_and_prove(browser)
    assert f'href="{WAIT}"' in browser.get(MOBILE).content.decode()
    hand_in(browser, MOBILE, mobile=SECOND_NUMBER)
    assert (stages(), OwnerCheck.objects.get().next_attempt_at) == (["ended", "code_sent"], None)
    assert number_of(user) == OLD_NUMBER


def test_begun_and_left_alone_it_is_over_after_its_time() -> None:
    _, browser = somebody()
    hand_in(browser, MOBILE)
    hidden = {"change": str(MobileChange.objects.get().token), "code": code_on(NEW_NUMBER)}
    MobileChange.objects.update(created_at=F("created_at") - limits.MOBILE_CHANGE_LIFE)
    for answer in (browser.get(MOBILE_CODE), browser.post(MOBILE_CODE, hidden), browser.post(RESEND, hidden)):
        assert answer["Location"] == MOBILE
        assert sentence("change_over") in told(answer)
    assert stages() == ["code_sent"]
    assert "•••" not in browser.get(PROFILE).content.decode()
    assert hand_in(browser, MOBILE)["Location"] == MOBILE_CODE


@pytest.mark.parametrize("page", [MOBILE_CODE, WAIT])
def test_without_a_change_the_later_pages_lead_to_the_first(page) -> None:
    _, browser = somebody()
    assert browser.get(page, follow=True).redirect_chain[-1][0] == MOBILE
    assert browser.post(RESEND)["Location"] == MOBILE


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_moved_by_an_hour_never_changes_a_number_by_itself(hours, monkeypatch) -> None:
    user, browser = somebody()
    hand_in(browser, MOBILE)
    code = code_on(NEW_NUMBER)
    with later(monkeypatch, hours=hours):
        again = sign_in(user.national_id)
        answer = again.get(MOBILE_CODE)
        assert answer.status_code == (200 if hours < 0 else 302)
    assert number_of(user) == OLD_NUMBER
    assert type_code(sign_in(user.national_id), code)["Location"] == WAIT


def test_after_a_freeze_the_answer_of_the_registry_changes_nothing_even_once_the_account_is_open_again() -> None:
    user, browser = somebody()
    begin_and_prove(browser)
    freeze(browser)
    for _ in range(2):
        assert owner_checks.check_due() == 0
        assert (stages(), number_of(user)) == (["ended"], OLD_NUMBER)
        closing.reactivate(account=user, by="maryam", reason="papers seen")


def test_after_a_freeze_nobody_proves_the_new_number() -> None:
    user, browser = somebody()
    hand_in(browser, MOBILE)
    hidden = {"change": str(MobileChange.objects.get().token), "code": code_on(NEW_NUMBER)}
    freeze(browser)
    assert browser.post(MOBILE_CODE, hidden)["Location"].startswith("/portal/?next=")
    assert (stages(), OwnerCheck.objects.count(), number_of(user)) == (["ended"], 0, OLD_NUMBER)


def test_a_new_password_while_the_registry_is_asked_ends_the_change_and_is_told_to_the_number_on_record() -> None:
    user, browser = somebody(DOWN)
    begin_and_prove(browser)
    registry_answers()
    hand_in(browser, PASS)
    assert (stages(), OwnerCheck.objects.get().next_attempt_at) == (["ended"], None)
    assert waiting(browser).context["stage"] == "ended"
    assert len(texts_on(OLD_NUMBER)) == 1
    assert len(texts_on(NEW_NUMBER)) == 1  # the code
    assert number_of(user) == OLD_NUMBER


def test_two_browsers_that_begin_at_once_leave_one_change_open() -> None:
    user, browser = somebody()
    browsers, numbers = [browser, sign_in(user.national_id)], [NEW_NUMBER, SECOND_NUMBER]
    answers = together(lambda number: hand_in(browsers[number], MOBILE, mobile=numbers[number]), 2)
    assert [answer["Location"] for answer in answers] == [MOBILE_CODE] * 2
    assert sorted(stages()) == ["code_sent", "ended"]
    left = MobileChange.objects.get(stage="code_sent").mobile
    assert type_code(browser, code_on(left))["Location"] == WAIT  # in either browser: it is the account's
