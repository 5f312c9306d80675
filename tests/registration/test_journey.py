"""The whole way of one citizen, page by page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import OneTimeCode, User
from common.persian import fold_digits
from registration.models import Registration
from registration.services import matching
from registration.states import State
from tests.support.entrances import UNKNOWN, move_clock
from tests.support.journeys import (
    DONE,
    MATCHES,
    OTHER_NAME,
    PASSWORD,
    URL,
    Answers,
    Browser,
    code_on,
    let_pass,
    registration_in,
    row_of,
    step_shown,
    texts_on,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_citizen_registers_and_signs_in(browser):
    assert step_shown(browser.get(URL)) == "mobile"
    assert browser.step_one()["Location"] == URL
    assert step_shown(browser.get(URL)) == "code"

    assert browser.step_two(code_on(MATCHES.mobile))["Location"] == URL
    page = browser.get(URL)
    assert step_shown(page) == "identity"
    assert MATCHES.national_id in fold_digits(page.content.decode())

    assert browser.step_three(Answers.of(MATCHES))["Location"] == DONE
    done = browser.get(DONE).content.decode()
    assert "درخواست شما با موفقیت ثبت گردید" in done
    row = row_of(MATCHES)
    assert row.state == State.SUBMITTED
    assert row.tracking_code in re.sub(r"\s", "", fold_digits(done))

    matching.match_due()
    row.refresh_from_db()
    assert row.state == State.APPROVED
    assert "حساب کاربری شما" in texts_on(MATCHES.mobile)[0]
    assert [event.to_state for event in row.events.all()] == ["started", "mobile_confirmed", "submitted", "approved"]

    signed_in = browser.post("/portal/", {"national_id": MATCHES.national_id, "password": PASSWORD})
    assert signed_in["Location"] == "/portal/home"
    assert MATCHES.first_name in browser.get("/portal/home").content.decode()


def test_another_family_name_ends_at_a_branch(browser):
    row = browser.register(OTHER_NAME)
    matching.match_due()
    row.refresh_from_db()
    assert (row.state, row.verdict_kind) == (State.REFERRED, "identity")
    assert "به نزدیکترین شعبه مراجعه فرمائید" in texts_on(OTHER_NAME.mobile)[0]
    assert not User.objects.exists()


def test_with_the_branch_policy_a_match_waits_for_a_branch(browser, settings):
    settings.ACTIVATION_POLICY = "branch"
    row = browser.register()
    assert "به شعبه بیمه پردازی" in browser.get(DONE).content.decode()
    matching.match_due()
    row.refresh_from_db()
    assert row.state == State.AWAITING_BRANCH
    assert row.account.activated_at is None
    refused = browser.post("/portal/", {"national_id": MATCHES.national_id, "password": PASSWORD})
    assert refused.status_code == 200


def test_the_first_page_asks_the_database_nothing(browser, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = browser.get(URL)
    assert set(response.cookies) <= {"csrftoken"}
    assert browser.get(URL + "/")["Location"] == URL


def test_a_wrong_code_says_so_in_the_guides_words(browser):
    browser.step_one()
    code = code_on(MATCHES.mobile)
    page = browser.step_two("000000" if code != "000000" else "111111").content.decode()
    assert "کد وارد شده معتبر نمیباشد" in page
    assert "خطا" in re.search(r"<title>(.*?)</title>", page, re.S)[1]
    assert browser.step_two(code).status_code == 302


def test_national_id_and_mobile_of_step_three_are_not_editable(browser):
    browser.confirm()
    browser.step_three(Answers.of(MATCHES), national_id="0123456789", mobile="09120000000")
    row = Registration.objects.get()
    assert (row.national_id, row.state) == (MATCHES.national_id, State.SUBMITTED)


def test_what_was_typed_survives_an_error_but_not_the_secrets(browser):
    browser.confirm()
    wrong = Answers.of(MATCHES, birth_day="32", last_name="تهرانی‌نژاد")
    page = browser.step_three(wrong).content.decode()
    assert "تهرانی‌نژاد" in page
    assert PASSWORD not in page
    assert wrong.security_answer not in page
    assert "تهرانی‌نژاد" in browser.get(URL).content.decode()  # and after a lost connection


def test_another_device_goes_on_after_a_code_with_what_was_typed(browser):
    browser.confirm()
    browser.step_three(Answers.of(MATCHES, birth_day="32", first_name="میترا"))
    let_pass(timedelta(seconds=61))
    other = Browser()
    other.confirm()
    assert "میترا" in other.get(URL).content.decode()
    page = browser.get(URL).content.decode()
    assert "در دستگاه دیگری ادامه یافت" in page
    assert browser.step_three(Answers.of(MATCHES))["Location"] == URL
    assert Registration.objects.get().state == State.MOBILE_CONFIRMED


def test_a_code_that_is_repeated_does_not_take_back_what_another_device_took_over(browser):
    browser.step_one()
    planted, code = browser.cookies["sessionid"].value, code_on(MATCHES.mobile)
    browser.step_two(code)
    let_pass(timedelta(seconds=61))
    other = Browser()
    other.confirm()
    OneTimeCode.objects.update(used_at=timezone.now())
    old = Browser()
    old.cookies["sessionid"] = planted
    assert old.step_two(code).status_code == 200  # said on the page of the code
    assert other.part("identity", vars(Answers.of(MATCHES)) | {"draft": other.draft()})["Location"] == URL
    assert step_shown(other.get(URL)) == "contact"


def test_going_back_takes_over_again_with_a_new_code(browser):
    browser.confirm()
    let_pass(timedelta(seconds=61))
    Browser().confirm()
    let_pass(timedelta(seconds=61))
    browser.post(URL + "/resend", {"draft": browser.draft()})
    assert step_shown(browser.get(URL)) == "code"
    browser.step_two(code_on(MATCHES.mobile))
    assert step_shown(browser.get(URL)) == "identity"


def test_a_registration_that_is_being_checked_is_shown_again_after_a_code(browser):
    browser.register()
    let_pass(timedelta(seconds=61))
    other = Browser()
    assert other.confirm()["Location"] == DONE
    assert row_of(MATCHES).tracking_code in re.sub(r"\s", "", fold_digits(other.get(DONE).content.decode()))


def test_a_person_with_an_account_is_shown_the_way_in_after_the_code(browser):
    registration_in(State.APPROVED)
    page = browser.step_one(mobile="09127654321")
    assert page.status_code == 302
    assert "درخواستی با این کد ملی وجود دارد" in browser.get(URL).content.decode()
    assert browser.step_two(code_on("09127654321"))["Location"] == DONE
    page = browser.get(DONE).content.decode()
    assert 'href="/portal/"' in page
    assert MATCHES.mobile not in fold_digits(page)
    assert not texts_on(MATCHES.mobile)  # the number on record is not bombed


def test_the_duplicate_sentence_can_wait_for_the_proof(browser, settings):
    settings.DUPLICATE_NOTICE = "after_proof"
    registration_in(State.SUBMITTED)
    browser.step_one(mobile="09127654321")
    assert "با این کد ملی وجود دارد" not in browser.get(URL).content.decode()
    browser.step_two(code_on("09127654321"))
    assert "درخواست دیگری با این کد ملی" in browser.get(URL).content.decode()


def test_a_wrongly_typed_number_is_changed(browser):
    browser.step_one(mobile="09120000001")
    browser.post(URL + "/change")
    page = browser.get(URL)
    assert step_shown(page) == "mobile"
    assert "09120000001" in page.content.decode()
    browser.step_one()
    browser.step_two(code_on(MATCHES.mobile))
    assert step_shown(browser.get(URL)) == "identity"


def test_the_next_person_begins_with_an_empty_page(browser):
    browser.step_one()
    browser.post(URL + "/restart")
    page = browser.get(URL)
    assert step_shown(page) == "mobile"
    assert MATCHES.national_id not in page.content.decode()


def test_pages_with_a_person_on_them_are_not_stored(browser):
    browser.step_one()
    assert browser.get(URL)["Cache-Control"] == "no-store"
    browser.step_two(code_on(MATCHES.mobile))
    assert browser.get(URL)["Cache-Control"] == "no-store"
    browser.step_three(Answers.of(MATCHES))
    assert "no-store" in browser.get(DONE)["Cache-Control"]


@pytest.mark.parametrize("begins", ["/portal/recovery", ""], ids=["another one's recovery", "nothing"])
def test_the_closing_page_is_over_after_a_quarter_of_an_hour_whoever_goes_on_there(browser, monkeypatch, begins):
    browser.confirm()
    browser.step_three(Answers.of(MATCHES))
    if begins:
        assert browser.post(begins, {"national_id": UNKNOWN}).status_code == 302
    move_clock(monkeypatch, timedelta(minutes=14))
    assert browser.get(DONE).status_code == 200
    move_clock(monkeypatch, timedelta(minutes=2))
    assert browser.get(DONE).status_code == 302


def test_a_paste_that_holds_no_code_costs_no_try_and_a_whole_sms_is_read(browser):
    browser.step_one()
    sms = texts_on(MATCHES.mobile)[-1]
    for typed in ("12345", "کد را نمی‌دانم", "123456 یا 654321"):
        page = browser.step_two(typed)
        assert "به حساب نیامد" in page.content.decode()
    assert OneTimeCode.objects.get().tries == 0
    assert browser.step_two(sms.replace("\n", "")).status_code == 302
