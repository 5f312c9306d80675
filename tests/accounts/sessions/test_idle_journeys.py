"""Who walks away from a page without being signed in leaves nothing there: 15 minutes without use forget it.

What counts as use, what the pages say, and that nobody loses them under their hands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Session, User
from common import limits
from common.models import PostCount
from registration.states import State
from tests.support.accounts import citizen
from tests.support.entrances import CODE, PAGE, ask_for_code, proven, sign_in, type_code
from tests.support.journeys import (
    DONE,
    MATCHES,
    OTHER_NAME,
    URL,
    Browser,
    code_on,
    registration_in,
    step_shown,
    texts_on,
)
from tests.support.journeys import let_pass as codes_age
from tests.support.recoveries import NEW, OLD, Recoverer, account_of, leads_to
from tests.support.recoveries import sign_in as gets_in
from tests.support.session_rows import let_pass, on_sessions

pytestmark = pytest.mark.django_db(transaction=True)
GO_ON, STAY = "/portal/session/go-on", "/portal/session/stay"
MINUTE = timedelta(minutes=1)
NEARLY = limits.SESSION_IDLE - MINUTE
OVER = limits.SESSION_IDLE + timedelta(seconds=1)
HELD = 'id="idle"'  # a page that says when it is closed


def step_two() -> tuple[Client, str]:
    browser = Browser()
    browser.step_one()
    return browser, URL


def step_three() -> tuple[Client, str]:
    browser = Browser()
    browser.confirm()
    return browser, URL


def number_being_corrected() -> tuple[Client, str]:
    browser = Browser()
    browser.step_one()
    browser.post(URL + "/change", {"draft": browser.draft()})
    return browser, URL


def second_chance(path: str, kind: str) -> Callable[[], tuple[Client, str]]:
    def begun() -> tuple[Client, str]:
        registration_in(State.REFERRED, verdict="mismatch", verdict_kind=kind)
        browser = Browser()
        browser.confirm()
        return browser, URL + path

    return begun


def closing_page() -> tuple[Client, str]:
    browser = Browser()
    browser.register()
    return browser, DONE


def status() -> tuple[Client, str]:
    row = registration_in(State.SUBMITTED)
    browser = Browser()
    browser.post(URL + "/status", {"national_id": row.national_id, "tracking_code": str(row.tracking_code)})
    return browser, URL + "/status"


def recovery(step: str) -> Callable[[], tuple[Client, str]]:
    def begun() -> tuple[Client, str]:
        account_of()
        browser = Recoverer()
        {
            "recovery_code": browser.begin,
            "recovery_answer": browser.prove,
            "recovery_wait": browser.answered,
            "recovery_password": browser.matched,
        }[step]()
        return browser, reverse(step)

    return begun


def second_step() -> tuple[Client, str]:
    user = citizen()
    user.code_at_sign_in = True
    user.save()
    client = Client()
    sign_in(client)
    return client, CODE


def sign_in_by_code() -> tuple[Client, str]:
    citizen()
    client = Client()
    ask_for_code(client)
    return client, CODE


def proof_at_sign_in() -> tuple[Client, str]:
    citizen()
    return proven(Client()), PAGE


BEGUN = {
    "step two": step_two,
    "step three": step_three,
    "a number that is corrected": number_being_corrected,
    "the second chance": second_chance("/second-chance", "identity"),
    "a correction": second_chance("/correct", "identity"),
    "another number": second_chance("/number", "owner"),
    "the closing page": closing_page,
    "a status": status,
    "a recovery's code": recovery("recovery_code"),
    "a recovery's answer": recovery("recovery_answer"),
    "a recovery that waits": recovery("recovery_wait"),
    "a recovery's password": recovery("recovery_password"),
    "a second step": second_step,
    "a sign-in by code": sign_in_by_code,
    "a proof": proof_at_sign_in,
}
every = pytest.mark.parametrize("begin", [pytest.param(begin, id=name) for name, begin in BEGUN.items()])


def is_held(client: Client, page: str) -> bool:
    """Whether the page still shows what was begun here."""
    answer = client.get(page)
    return answer.status_code == 200 and HELD in answer.content.decode()


# It ends.


@every
def test_fifteen_minutes_without_use_forget_what_was_begun(begin):
    client, page = begin()
    assert is_held(client, page)
    let_pass(NEARLY)
    assert client.post(GO_ON).status_code == 200
    let_pass(OVER)
    assert not is_held(client, page)
    assert client.post(GO_ON).status_code == 401


def test_the_next_person_at_a_left_machine_has_no_step_three_and_sets_no_password():
    browser, _ = step_three()
    let_pass(OVER)
    page = browser.get(URL).content.decode()
    assert step_shown(browser.get(URL)) == "mobile"
    assert MATCHES.national_id not in page
    account_of(OTHER_NAME)
    recoverer = Recoverer().matched(OTHER_NAME)
    let_pass(OVER)
    assert leads_to(recoverer.new_password(), "recovery")
    assert User.objects.get(national_id=OTHER_NAME.national_id).check_password(OLD)


def test_a_person_whose_recovery_was_closed_begins_again_and_it_goes_through():
    account_of()
    Recoverer().matched()
    let_pass(OVER)
    codes_age(timedelta(seconds=61))
    assert leads_to(Recoverer().matched().new_password(), "sign_in")
    assert gets_in(NEW)


# What counts as use.


@every
def test_a_page_and_i_am_still_here_count_as_use(begin):
    client, page = begin()
    if page == DONE:
        return  # it is shown for a quarter of an hour, whatever one does; see below
    for _ in range(2):
        let_pass(NEARLY)
        assert client.post(GO_ON).json() == {"seconds": limits.SESSION_IDLE.total_seconds(), "final": False}


FRAGMENTS = {
    "the delivery of step two": (step_two, URL + "/delivery"),
    "the delivery of a second step": (second_step, "/portal/sign-in/delivery"),
    "a time line": (status, URL + "/status/timeline"),
    "a recovery that waits": (recovery("recovery_wait"), "/portal/recovery/waiting"),
    "a status that loads itself anew": (status, URL + "/status?renewed"),
    "a waiting page that loads itself anew": (recovery("recovery_wait"), "/portal/recovery/wait?renewed"),
}
polled = pytest.mark.parametrize(
    ("begin", "address"), [pytest.param(begin, address, id=name) for name, (begin, address) in FRAGMENTS.items()]
)


@polled
def test_what_a_page_asks_by_itself_is_no_use_and_no_write(begin, address):
    client, _page = begin()
    let_pass(NEARLY)
    asked = on_sessions(client, address)
    assert len(asked) == 1
    assert "UPDATE" not in asked[0]
    let_pass(2 * MINUTE)
    client.get(address)
    assert client.post(GO_ON).status_code == 401


def test_a_page_of_who_is_signed_in_does_not_keep_itself_alive_either(client):
    client.force_login(citizen())
    let_pass(NEARLY)
    client.get("/portal/profile/mobile/progress")
    client.get("/portal/profile/mobile/wait?renewed")
    let_pass(2 * MINUTE)
    assert client.post(STAY).status_code == 401


@every
def test_a_look_at_a_page_is_one_statement_on_sessions(begin):
    client, page = begin()
    assert len(on_sessions(client, page)) == 1


def test_step_one_without_a_session_asks_and_writes_nothing_and_sets_no_session():
    client = Client()
    with CaptureQueriesContext(connection) as queries:
        page = client.get(URL)
    assert len(queries) == 0
    assert "sessionid" not in client.cookies
    assert HELD not in page.content.decode()


@pytest.mark.parametrize("key", ["", "a" * 32, "x"])
def test_i_am_still_here_from_nobody_is_refused_and_begins_nothing(client, key):
    if key:
        client.cookies["sessionid"] = key
    assert client.post(GO_ON).status_code == 401
    assert client.get(GO_ON).status_code == 405
    assert not Session.objects.exists()


def test_a_page_that_was_closed_in_another_tab_hears_it():
    browser, _ = step_three()
    browser.post(URL + "/restart")
    assert browser.post(GO_ON).status_code == 401


def test_i_am_still_here_is_not_braked_with_all_who_type_behind_one_address(client):
    for path in (GO_ON, STAY):
        client.post(path)
    assert not PostCount.objects.exists()


def test_a_sign_in_that_is_over_does_not_stay_by_what_else_was_begun():
    """The page of who is signed in asks for itself: a registration in the same browser is no sign-in."""
    browser, _ = step_three()
    assert browser.post(STAY).status_code == 401


# What the pages say.


@every
def test_a_page_says_when_it_is_closed_with_script_and_without(begin):
    client, page = begin()
    shown = client.get(page).content.decode()
    assert f'data-warning="{limits.SESSION_WARNING.seconds}" data-typing="60"' in shown
    assert f'data-stay="{GO_ON}"' in shown
    left = re.search(r'data-left="(\d+)"', shown)
    assert left
    assert limits.SESSION_IDLE.seconds - 30 < int(left[1]) <= limits.SESSION_IDLE.seconds
    without_script = re.search(r"<div[^>]* data-without-script>(.*?)</div>", shown, re.DOTALL)
    assert without_script
    assert "۱۵ دقیقه" in without_script[1]


@pytest.mark.parametrize("page", [URL, "/portal/recovery", "/portal/", URL + "/status"])
def test_the_empty_page_after_the_end_says_why(client, page):
    assert "برای امنیت شما بسته شد" in client.get(page + "?ended").content.decode()
    assert "برای امنیت شما بسته شد" not in client.get(page).content.decode()


# The closing page, and what follows in the same browser.


def test_the_closing_page_can_be_looked_at_for_its_quarter_of_an_hour_and_says_so():
    browser, _ = closing_page()
    shown = browser.get(DONE).content.decode()
    assert "data-final" in shown
    closes = re.search(r'data-closes="(\d+)"', shown)
    assert closes
    shown_for = limits.CLOSING_PAGE_SHOWN.total_seconds()
    assert shown_for - 30 < int(closes[1]) <= shown_for
    Session.objects.update(seen_at=F("seen_at") - NEARLY)
    assert browser.get(DONE).status_code == 200
    session = browser.session
    session["registration"] = session["registration"] | {"finished": timezone.now().timestamp() - shown_for}
    session.save()
    assert browser.get(DONE)["Location"] == URL


def test_the_next_person_at_the_same_browser_has_the_whole_time():
    """It used to end a quarter of an hour after the last page that wrote, by the closing page of the one before."""
    browser, _ = closing_page()
    browser.confirm(OTHER_NAME)
    for _ in range(3):
        let_pass(NEARLY)
        assert browser.post(GO_ON).json()["final"] is False
    assert step_shown(browser.get(URL)) == "identity"


def test_the_code_after_a_closed_page_is_an_sms_like_any_other():
    browser, _ = step_three()
    first = texts_on(MATCHES.mobile)[0]
    let_pass(OVER)
    codes_age(timedelta(seconds=61))
    browser.step_one()
    again = texts_on(MATCHES.mobile)[0]
    assert re.sub(r"\d{6}", "", again) == re.sub(r"\d{6}", "", first)
    assert browser.step_two(code_on(MATCHES.mobile))["Location"] == URL


def test_who_waits_long_for_an_sms_goes_on_after_typing_the_two_numbers_again():
    """The gateway was down; the page was closed meanwhile."""
    browser, _ = step_two()
    let_pass(OVER)
    codes_age(OVER)
    assert browser.step_one()["Location"] == URL
    assert browser.step_two(code_on(MATCHES.mobile))["Location"] == URL
    assert step_shown(browser.get(URL)) == "identity"


def test_a_proof_is_over_with_the_session_and_the_code_signs_nobody_in():
    client, _ = sign_in_by_code()
    let_pass(OVER)
    answer: Any = type_code(client, code_on("09121234567"))
    assert answer["Location"] == PAGE
