"""Things that happen at the same moment, or in the wrong order, or while something is down."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.codes import issuing
from accounts.models import CodePurpose, OneTimeCode, User
from common import leases, limits
from common.errors import PortalError
from common.secrets import keyed_hash
from identity import services as identity
from identity.matching import Outcome, Verdict
from registration.models import Event, Registration
from registration.services import journey, matching
from registration.states import State
from registration.texts import sentence
from sms.models import InboxMessage, Message
from tests.support.accounts import together
from tests.support.journeys import (
    DONE,
    MATCHES,
    OTHER_NAME,
    URL,
    Answers,
    Browser,
    code_on,
    hidden,
    let_pass,
    nonce_of,
    registration_in,
    row_of,
    step_shown,
    texts_on,
)

pytestmark = pytest.mark.django_db(transaction=True)
SECOND_MOBILE = "09127654321"


def registries_say(monkeypatch: pytest.MonkeyPatch, outcome: Outcome) -> None:
    """About everybody, when the owner of the mobile is asked."""
    verdict = Verdict(outcome=outcome, kind="owner", fields={})
    monkeypatch.setattr(identity, "check_all", lambda questions: enumerate([verdict] * len(questions)))


def same_browser(browser: Browser) -> Browser:
    """Another request of the same browser, to be sent at the same time."""
    copy = Browser()
    for name, morsel in browser.cookies.items():
        copy.cookies[name] = morsel.value
    return copy


def test_twenty_parallel_guesses_count_five_tries():
    browser = Browser()
    browser.step_one()
    code = code_on(MATCHES.mobile)
    wrong = "000000" if code != "000000" else "111111"
    draft = browser.draft()
    copies = [same_browser(browser) for _ in range(20)]
    answers = together(lambda n: copies[n].step_two(wrong, draft=draft), 20)
    assert [answer.status_code for answer in answers] == [200] * 20
    assert OneTimeCode.objects.get().tries == 5
    assert browser.step_two(code).status_code == 200  # none beyond, not even the right one
    assert row_of(MATCHES).state == State.STARTED


def test_the_right_code_among_twenty_parallel_guesses_is_used_once_at_most():
    browser = Browser()
    browser.step_one()
    code = code_on(MATCHES.mobile)
    draft = browser.draft()
    copies = [same_browser(browser) for _ in range(20)]
    together(lambda n: copies[n].step_two(code, draft=draft), 20)
    assert OneTimeCode.objects.get().tries <= 5
    assert Event.objects.filter(to_state=State.MOBILE_CONFIRMED).count() == 1


def test_twenty_parallel_final_posts_are_one_submission_one_account_one_sms():
    browser = Browser()
    browser.confirm()
    draft = browser.draft()
    copies = [same_browser(browser) for _ in range(20)]
    answers = together(lambda n: copies[n].step_three(Answers.of(MATCHES), draft=draft), 20)
    assert [answer["Location"] for answer in answers] == [DONE] * 20
    assert browser.get(DONE).status_code == 200
    assert together(lambda n: matching.match_due(), 4).count(1) == 1
    assert Event.objects.filter(to_state=State.SUBMITTED).count() == 1
    assert User.objects.count() == 1
    texts_on(MATCHES.mobile)
    assert InboxMessage.objects.filter(kind="result").count() == 1


def test_an_answer_lost_after_the_final_post_still_leads_to_the_closing_page():
    browser = Browser()
    browser.confirm()
    before = dict(browser.session.items())
    browser.step_three(Answers.of(MATCHES))
    session = browser.session  # the worker died between the submission and the end of the session
    session.clear()
    session.update(before)
    session.save()
    assert browser.get(URL)["Location"] == DONE
    assert "درخواست شما با موفقیت ثبت گردید" in browser.get(DONE).content.decode()
    assert step_shown(browser.get(URL)) == "mobile"


def test_a_double_click_on_step_one_of_a_fresh_browser_sends_one_code():
    browser = Browser()
    nonce = nonce_of(browser.get(URL))
    copies = [same_browser(browser) for _ in range(2)]
    together(lambda n: copies[n].step_one(draft=nonce), 2)
    assert Registration.objects.count() == 1
    code = code_on(MATCHES.mobile)
    assert InboxMessage.objects.count() == 1
    for copy in copies:  # whichever answer the browser followed
        assert copy.step_two(code)["Location"] == URL


def test_a_double_click_on_step_two_costs_no_second_code_whichever_answer_comes_last():
    browser = Browser()
    browser.step_one()
    code = code_on(MATCHES.mobile)
    copies = [same_browser(browser) for _ in range(2)]
    together(lambda n: copies[n].step_two(code), 2)
    assert [step_shown(copy.get(URL)) for copy in copies] == ["identity", "identity"]
    assert InboxMessage.objects.count() == 1


def test_a_slow_phone_that_repeats_step_two_goes_on_in_the_page_that_it_gets():
    browser = Browser()
    browser.step_one()
    code = code_on(MATCHES.mobile)
    first, later = same_browser(browser), same_browser(browser)
    assert first.step_two(code)["Location"] == URL
    assert later.step_two(code)["Location"] == URL
    page = first.step_three(Answers.of(MATCHES))
    assert page["Location"] == DONE


def test_two_browsers_with_codes_of_their_own_get_two_grants():
    """The same code gives the same grant; another code gives another one, and ends the first."""
    first, second = Browser(), Browser()
    first.confirm()
    let_pass(timedelta(seconds=61))
    second.confirm()
    assert first.session["registration"]["grant"] != second.session["registration"]["grant"]
    assert step_shown(second.get(URL)) == "identity"
    assert step_shown(first.get(URL)) == ""


def test_the_same_person_finishing_on_two_devices_is_one_submission():
    first, second = Browser(), Browser()
    first.confirm()
    let_pass(timedelta(seconds=61))
    second.confirm()
    devices = [first, second]
    answers = together(lambda n: devices[n].step_three(Answers.of(MATCHES)), 2)
    assert sorted(answer["Location"] for answer in answers) == [URL, DONE]
    assert Event.objects.filter(to_state=State.SUBMITTED).count() == 1
    page = first.get(URL).content.decode()
    assert step_shown(first.get(URL)) in ("", "code", "mobile")
    assert page


def test_two_mobiles_of_one_national_id_approved_in_the_same_instant():
    for _ in range(3):
        rows = [
            registration_in(State.SUBMITTED, mobile=mobile, next_attempt_at=timezone.now())
            for mobile in (MATCHES.mobile, SECOND_MOBILE)
        ]
        results = together(lambda n: matching.match_due(), 2)
        assert not [result for result in results if isinstance(result, Exception)]
        _until_matched()
        states = sorted(row.state for row in Registration.objects.filter(pk__in=[row.pk for row in rows]))
        assert states == [State.APPROVED, State.SUPERSEDED]
        assert User.objects.count() == 1
        told = [text for mobile in (MATCHES.mobile, SECOND_MOBILE) for text in texts_on(mobile)]
        assert len([text for text in told if "حساب کاربری شما" in text]) == 1
        assert len(told) == 2  # the other proven number is told as well
        _begin_again()


def _until_matched() -> None:
    for _ in range(20):
        if not Registration.objects.filter(state=State.SUBMITTED).exists():
            return
        Registration.objects.filter(state=State.SUBMITTED).update(next_attempt_at=timezone.now(), lease=None)
        matching.match_due()


def _begin_again() -> None:
    Registration.objects.all().delete()
    User.objects.all().delete()
    InboxMessage.objects.all().delete()
    Message.objects.all().delete()


def test_a_worker_that_died_while_matching_delays_but_decides_once():
    row = registration_in(State.SUBMITTED, next_attempt_at=timezone.now())
    [claimed] = leases.claim(Registration, limit=1, lease_for=limits.MATCH_LEASE)
    assert matching.match_due() == 0  # the dead worker's lease still runs
    Registration.objects.update(next_attempt_at=timezone.now())  # … and lapses
    assert matching.match_due() == 1
    # The "dead" worker was only slow: it comes back with an answer of its own and changes nothing.
    matching.decide([(claimed, Verdict(outcome=Outcome.NOT_FOUND, kind="identity", fields={}))])
    row.refresh_from_db()
    assert row.state == State.APPROVED
    assert Message.objects.filter(kind="result").count() == 1


def test_an_outage_is_asked_again_with_growing_pauses_and_never_sent_to_a_branch(monkeypatch):
    row = registration_in(State.SUBMITTED, next_attempt_at=timezone.now())
    registries_say(monkeypatch, Outcome.UNAVAILABLE)
    pauses = []
    for _ in range(9):
        assert matching.match_due() == 1
        row.refresh_from_db()
        assert row.state == State.SUBMITTED
        pauses.append((row.next_attempt_at - timezone.now()).total_seconds())
        Registration.objects.update(next_attempt_at=timezone.now())
    assert 7 < pauses[0] < 13
    assert 700 < pauses[-1] < 15 * 60 * 1.21
    assert all(later > earlier for earlier, later in itertools.pairwise(pauses[:6]))
    assert not Message.objects.exists()


def test_a_long_outage_is_told_once(monkeypatch):
    registration_in(
        State.SUBMITTED, next_attempt_at=timezone.now(), submitted_at=timezone.now() - timedelta(minutes=31)
    )
    registries_say(monkeypatch, Outcome.UNAVAILABLE)
    for _ in range(3):
        matching.match_due()
        Registration.objects.update(next_attempt_at=timezone.now())
    assert Message.objects.filter(kind="notice").count() == 1


@pytest.mark.parametrize("outcome", [Outcome.MISCONFIGURED, Outcome.INVALID_INPUT])
def test_our_own_fault_holds_the_request_and_never_blames_the_citizen(monkeypatch, outcome):
    row = registration_in(State.SUBMITTED, next_attempt_at=timezone.now())
    registries_say(monkeypatch, outcome)
    matching.match_due()
    row.refresh_from_db()
    assert (row.state, row.verdict) == (State.SUBMITTED, outcome.value)
    assert not Message.objects.exists()


def test_one_registration_that_cannot_be_decided_does_not_hold_up_the_others(monkeypatch):
    bad = registration_in(State.SUBMITTED, mobile=SECOND_MOBILE, next_attempt_at=timezone.now(), birth_date=None)
    good = registration_in(State.SUBMITTED, next_attempt_at=timezone.now())
    matching.match_due()
    good.refresh_from_db()
    bad.refresh_from_db()
    assert good.state == State.APPROVED
    assert bad.state == State.SUPERSEDED  # and not lost


def test_a_dead_redis_costs_a_page_little_and_loses_nothing(real_hints, settings):
    browser = Browser()
    began = time.monotonic()
    assert browser.step_one().status_code == 302
    assert browser.step_two(code_on(MATCHES.mobile)).status_code == 302
    assert browser.step_three(Answers.of(MATCHES)).status_code == 302
    assert time.monotonic() - began < 6  # a limit against hanging, not a measurement
    assert matching.match_due() == 1


def test_a_code_that_waited_too_long_for_a_gateway_is_never_sent():
    browser = Browser()
    browser.step_one()
    let_pass(timedelta(minutes=11))
    assert texts_on(MATCHES.mobile) == []
    assert Message.objects.get().state == "expired"
    browser.post(URL + "/resend", {"draft": browser.draft()})
    assert browser.step_two(code_on(MATCHES.mobile)).status_code == 302


def test_an_expired_code_says_so_and_a_new_one_works():
    browser = Browser()
    browser.step_one()
    code = code_on(MATCHES.mobile)
    let_pass(timedelta(minutes=10, seconds=5))
    page = browser.step_two(code).content.decode()
    assert sentence("code_expired") in page
    browser.post(URL + "/resend", {"draft": browser.draft()})
    assert browser.step_two(code_on(MATCHES.mobile)).status_code == 302


def test_a_resend_keeps_the_earlier_code_valid():
    browser = Browser()
    browser.step_one()
    earlier = code_on(MATCHES.mobile)
    let_pass(timedelta(seconds=61))
    browser.post(URL + "/resend", {"draft": browser.draft()})
    assert code_on(MATCHES.mobile) != earlier or InboxMessage.objects.count() == 2
    assert browser.step_two(earlier).status_code == 302


def test_asking_again_within_the_minute_is_no_error_and_no_sms():
    browser = Browser()
    for _ in range(3):
        assert browser.step_one()["Location"] == URL
    page = browser.get(URL)
    assert page.context["wait"] > 0
    assert Message.objects.count() == 1


def test_the_sixth_code_in_an_hour_is_refused_with_the_time_to_come_back():
    browser = Browser()
    for _ in range(5):
        browser.step_one()
        let_pass(timedelta(seconds=61))
    page = browser.step_one()
    assert page.status_code == 200
    assert "mobile" in page.context["form"].errors
    assert Message.objects.count() == 5
    let_pass(timedelta(hours=1))
    assert browser.step_one().status_code == 302


def test_a_code_for_one_purpose_opens_nothing_else():
    issuing.issue(purpose=CodePurpose.DESK, mobile="+98" + MATCHES.mobile[1:], asker="desk")
    desk_code = code_on(MATCHES.mobile)
    let_pass(timedelta(seconds=61))
    browser = Browser()
    browser.step_one()
    if desk_code == code_on(MATCHES.mobile):
        pytest.skip("one chance in a million: both codes are the same")
    assert browser.step_two(desk_code).status_code == 200


def test_a_draft_cannot_be_written_or_submitted_with_an_old_grant():
    row = registration_in(State.MOBILE_CONFIRMED, grant_hash=keyed_hash("grant", "new"))
    with pytest.raises(PortalError, match="grant_ended"):
        journey.save_draft(registration=row, grant="old", answers={"last_name": "x"})
    with pytest.raises(PortalError, match="grant_ended"):
        journey.save_draft(registration=row, grant="", answers={"last_name": "x"})
    row.refresh_from_db()
    assert row.draft == {}


def test_a_code_proves_one_registration_only():
    browser = Browser()
    browser.step_one()
    code = code_on(MATCHES.mobile)
    browser.step_two(code)
    browser.post(URL + "/restart")
    browser.step_one(national_id=OTHER_NAME.national_id)
    assert browser.step_two(code).status_code == 200
    assert row_of(MATCHES).state == State.MOBILE_CONFIRMED
    assert Registration.objects.get(national_id=OTHER_NAME.national_id).state == State.STARTED


@pytest.mark.parametrize("ended", [State.REJECTED, State.EXPIRED, State.SUPERSEDED])
def test_a_request_that_ended_meanwhile_says_nothing_before_the_code_and_begins_anew_after_it(ended):
    browser = Browser()
    browser.step_one()
    code = code_on(MATCHES.mobile)
    Registration.objects.update(state=ended)
    assert step_shown(browser.get(URL)) == "code"
    assert "code" in browser.step_two("000000" if code != "000000" else "111111").context["form"].errors
    browser.post(URL + "/resend", {"draft": browser.draft()})
    assert step_shown(browser.get(URL)) == "code"
    assert browser.step_two(code)["Location"] == URL
    assert step_shown(browser.get(URL)) == "identity"
    assert browser.step_three(Answers.of(MATCHES))["Location"] == DONE
    assert row_of(MATCHES).state == State.SUBMITTED


def test_correcting_ones_own_typo_is_no_duplicate():
    browser = Browser()
    browser.step_one(mobile=SECOND_MOBILE)
    browser.post(URL + "/change", {"draft": browser.draft()})
    browser.step_one()
    assert browser.get(URL).context["notice"] == ""
    assert step_shown(browser.get(URL)) == "code"


def test_two_people_at_one_browser_do_not_share_their_tries():
    first = Browser()
    first.step_one(draft=nonce_of(first.get(URL)))
    code = code_on(MATCHES.mobile)
    second = Browser()
    second.cookies["csrftoken"] = first.cookies["csrftoken"].value
    second.step_one(draft=nonce_of(second.get(URL)))
    for _ in range(5):
        second.step_two("000000" if code != "000000" else "111111")
    assert first.step_two(code)["Location"] == URL


def test_every_post_of_the_journey_needs_few_statements():
    browser = Browser()
    assert _statements(lambda: browser.step_one()) <= 16  # three for conduct, one is PostgreSQL's lock
    code = code_on(MATCHES.mobile)
    assert _statements(lambda: browser.step_two("000000" if code != "000000" else "111111")) <= 12
    assert _statements(lambda: browser.step_two(code)) <= 14  # one credits the address with a code that was used
    typed = vars(Answers.of(MATCHES)) | {"draft": browser.draft()}
    assert _statements(lambda: browser.part("identity", typed)) <= 8
    assert _statements(lambda: browser.part("contact", typed | {"email": "nobody"})) <= 8
    assert _statements(lambda: browser.part("contact", typed)) <= 8
    typed["reviewed"] = hidden(browser.get(URL), "review-reviewed")
    assert _statements(lambda: browser.part("review", typed)) <= 16


def _statements(request) -> int:
    ours = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    with CaptureQueriesContext(connection) as queries:
        request()
    sql = [query["sql"].lstrip() for query in queries.captured_queries]
    return len([one for one in sql if one.startswith(ours) and "accounts_session" not in one])
