"""A page that is sent after its session's end: what was typed comes back after the code, to nobody else.

The follower at a coffee net has the same browser, its "back" and all that the last page said.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Session
from common import limits
from registration.forms.steps import SECRET_FIELDS
from registration.late_answers import KEY
from registration.models import Registration
from registration.states import State
from registration.texts import sentence
from tests.support.entrances import told
from tests.support.journeys import (
    DONE,
    MATCHES,
    OTHER_NAME,
    PASSWORD,
    URL,
    Answers,
    Browser,
    code_on,
    registration_in,
    row_of,
    step_shown,
)
from tests.support.journeys import let_pass as codes_age
from tests.support.session_rows import let_pass

pytestmark = pytest.mark.django_db(transaction=True)
OVER = limits.SESSION_IDLE + timedelta(seconds=1)
PERSON = URL + "?part=identity"
CORRECT, NUMBER = URL + "/correct", URL + "/number"
TYPED = Answers.of(MATCHES, first_name="نرگس", email="narges@example.com")
SECRETS = {"password": PASSWORD, "password_again": PASSWORD, "security_answer": "آبی آسمانی"}
Page = dict[str, str]


def hidden(page: Any) -> Page:
    """The hidden fields of the page's form, as a browser would send them."""
    tags = re.findall(r"<input[^>]*>", page.content.decode())
    inputs = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in tags if 'type="hidden"' in tag]
    found = {each["name"]: each.get("value", "") for each in inputs}
    return {name: value for name, value in found.items() if not name.startswith(("csrf", "registration_wizard"))}


def step_three(browser: Browser) -> Page:
    """What step three would send, filled in."""
    browser.confirm()
    return filled(browser)


def filled(browser: Browser, **changes: str) -> Page:
    page = hidden(browser.get(URL))
    assert {"identity-draft", "identity-made_for"} <= page.keys()
    return page | {f"identity-{name}": value for name, value in (vars(TYPED) | changes).items()}


def send(browser: Client, page: Page) -> Any:
    return browser.post(URL, page | {"registration_wizard-current_step": "identity"})


def time_passes(span: timedelta = OVER) -> None:
    let_pass(span)
    codes_age(span)


def come_back(browser: Browser, person: Any = MATCHES) -> Any:
    return browser.confirm(person)


def kept_anywhere() -> bool:
    return any(KEY in row.get_decoded() for row in Session.objects.all())


# It comes back.


def test_what_was_sent_too_late_comes_back_after_the_code_without_the_secrets():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    answer = send(browser, page)
    assert told(answer) == [sentence("session_ended_kept")]
    assert row_of(MATCHES).draft == {}  # nobody has proven anything
    assert step_shown(browser.get(URL)) == "mobile"
    assert "نرگس" not in browser.get(URL).content.decode()

    answer = come_back(browser)

    assert told(answer) == [sentence("late_came_back")]
    shown = browser.get(PERSON).content.decode()
    assert 'value="نرگس"' in shown
    assert not any(secret in shown for secret in SECRETS.values())
    assert browser.step_three(Answers.of(MATCHES))["Location"] == DONE


def test_no_secret_is_kept_on_the_way():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    kept = browser.session[KEY]["answers"]
    assert not set(kept) & {*SECRET_FIELDS, "draft", "made_for"}
    stored = [str(row.get_decoded()) for row in Session.objects.all()]
    assert not any(secret in text for secret in SECRETS.values() for text in stored)


def test_a_late_correction_comes_back():
    registration_in(State.REFERRED, verdict="mismatch", verdict_kind="identity")
    browser = Browser()
    browser.confirm()
    page = hidden(browser.get(CORRECT)) | {"last_name": "کریمی‌پور", "birth_day": "9"}
    time_passes()
    assert told(browser.post(CORRECT, page)) == [sentence("session_ended_kept")]
    assert come_back(browser)["Location"] == URL + "/second-chance"
    shown = browser.get(CORRECT).content.decode()
    assert 'value="کریمی‌پور"' in shown
    assert 'value="9"' in shown


@pytest.mark.parametrize(("typed", "comes_back"), [("09351234567", True), ("0935", False)])
def test_a_late_number_comes_back_if_it_is_one(typed, comes_back):
    registration_in(State.REFERRED, verdict="mismatch", verdict_kind="owner")
    browser = Browser()
    browser.confirm()
    page = hidden(browser.get(NUMBER)) | {"operator": "irancell", "mobile": typed}
    time_passes()
    said = sentence("session_ended_kept" if comes_back else "session_ended")
    assert told(browser.post(NUMBER, page)) == [said]
    come_back(browser)
    assert ('value="09351234567"' in browser.get(NUMBER).content.decode()) is comes_back


def test_a_page_that_is_sent_again_while_the_code_is_on_its_way_comes_back_as_well():
    """Step one was typed again in another tab before the old page was sent."""
    browser = Browser()
    page = step_three(browser)
    time_passes()
    browser.step_one()
    assert told(send(browser, page)) == [sentence("session_ended_kept")]
    browser.step_two(code_on(MATCHES.mobile))
    assert 'value="نرگس"' in browser.get(PERSON).content.decode()


def test_of_two_late_pages_the_last_one_comes_back():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    send(browser, page | {"identity-first_name": "نسرین"})
    come_back(browser)
    assert 'value="نسرین"' in browser.get(PERSON).content.decode()


