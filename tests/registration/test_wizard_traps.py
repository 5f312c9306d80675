"""formtools' known traps (registration/wizard.py names them), each caused on purpose."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Session
from registration.forms.parts import ContactForm, PersonForm, ReviewForm
from registration.forms.steps import CodeForm, MobileForm
from registration.models import Registration
from registration.states import State
from registration.texts import sentence
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
    nonce_of,
    registration_in,
    row_of,
    step_shown,
)

pytestmark = pytest.mark.django_db(transaction=True)
MANAGEMENT = "registration_wizard-current_step"
PERSON = URL + "?part=identity"


def everything_in_sessions() -> str:
    return " ".join(str(session.get_decoded()) for session in Session.objects.all())


def test_no_secret_and_no_answer_is_ever_in_the_session(browser):
    browser.step_one()
    code = code_on(MATCHES.mobile)
    browser.step_two(code)
    answers = Answers.of(MATCHES, email="not-an-address")
    browser.step_three(answers)
    browser.step_three(Answers.of(MATCHES))
    kept = everything_in_sessions()
    for typed in (PASSWORD, code, answers.security_answer, answers.last_name, MATCHES.national_id, MATCHES.mobile):
        assert typed not in kept


def test_the_draft_holds_no_secret_either(browser):
    browser.confirm()
    browser.step_three(Answers.of(MATCHES, email="not-an-address"))
    draft = str(row_of(MATCHES).draft)
    assert MATCHES.last_name in draft
    assert PASSWORD not in draft
    assert Answers.of(MATCHES).security_answer not in draft


def test_checking_a_code_form_ten_times_uses_up_nothing(browser):
    browser.step_one()
    code = code_on(MATCHES.mobile)
    for _ in range(10):
        assert CodeForm({"code": code}).is_valid()
    assert browser.step_two(code).status_code == 302


@pytest.mark.parametrize("form", [MobileForm, CodeForm, PersonForm, ContactForm, ReviewForm])
def test_forms_ask_the_database_nothing(form, django_assert_num_queries):
    row = {"registration": Registration(national_id=MATCHES.national_id)}
    kwargs = {PersonForm: row, ContactForm: row, ReviewForm: row | {"answers": {}}}.get(form, {})
    with django_assert_num_queries(0):
        form({}, **kwargs).is_valid()


@pytest.mark.parametrize("step", ["", "nonsense", "0", "done", "identity\x00"])
def test_an_unknown_step_goes_back_to_where_the_person_is(browser, step):
    browser.step_one()
    response = browser.post(URL, {MANAGEMENT: step, "code-code": "123456"})
    assert response["Location"] == URL
    page = browser.get(URL)
    assert step_shown(page) == "code"
    assert sentence("page_old") in page.content.decode()


def test_a_post_without_the_management_form_is_answered_the_same_way(browser):
    assert browser.post(URL, {"mobile-national_id": MATCHES.national_id})["Location"] == URL
    assert not Registration.objects.exists()


def test_step_three_cannot_be_posted_without_the_code(browser):
    browser.step_one()
    assert browser.step_three(Answers.of(MATCHES))["Location"] == URL
    row = row_of(MATCHES)
    assert (row.state, row.draft, row.last_name) == (State.STARTED, {}, "")
    assert step_shown(browser.get(URL)) == "code"


def test_step_three_with_no_session_is_sent_to_the_beginning(browser):
    row = registration_in(State.MOBILE_CONFIRMED)
    assert browser.step_three(Answers.of(MATCHES), draft=str(row.token))["Location"] == URL
    row.refresh_from_db()
    assert (row.state, row.draft) == (State.MOBILE_CONFIRMED, {})
    page = browser.get(URL)
    assert step_shown(page) == "mobile"
    assert sentence("session_ended") in page.content.decode()


def test_goto_step_opens_nothing(browser):
    browser.step_one()
    browser.post(URL, {MANAGEMENT: "code", "wizard_goto_step": "identity"})
    assert step_shown(browser.get(URL)) == "code"


def test_a_get_wipes_nothing_and_writes_no_session(browser):
    browser.get(URL)
    assert not Session.objects.exists()
    browser.confirm()
    for _ in range(3):
        assert step_shown(browser.get(URL)) == "identity"


def test_the_last_button_pressed_twice_is_one_registration(browser):
    browser.confirm()
    token = browser.draft()
    assert browser.step_three(Answers.of(MATCHES))["Location"] == DONE
    assert browser.step_three(Answers.of(MATCHES), draft=token)["Location"] == DONE
    assert Registration.objects.count() == 1
    assert browser.get(DONE).status_code == 200


def test_a_final_post_that_arrives_after_another_one_was_taken_leads_straight_to_the_closing_page(browser):
    browser.confirm()
    journey = dict(browser.session["registration"])
    browser.step_three(Answers.of(MATCHES))
    session = browser.session
    session["registration"] = journey  # this request began before the other one's answer
    session.save()
    assert browser.step_three(Answers.of(MATCHES), draft=journey["token"])["Location"] == DONE
    assert browser.get(DONE).status_code == 200


def test_step_one_pressed_twice_sends_one_code_and_either_answer_can_use_it():
    first, second = Browser(), Browser()
    page = first.get(URL)
    second.cookies["csrftoken"] = page.cookies["csrftoken"].value  # one browser, before it had a session
    first.step_one(draft=nonce_of(page))
    second.step_one(draft=nonce_of(page))
    assert second.step_two(code_on(MATCHES.mobile))["Location"] == URL
    assert step_shown(second.get(URL)) == "identity"


def test_step_two_pressed_twice_is_no_error_for_the_cookie_that_stays():
    browser, again = Browser(), Browser()
    browser.step_one()
    again.cookies["sessionid"] = browser.cookies["sessionid"].value
    code = code_on(MATCHES.mobile)
    browser.step_two(code)
    assert again.step_two(code)["Location"] == URL  # the browser follows the later answer
    assert step_shown(again.get(URL)) == "identity"


def test_a_used_code_is_used_up_for_everybody_else_and_after_a_minute(browser):
    browser.step_one()
    old = browser.cookies["sessionid"].value
    code = code_on(MATCHES.mobile)
    browser.step_two(code)
    stranger = Browser()
    stranger.step_one()
    assert "کد وارد شده معتبر نمیباشد" in stranger.step_two(code).content.decode()
    _used_a_minute_ago()
    again = Browser()
    again.cookies["sessionid"] = old
    assert again.step_two(code).status_code == 200
    assert step_shown(browser.get(URL)) == "identity"


def test_two_tabs_with_two_people_are_told_apart(browser):
    browser.step_one(MATCHES)
    first_tab = browser.draft()
    browser.step_one(OTHER_NAME)
    assert browser.step_two(code_on(MATCHES.mobile), draft=first_tab)["Location"] == URL
    page = browser.get(URL)
    assert sentence("other_tab") in page.content.decode()
    assert row_of(MATCHES).state == State.STARTED
    assert step_shown(page) == "code"


def test_back_to_step_one_with_the_same_person_needs_no_second_code(browser):
    browser.confirm()
    assert browser.step_one()["Location"] == URL
    assert step_shown(browser.get(URL)) == "identity"


def test_back_to_step_two_after_the_code_goes_on(browser):
    browser.confirm()
    assert browser.step_two("999999")["Location"] == URL
    assert step_shown(browser.get(URL)) == "identity"


def test_an_expired_session_is_said_and_the_answers_come_back_after_a_code(browser):
    browser.confirm()
    browser.step_three(Answers.of(MATCHES, email="nobody"))
    token = browser.draft()
    Session.objects.all().delete()
    assert browser.step_three(Answers.of(MATCHES), draft=token)["Location"] == URL
    assert step_shown(browser.get(URL)) == "mobile"
    let_pass(timedelta(seconds=61))
    browser.confirm()
    assert step_shown(browser.get(URL)) == "contact"  # the part with the mistake
    assert MATCHES.last_name in browser.get(PERSON).content.decode()


def test_the_session_key_changes_when_the_code_is_right(browser):
    browser.step_one()
    before = browser.cookies["sessionid"].value
    browser.step_two(code_on(MATCHES.mobile))
    assert browser.cookies["sessionid"].value != before
    planted = Browser()
    planted.cookies["sessionid"] = before  # whoever knows the old key has no grant
    assert step_shown(planted.get(URL)) == "code"


def test_the_journey_ends_with_the_closing_page(browser):
    browser.register()
    assert step_shown(browser.get(URL)) == "mobile"
    assert set(browser.session["registration"]) == {"receipt", "finished", "submitted"}
    assert browser.get(DONE).status_code == 200
    assert Browser().get(DONE)["Location"] == URL


def test_conditions_of_formtools_still_see_the_steps_and_the_parts_of_the_third():
    from registration.wizard import RegistrationWizard

    steps = list(RegistrationWizard.get_initkwargs()["form_list"])
    assert steps == ["mobile", "code", "identity", "contact", "review"]


def _used_a_minute_ago() -> None:
    from accounts.models import OneTimeCode

    for code in OneTimeCode.objects.exclude(used_at=None):
        code.used_at -= timedelta(seconds=61)
        code.save()
