"""A page that is sent after its session's end: what was typed comes back after the code, to nobody else.

The follower at a coffee net has the same browser, its "back" and all that the last page said.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import Session
from common import limits
from registration.forms.parts import SECRET_FIELDS
from registration.late_answers import KEY
from registration.models import Registration
from registration.services import housekeeping
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


def kept_of(browser: Browser, person: Any = MATCHES) -> Any:
    """What the browser's session keeps of the late page of this person."""
    return browser.session[KEY][str(row_of(person).token)]


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
    kept = kept_of(browser)["answers"]
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
    browser.step_two(code_on(OTHER_NAME.mobile))
    shown = browser.get(URL).content.decode()
    assert step_shown(browser.get(URL)) == "identity"
    assert "نرگس" not in shown
    assert row_of(OTHER_NAME).draft == {}


@pytest.mark.parametrize("next_person_presses_first", [True, False])
def test_a_family_registers_one_after_another_and_each_finds_their_own_words(next_person_presses_first):
    """One's page came too late; another one is registered first, at the same browser, from beginning to end."""
    browser = Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    if next_person_presses_first:
        browser.post(URL + "/restart")
    browser.register(OTHER_NAME)
    browser.post(URL + "/restart")
    assert "نرگس" not in browser.get(URL).content.decode()
    codes_age(timedelta(seconds=61))
    assert told(come_back(browser))[-1] == sentence("late_came_back")
    assert 'value="نرگس"' in browser.get(PERSON).content.decode()


def test_of_many_people_at_one_browser_the_latest_are_kept():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    session = browser.session
    session[KEY] = {**session[KEY], **{str(number): {} for number in range(limits.LATE_ANSWERS_OF - 1)}}
    session.save()
    send(browser, page)  # the same row: it stays one set, and becomes the latest
    assert len(browser.session[KEY]) == limits.LATE_ANSWERS_OF
    assert list(browser.session[KEY])[-1] == str(row_of(MATCHES).token)


# A page of the first tab, after another person was begun in a second one.


@pytest.mark.parametrize("other_began", [False, True])
def test_what_the_first_tab_sends_after_the_second_asked_for_another_person_comes_back(other_began):
    browser = Browser()
    page = step_three(browser)
    browser.post(URL + "/restart")
    if other_began:
        browser.step_one(OTHER_NAME)
    answer = send(browser, page)
    assert told(answer) == [sentence("other_tab_kept" if other_began else "left_in_other_tab_kept")]
    if other_began:  # who goes on undisturbed, to the end
        browser.step_two(code_on(OTHER_NAME.mobile))
        assert "نرگس" not in browser.get(URL).content.decode()
        assert browser.step_three(Answers.of(OTHER_NAME))["Location"] == DONE
        browser.post(URL + "/restart")
    codes_age(timedelta(seconds=61))
    assert told(come_back(browser))[-1] == sentence("late_came_back")
    assert 'value="نرگس"' in browser.get(PERSON).content.decode()


def test_a_correction_of_the_first_tab_comes_back_as_well():
    registration_in(State.REFERRED, verdict="mismatch", verdict_kind="identity")
    browser = Browser()
    browser.confirm()
    page = hidden(browser.get(CORRECT)) | {"last_name": "کریمی‌پور"}
    browser.post(URL + "/restart")
    browser.confirm(OTHER_NAME)
    assert told(browser.post(CORRECT, page)) == [sentence("other_tab_kept")]
    browser.post(URL + "/restart")
    codes_age(timedelta(seconds=61))
    come_back(browser)
    assert 'value="کریمی‌پور"' in browser.get(CORRECT).content.decode()


def test_a_page_of_another_request_without_its_mark_keeps_nothing():
    browser, theirs = Browser(), Browser()
    theirs.confirm(OTHER_NAME)
    page = step_three(browser) | {"identity-draft": str(row_of(OTHER_NAME).token)}
    assert told(send(browser, page)) == [sentence("other_tab")]
    assert not kept_anywhere()