def test_the_sentence_without_anything_kept_promises_nothing():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    assert told(send(browser, page | {"identity-made_for": ""})) == [sentence("session_ended")]
    assert "نوشته بودید" not in sentence("session_ended")


# To nobody else, and over nobody's data.


def test_another_person_at_the_same_browser_gets_nothing_of_it():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    browser.step_one(OTHER_NAME)
    assert not kept_anywhere()
    browser.step_two(code_on(OTHER_NAME.mobile))
    shown = browser.get(URL).content.decode()
    assert step_shown(browser.get(URL)) == "identity"
    assert "نرگس" not in shown
    assert row_of(OTHER_NAME).draft == {}


def test_the_next_person_presses_for_another_person_and_it_is_gone():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    browser.post(URL + "/restart")
    assert not kept_anywhere()


def test_it_comes_back_in_the_browser_that_sent_it_only():
    browser, phone = Browser(), Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    come_back(phone)
    assert "نرگس" not in phone.get(URL).content.decode()
    assert row_of(MATCHES).draft == {}


def test_a_follower_who_saved_the_whole_page_overwrites_nothing_and_reads_nothing():
    """They send it from a browser of their own, with their own words; the owner has gone on elsewhere."""
    browser, phone, follower = Browser(), Browser(), Browser()
    page = step_three(browser)
    time_passes()
    come_back(phone)
    send(phone, filled(phone, password="short"))
    draft = row_of(MATCHES).draft
    assert draft["first_name"] == "نرگس"
    answer = send(follower, page | {"identity-first_name": "دزد"})
    assert told(answer) == [sentence("session_ended")]  # the page was made for a grant that is over
    assert not kept_anywhere()
    assert row_of(MATCHES).draft == draft


def test_a_follower_who_is_quick_enough_keeps_it_for_themselves_alone():
    browser, follower = Browser(), Browser()
    page = step_three(browser)
    time_passes()
    send(follower, page | {"identity-first_name": "دزد"})
    assert step_shown(follower.get(URL)) == "mobile"
    assert "دزد" not in follower.get(URL).content.decode()
    come_back(browser)
    assert row_of(MATCHES).draft == {}


def test_what_was_gone_on_with_elsewhere_meanwhile_is_newer():
    browser, phone = Browser(), Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    come_back(phone)
    send(phone, filled(phone, first_name="نسرین", password="short"))
    codes_age(timedelta(seconds=61))
    come_back(browser)
    assert 'value="نسرین"' in browser.get(PERSON).content.decode()
    assert row_of(MATCHES).draft["first_name"] == "نسرین"
    assert KEY not in browser.session


def test_who_only_began_with_the_same_two_numbers_has_no_page_to_send():
    """A stranger types the victim's numbers: step two names the row, and that is not enough."""
    owner, stranger = Browser(), Browser()
    step_three(owner)
    codes_age(timedelta(seconds=61))
    stranger.step_one()
    token = stranger.draft()
    assert token == str(row_of(MATCHES).token)
    for made_for in ("", token, "0" * 64, "ك" * 64, "\x00", "x" * 5000):
        page = {"identity-draft": token, "identity-made_for": made_for, "identity-first_name": "دزد"}
        send(stranger, page)
        send(Browser(), page)
    assert not kept_anywhere()
    assert row_of(MATCHES).draft == {}


def test_a_mark_of_one_row_is_none_for_another():
    mine, theirs = Browser(), Browser()
    page = step_three(mine)
    theirs.confirm(OTHER_NAME)
    target = str(row_of(OTHER_NAME).token)
    time_passes()
    assert told(send(mine, page | {"identity-draft": target})) == [sentence("session_ended")]
    assert not kept_anywhere()


@pytest.mark.parametrize("state", [State.STARTED, State.SUBMITTED, State.APPROVED, State.REJECTED, State.EXPIRED])
def test_a_row_in_which_nothing_is_typed_keeps_nothing(state):
    browser = Browser()
    page = step_three(browser)
    time_passes()
    facts: dict[str, Any] = {"state": state, "submitted_at": timezone.now()}
    if state == State.APPROVED:
        facts["account"] = registration_in(State.AWAITING_BRANCH, person=OTHER_NAME).account
    Registration.objects.filter(pk=row_of(MATCHES).pk).update(**facts)
    send(browser, page)
    assert not kept_anywhere()


# Bounded.


def test_it_is_kept_for_half_an_hour_however_busy_the_browser_is():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    browser.step_one()
    session = browser.session
    session[KEY] = session[KEY] | {"at": session[KEY]["at"] - limits.LATE_ANSWERS_KEPT.total_seconds()}
    session.save()
    browser.step_two(code_on(MATCHES.mobile))
    assert row_of(MATCHES).draft == {}
    assert "نرگس" not in browser.get(URL).content.decode()


def test_it_is_gone_with_the_session_that_nobody_used():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    time_passes()
    come_back(browser)
    assert row_of(MATCHES).draft == {}


def test_it_has_the_size_of_the_form_and_nothing_else_in_it():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    more = {f"identity-x{number}": "y" * 900 for number in range(50)}
    send(browser, page | {"identity-last_name": "ب" * 5000} | more)
    kept = browser.session[KEY]["answers"]
    assert len(kept) < 20
    assert max(len(value) for value in kept.values()) <= 200


def test_a_late_page_of_a_finished_registration_shows_its_end():
    browser = Browser()
    page = step_three(browser)
    assert browser.step_three(TYPED)["Location"] == DONE
    assert send(browser, page)["Location"] == DONE
    assert not kept_anywhere()
