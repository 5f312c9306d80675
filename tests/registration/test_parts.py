"""Step three in parts: what the certificate says, where one lives, and the review with the secrets."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest

from common.persian import fold_digits
from registration.models import Registration
from registration.states import State
from registration.texts import sentence
from tests.support.entrances import told
from tests.support.journeys import (
    DONE,
    MATCHES,
    PASSWORD,
    URL,
    Answers,
    Browser,
    hidden,
    let_pass,
    row_of,
    step_shown,
)
from tests.support.pages import text_of

pytestmark = pytest.mark.django_db(transaction=True)
TYPED = Answers.of(MATCHES)


def typed(browser: Browser, **changes: str) -> dict[str, str]:
    return vars(TYPED) | {"draft": browser.draft()} | changes


def at_the_review(browser: Browser, **changes: str) -> dict[str, str]:
    """The first two parts are filled in; what the person would type in all three."""
    answers = typed(browser, **changes)
    for part in ("identity", "contact"):
        assert browser.part(part, answers)["Location"] == URL
    return answers


def test_the_parts_follow_each_other_and_each_is_stored_when_it_is_sent(at_step_three):
    browser = at_step_three
    assert step_shown(browser.get(URL)) == "identity"
    browser.part("identity", typed(browser))
    assert step_shown(browser.get(URL)) == "contact"
    assert row_of(MATCHES).draft["last_name"] == MATCHES.last_name
    browser.part("contact", typed(browser))
    assert step_shown(browser.get(URL)) == "review"
    assert row_of(MATCHES).draft["last_name"] == MATCHES.last_name  # the second part took nothing away
    assert browser.review(typed(browser))["Location"] == DONE


def test_each_part_says_which_of_how_many_it_is(at_step_three):
    browser = at_step_three
    for said, part in (("بخش ۱ از ۳", "identity"), ("بخش ۲ از ۳", "contact"), ("بخش ۳ از ۳", "")):
        assert said in text_of(browser.get(URL).content.decode())
        if part:
            browser.part(part, typed(browser))


def test_the_review_shows_everything_as_a_person_reads_it(at_step_three):
    at_the_review(at_step_three)
    page = text_of(at_step_three.get(URL).content.decode())
    for shown in ("کریمی", "رضا", "۱۲۵۴", "۳۴۵۶۷۸", "الف ۱۲", "۱۷ مرداد ۱۳۷۰", "مرد", "ایران", "تهران", TYPED.email):
        assert shown in page
    for carried in (MATCHES.national_id, MATCHES.mobile):
        assert carried in fold_digits(page)


def test_each_line_can_be_changed_and_the_person_comes_back_to_the_review(at_step_three):
    browser = at_step_three
    answers = at_the_review(browser)
    page = unescape(browser.get(URL).content.decode())
    assert 'href="?part=identity#id_identity-last_name"' in page
    assert 'href="?part=contact#id_contact-email"' in page
    changing = browser.get(URL + "?part=identity")
    assert step_shown(changing) == "identity"
    assert f'value="{MATCHES.last_name}"' in changing.content.decode()
    assert browser.part("identity", answers | {"last_name": "کریمی‌پور"})["Location"] == URL
    review = browser.get(URL)
    assert step_shown(review) == "review"
    assert "کریمی‌پور" in review.content.decode()


def test_a_change_with_a_mistake_stays_at_its_part_until_it_is_right(at_step_three):
    browser = at_step_three
    answers = at_the_review(browser)
    assert browser.part("identity", answers | {"birth_day": "32"}).status_code == 200
    assert step_shown(browser.get(URL)) == "identity"
    assert browser.part("identity", answers)["Location"] == URL
    assert step_shown(browser.get(URL)) == "review"


@pytest.mark.parametrize("asked", ["review", "mobile", "code", "", "identity\x00", "../x"])
def test_no_other_part_can_be_asked_for(at_step_three, asked):
    assert step_shown(at_step_three.get(URL, {"part": asked})) == "identity"


def test_a_part_is_asked_for_in_vain_before_the_code(browser):
    browser.step_one()
    assert step_shown(browser.get(URL + "?part=contact")) == "code"


@pytest.mark.parametrize("missing", ["identity", "contact"])
def test_the_review_cannot_be_sent_before_the_other_parts(at_step_three, missing):
    browser = at_step_three
    answers = typed(browser, reviewed="")
    other = {"identity": "contact", "contact": "identity"}[missing]
    browser.part(other, answers)
    assert told(browser.part("review", answers)) == [sentence("part_missing")]
    assert step_shown(browser.get(URL)) == missing
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED


def test_what_was_changed_in_another_tab_is_looked_at_before_it_is_registered(at_step_three):
    browser = at_step_three
    answers = at_the_review(browser)
    answers["reviewed"] = hidden(browser.get(URL), "review-reviewed")
    browser.part("identity", answers | {"first_name": "محمدرضا"})
    assert told(browser.part("review", answers)) == [sentence("answers_changed")]
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED
    assert "محمدرضا" in browser.get(URL).content.decode()
    assert browser.review(answers | {"reviewed": hidden(browser.get(URL), "review-reviewed")})["Location"] == DONE
    assert row_of(MATCHES).first_name == "محمدرضا"


def test_a_mistake_in_the_secrets_costs_nothing_else_and_the_question_stays(at_step_three):
    browser = at_step_three
    answers = at_the_review(browser)
    page = browser.review(answers | {"password": "weak", "security_question": "first_book"})
    assert step_shown(page) == "review"
    assert [*page.context["form"].errors] == ["password"]
    assert MATCHES.last_name in page.content.decode()
    assert row_of(MATCHES).draft["security_question"] == "first_book"
    for secret in (PASSWORD, TYPED.security_answer, "weak"):
        assert secret not in str(row_of(MATCHES).draft)
        assert f'value="{secret}"' not in page.content.decode()


def test_another_device_goes_on_at_the_part_that_is_due(at_step_three):
    at_step_three.part("identity", typed(at_step_three))
    let_pass(timedelta(seconds=61))
    other = Browser()
    other.confirm()
    assert step_shown(other.get(URL)) == "contact"
    assert other.part("contact", typed(other))["Location"] == URL
    assert other.review(typed(other))["Location"] == DONE


def test_two_tabs_that_send_different_parts_lose_neither(at_step_three):
    browser = at_step_three
    browser.get(URL), browser.get(URL + "?part=contact")
    browser.part("contact", typed(browser))
    browser.part("identity", typed(browser))
    assert step_shown(browser.get(URL)) == "review"


def test_a_draft_from_before_the_parts_is_gone_on_with(at_step_three):
    """Rows of an earlier version hold all answers of step three in one draft."""
    kept = {name: value for name, value in vars(TYPED).items() if "password" not in name and name != "security_answer"}
    Registration.objects.update(draft=kept)
    assert step_shown(at_step_three.get(URL)) == "review"


def test_a_page_from_before_the_parts_loses_nothing(at_step_three):
    """It sends all of step three as the first part, while the portal was brought up to date."""
    browser = at_step_three
    assert browser.post_step("identity", typed(browser))["Location"] == URL
    assert step_shown(browser.get(URL)) == "review"
    assert row_of(MATCHES).draft["email"] == TYPED.email
    assert PASSWORD not in str(row_of(MATCHES).draft)