def test_step_three_is_taken_although_another_tab_went_back_to_correct_the_number():
    browser = Browser()
    page = step_three(browser)
    browser.post(URL + "/change")
    assert send(browser, page)["Location"] == URL
    assert step_shown(browser.get(URL)) == "review"  # a page that says all of it, but for the secrets


# Overnight.


@pytest.mark.parametrize("days", [1, 6])
def test_a_form_that_lay_there_overnight_comes_back_after_the_code(days):
    browser = Browser()
    page = step_three(browser)
    time_passes(timedelta(days=days))
    Registration.objects.update(touched_at=F("touched_at") - timedelta(days=days))
    housekeeping.expire_abandoned()
    call_command("purge")
    assert told(send(browser, page)) == [sentence("session_ended_kept")]
    assert told(come_back(browser))[-1] == sentence("late_came_back")
    assert 'value="نرگس"' in browser.get(PERSON).content.decode()


# While one types: the script sends what stands on the page, to be kept and for nothing else.


KEEP = URL + "/keep"


def keep(browser: Client, page: Page) -> int:
    return browser.post(KEEP, page | {"registration_wizard-current_step": "identity"}).status_code


def test_what_is_being_typed_is_kept_on_the_row_and_nothing_is_handed_in():
    browser = Browser()
    page = step_three(browser)
    assert keep(browser, page) == 204
    row = row_of(MATCHES)
    assert (row.state, row.draft["first_name"]) == (State.MOBILE_CONFIRMED, "نرگس")
    assert not any(secret in str(row.draft) for secret in SECRETS.values())
    time_passes(timedelta(days=1))
    come_back(Browser(), MATCHES)
    assert row_of(MATCHES).draft["first_name"] == "نرگس"


def test_what_is_typed_at_the_end_of_the_session_is_kept_for_the_code():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    assert keep(browser, page) == 204
    assert told(come_back(browser))[-1] == sentence("late_came_back")


def test_what_the_script_sends_while_a_page_is_left_says_nothing_on_a_later_one():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    assert told(browser.get(URL)) == [sentence("session_ended_kept")]
    assert keep(browser, page) == 204  # underway at the same time, and later there
    assert told(browser.get(URL)) == []


def test_nothing_is_kept_for_who_has_no_page_of_the_row():
    browser, stranger = Browser(), Browser()
    step_three(browser)
    codes_age(timedelta(seconds=61))
    stranger.step_one()
    page = {"identity-draft": stranger.draft(), "identity-first_name": "دزد"}
    assert [keep(stranger, page), keep(Client(), page)] == [409, 409]
    assert row_of(MATCHES).draft == {}
    assert not kept_anywhere()


@pytest.mark.parametrize("step", ["mobile", "code", "nonsense", ""])
def test_no_other_step_is_carried_out_at_that_address(step):
    browser = Browser()
    page = {f"{step}-national_id": MATCHES.national_id, f"{step}-mobile": MATCHES.mobile, f"{step}-operator": "mci"}
    browser.post(KEEP, page | {"registration_wizard-current_step": step})
    assert not Registration.objects.exists()


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


def test_it_is_kept_for_a_while_only_however_busy_the_browser_is():
    browser = Browser()
    page = step_three(browser)
    time_passes()
    send(browser, page)
    browser.step_one()
    session = browser.session
    (kept,) = session[KEY].values()
    kept["at"] -= limits.LATE_ANSWERS_KEPT.total_seconds()
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
    kept = kept_of(browser)["answers"]
    assert len(kept) < 20
    assert max(len(value) for value in kept.values()) <= 200


def test_a_late_page_of_a_finished_registration_shows_its_end():
    browser = Browser()
    page = step_three(browser)
    assert browser.step_three(TYPED)["Location"] == DONE
    assert send(browser, page)["Location"] == DONE
    assert not kept_anywhere()


def test_the_address_that_keeps_shows_nothing():
    browser = Browser()
    browser.confirm()
    assert browser.get(KEEP).status_code == 405
