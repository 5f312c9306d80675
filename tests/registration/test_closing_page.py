"""The closing page: the guide's system message first, then what became of the request; and who comes too late."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import Branch
from common import limits
from registration.models import Registration
from registration.services import decisions, journey, matching
from registration.states import State
from tests.support.journeys import (
    DONE,
    MATCHES,
    OTHER_NAME,
    URL,
    Answers,
    Browser,
    code_on,
    registration_in,
    row_of,
    step_shown,
)
from tests.support.pages import text_of
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
PROGRESS, BRANCHES = DONE + "/progress", "/portal/branches"
GUIDE = json.loads((ROOT / "tests" / "guide_sentences.json").read_text(encoding="utf-8"))["done automatic"]
OTHER_NUMBER = "09351234567"


def message_was_read() -> None:
    """As if the system message had been shown for its time."""
    Registration.objects.update(submitted_at=F("submitted_at") - limits.SYSTEM_MESSAGE_FIRST)


def part(browser: Browser) -> str:
    """What the script puts into the page, as it is read."""
    answer = browser.get(PROGRESS)
    assert answer.status_code == 200
    assert "<html" not in answer.content.decode()
    return text_of(f"<body>{answer.content.decode()}")


def test_while_the_request_is_checked_the_guides_words_stand_there_and_the_page_renews_itself(browser):
    browser.register()
    message_was_read()
    page = browser.get(DONE).content.decode()
    for words in (*GUIDE, gettext("Thank you")):
        assert words in text_of(page)
        assert words in part(browser)
    assert page.count('href="/portal/registration/status"') == 1  # a list of the links names it once
    assert f'data-renew="{PROGRESS}"' in page
    assert '<noscript><meta http-equiv="refresh" content="30; url=?renewed"></noscript>' in page


def test_however_quick_matching_was_the_guides_words_come_first(browser):
    row = browser.register()
    matching.match_due()
    assert row_of(MATCHES).state == State.APPROVED
    assert all(words in text_of(browser.get(DONE).content.decode()) for words in GUIDE)
    assert all(words in part(browser) for words in GUIDE)
    message_was_read()
    row.refresh_from_db()
    page = browser.get(DONE).content.decode()
    assert gettext("Your account is active") in page
    assert gettext("Your account is active") in part(browser)
    assert "data-renew" not in page
    assert "http-equiv" not in page
    for text in (text_of(page), part(browser)):
        assert "منتظر پیامک" not in text


def test_a_referral_is_said_with_the_papers_the_branches_and_the_second_chance(browser):
    browser.register(OTHER_NAME)
    matching.match_due()
    message_was_read()
    text, answer = part(browser), browser.get(PROGRESS).content.decode()
    assert gettext("Your request waits for your visit to a branch") in text
    assert gettext("The original birth certificate") in text
    assert f'href="{BRANCHES}"' in answer
    assert f'href="{URL}"' in answer
    for secret in (OTHER_NAME.first_name, OTHER_NAME.last_name, OTHER_NAME.national_id, "last_name", "تهران"):
        assert secret not in answer


def test_only_the_browser_that_finished_sees_it_and_only_for_a_while(browser):
    browser.register()
    for stranger in (Browser(), _with_status(row_of(MATCHES))):
        assert stranger.get(PROGRESS).status_code == 404
        assert stranger.get(DONE)["Location"] == URL
    session = browser.session
    session["registration"] = session["registration"] | {"finished": 0}
    session.save()
    assert browser.get(PROGRESS).status_code == 404


def _with_status(row: Registration) -> Browser:
    """Somebody who knows the national ID and the tracking code."""
    browser = Browser()
    browser.post(URL + "/status", {"national_id": row.national_id, "tracking_code": row.tracking_code or ""})
    return browser


# ── Who comes too late: another request of the same national ID was approved.


def other_is_approved() -> None:
    decisions.approve(registration_in(State.REFERRED, mobile=OTHER_NUMBER), actor="maryam", why="papers")


def says_so(page: Any) -> bool:
    text = text_of(page.content.decode())
    return gettext("You have an account already") in text and "درخواست دیگری با همین کد ملی تأیید شد" in text


def test_who_is_in_step_three_and_looks_again_is_told(browser):
    browser.confirm()
    assert step_shown(browser.get(URL)) == "identity"
    other_is_approved()
    page = browser.get(URL, follow=True)
    assert says_so(page)
    assert 'href="/portal/"' in page.content.decode()


def test_who_hands_step_three_in_is_told_and_does_not_land_at_step_two(browser):
    browser.confirm()
    other_is_approved()
    answer = browser.step_three(Answers.of(MATCHES))
    assert answer["Location"] == DONE
    assert says_so(browser.get(DONE))
    assert row_of(MATCHES).state == State.SUPERSEDED
    browser.post(URL + "/restart")
    assert step_shown(browser.get(URL)) == "mobile"


def test_whose_request_ends_in_the_moment_of_handing_in_is_told(browser, monkeypatch):
    browser.confirm()
    columns = journey.Identity.columns

    def meanwhile(identity: journey.Identity) -> dict[str, Any]:
        other_is_approved()
        return columns(identity)

    monkeypatch.setattr(journey.Identity, "columns", meanwhile)
    assert says_so(browser.get(browser.step_three(Answers.of(MATCHES))["Location"], follow=True))


def test_whose_code_is_still_to_be_typed_is_told_only_after_it(browser):
    browser.step_one()
    other_is_approved()
    before = browser.get(URL)
    assert step_shown(before) == "code"
    assert "تأیید شد" not in text_of(before.content.decode())
    browser.step_two(code_on(MATCHES.mobile))
    assert says_so(browser.get(DONE))


def test_whose_request_is_being_checked_reads_it_on_the_closing_page(browser):
    browser.register()
    other_is_approved()
    message_was_read()
    assert says_so(browser.get(DONE))
    assert "درخواست دیگری با همین کد ملی تأیید شد" in part(browser)


def test_who_already_had_an_account_is_not_told_of_another_request(browser):
    other_is_approved()
    Registration.objects.update(state_since=F("state_since") - timedelta(days=1))
    browser.confirm()
    page = browser.get(DONE)
    assert gettext("You have an account already") in text_of(page.content.decode())
    assert not says_so(page)


def test_a_grant_of_an_ended_request_opens_nothing(browser):
    browser.confirm()
    draft = browser.draft()
    other_is_approved()
    for path in ("/correct", "/number", "/second-chance", "/pass", "/status"):
        page = browser.get(URL + path, follow=True).content.decode()
        assert MATCHES.last_name not in page
        assert MATCHES.national_id not in page
    browser.post_step("identity", vars(Answers.of(MATCHES)) | {"draft": draft})
    row = row_of(MATCHES)
    assert (row.state, row.draft, row.last_name) == (State.SUPERSEDED, {}, "")


# ── The branches of one's own city.


@pytest.fixture
def branches() -> None:
    for code, name, province, city in (("1", "شعبه یک", "تهران", "تهران"), ("2", "شعبه دو", "فارس", "شیراز")):
        Branch.objects.create(code=code, name=name, province=province, city=city)


def listed(browser: Browser) -> str:
    return "".join(name for name in ("شعبه یک", "شعبه دو") if name in browser.get(BRANCHES).content.decode())


def test_the_list_opens_at_the_city_of_the_request_that_this_browser_finished(browser, branches):
    browser.register(OTHER_NAME, city="فارس، شیراز")
    assert listed(browser) == "شعبه دو"
    assert listed(_with_status(row_of(OTHER_NAME))) == ""  # who knows a tracking code learns no city
    browser.post(URL + "/restart")
    assert listed(browser) == ""


def test_the_list_opens_at_the_city_of_who_is_referred_and_has_proven_the_number(browser, branches):
    registration_in(State.REFERRED, verdict="mismatch", verdict_kind="identity", city="فارس، شیراز")
    browser.step_one()
    assert listed(browser) == ""
    browser.step_two(code_on(MATCHES.mobile))
    assert listed(browser) == "شعبه دو"
