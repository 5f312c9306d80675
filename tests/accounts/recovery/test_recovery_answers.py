"""The security answer: folded, counted before it is compared, three wrong ones a week, and what then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts import owner_checks
from accounts.models import AccountEvent, ChallengeStage, EventKind, OwnerCheck, User
from accounts.passwords.answer_key import answer_key
from accounts.passwords.answers import answer_matches, hash_answer, is_current
from accounts.recovery import service as recovery_service
from accounts.recovery.texts import sentence
from common import limits
from common.errors import PortalError
from common.persian import format_jalali
from tests.support.accounts import together
from tests.support.journeys import let_pass, texts_on
from tests.support.recoveries import (
    ANSWER,
    NEW,
    REZA,
    Recoverer,
    account_of,
    clock_moves,
    leads_to,
    page_text,
    row_of,
    sign_in,
)

pytestmark = pytest.mark.django_db(transaction=True)
WRONG = "سبز"


def wrong_ones() -> int:
    return AccountEvent.objects.filter(kind=EventKind.ANSWER_TRIED).count()


def proven() -> Recoverer:
    """A browser that has proven the number; the last code is a minute old."""
    browser = Recoverer()
    let_pass(timedelta(seconds=61))
    browser.prove()
    return browser


@pytest.mark.parametrize("typed", ["آبي آسماني", "  آبی‌آسمانی ", "ابی آسمانی!", "آبیِ آسمانی", "آبی\u200f-آسمانی"])
def test_spelling_blanks_and_signs_do_not_count(typed):
    account_of()
    assert leads_to(proven().step("recovery_answer", answer=typed), "recovery_wait")
    assert wrong_ones() == 0


def test_a_wrong_answer_says_how_many_are_left_and_the_third_leads_to_the_branch():
    account_of()
    browser = proven()
    for left in (2, 1):
        page = browser.step("recovery_answer", answer=WRONG)
        assert page.context["form"].errors["answer"] == [sentence("answer_wrong", left=left)]
        assert WRONG not in page_text(page)
    assert leads_to(browser.step("recovery_answer", answer=WRONG), "recovery_wait")
    assert leads_to(browser.look("recovery_wait"), "recovery_branch")
    page = page_text(browser.look("recovery_branch"))
    assert format_jalali(timezone.localdate(timezone.now() + limits.ANSWER_TRIES_WITHIN)) in page
    assert leads_to(browser.step("recovery_answer", answer=ANSWER), "recovery_branch")
    assert row_of().stage == ChallengeStage.PROVEN
    assert wrong_ones() == limits.ANSWER_TRIES


def test_tries_are_counted_over_recoveries_and_devices():
    account_of()
    for _ in range(limits.ANSWER_TRIES):
        proven().step("recovery_answer", answer=WRONG)
    assert leads_to(proven().look("recovery_answer"), "recovery_branch")
    clock_moves(limits.ANSWER_TRIES_WITHIN - timedelta(minutes=1))
    assert leads_to(proven().look("recovery_answer"), "recovery_branch")
    clock_moves(timedelta(minutes=2))
    assert leads_to(proven().step("recovery_answer", answer=ANSWER), "recovery_wait")


def test_the_right_answer_is_not_counted_and_forgives_no_wrong_one():
    account_of()
    first = proven()
    for typed in (WRONG, WRONG, ANSWER):
        first.step("recovery_answer", answer=typed)
    assert row_of().stage == ChallengeStage.OWNER_ASKED
    assert wrong_ones() == 2
    second = proven()
    assert leads_to(second.step("recovery_answer", answer=WRONG), "recovery_wait")
    assert leads_to(second.look("recovery_answer"), "recovery_branch")


def test_guesses_at_the_same_moment_have_no_more_tries_than_one_after_the_other():
    account_of()
    browsers = [proven() for _ in range(3)]
    guesses = [browsers[number % 3] for number in range(6)]
    cookies = [dict(browser.cookies) for browser in guesses]

    def guess(number: int) -> object:
        twin = Recoverer()
        twin.cookies.load({name: morsel.value for name, morsel in cookies[number].items()})
        return twin.step("recovery_answer", answer=f"{WRONG}{number}")

    together(guess, 6)
    assert wrong_ones() == limits.ANSWER_TRIES
    assert not OwnerCheck.objects.exists()


def test_a_double_click_with_the_right_answer_is_one_try_and_no_wrong_one():
    account_of()
    browser = proven()
    for _ in range(limits.ANSWER_TRIES - 1 - 1):
        browser.step("recovery_answer", answer=WRONG)
    twin = Recoverer()
    twin.cookies = browser.cookies
    answers = together(lambda number: (browser, twin)[number].step("recovery_answer", answer=ANSWER), 2)
    assert all(leads_to(answer, "recovery_wait") for answer in answers)
    assert wrong_ones() == 1
    assert OwnerCheck.objects.count() == 1


def test_a_try_counts_also_where_the_server_dies_over_it(monkeypatch):
    account_of()
    browser = proven()
    monkeypatch.setattr(recovery_service, "answer_matches", _dies)
    with pytest.raises(RuntimeError, match="killed"):
        browser.step("recovery_answer", answer=ANSWER)
    assert wrong_ones() == 1


def _dies(*_: str) -> bool:
    raise RuntimeError("killed")


@pytest.mark.parametrize("typed", ["x" * 10_000, "آ" * 101, "!؟", "\x00", ""])
def test_what_cannot_be_an_answer_is_said_and_not_counted(typed):
    account_of()
    browser = proven()
    page = browser.step("recovery_answer", answer=typed)
    assert page.status_code == 200
    assert page.context["form"].errors["answer"]
    with pytest.raises(PortalError, match="answer_too_long"):
        recovery_service.answer(challenge=row_of(), typed="x" * 10_000)
    assert wrong_ones() == 0


def test_without_a_stored_answer_the_branch_is_the_way():
    account_of(security_answer_hash="")
    browser = proven()
    assert leads_to(browser.look("recovery_answer"), "recovery_branch")
    assert leads_to(browser.step("recovery_answer", answer=ANSWER), "recovery_branch")
    assert browser.look("recovery_branch").context["found"].why == "no_answer"


def test_who_has_shown_papers_at_a_branch_needs_no_answer_and_chooses_a_new_question():
    account = account_of(security_answer_hash="")
    for _ in range(limits.ANSWER_TRIES):
        AccountEvent.objects.create(account=account, kind=EventKind.ANSWER_TRIED, actor="citizen")
    may_skip(timedelta(days=2))
    browser = proven()
    assert 'name="answer"' not in page_text(browser.look("recovery_answer"))
    assert leads_to(browser.step("recovery_answer"), "recovery_wait")
    owner_checks.check_due()
    assert set(browser.new_password().context["form"].errors) == {"question", "answer"}
    assert not sign_in(NEW)
    response = browser.new_password(question="first_book", answer="كلیله و دمنه")
    assert leads_to(response, "sign_in")
    account.refresh_from_db()
    assert (account.security_question, account.recovery_without_answer_until) == ("first_book", None)
    assert answer_matches("کلیله ودمنه", account.security_answer)
    assert account.events.filter(kind=EventKind.QUESTION_CHANGED).count() == 1
    assert sum("/not-me/" in text for text in texts_on(REZA.mobile)) == 2


def test_the_new_question_cannot_be_left_out_by_a_page_of_ones_own():
    account_of()
    may_skip(timedelta(days=2))
    browser = proven()
    browser.step("recovery_answer")
    owner_checks.check_due()
    with pytest.raises(PortalError, match="moved_on"):
        recovery_service.set_password(challenge=row_of(), password=NEW)
    assert browser.new_password(question="no_such", answer="x").context["form"].errors["question"]


@pytest.mark.parametrize("stored", ["argon2id", "a key before"])
def test_an_answer_stored_as_before_is_right_and_stored_anew_when_it_is_given(stored, rotate):
    account = account_of()
    if stored == "argon2id":
        User.objects.update(security_answer=make_password(answer_key(ANSWER)))
    else:
        rotate("ANSWER_HASH_KEY")
    browser = proven()
    browser.step("recovery_answer", answer=WRONG)
    account.refresh_from_db()
    assert not is_current(account.security_answer)
    assert leads_to(browser.step("recovery_answer", answer=ANSWER), "recovery_wait")
    account.refresh_from_db()
    assert is_current(account.security_answer)
    assert answer_matches(ANSWER, account.security_answer)


def test_a_leave_of_the_branch_that_is_over_asks_for_the_answer_again():
    account_of()
    may_skip(-timedelta(minutes=1))
    browser = proven()
    assert 'name="answer"' in page_text(browser.look("recovery_answer"))
    browser.step("recovery_answer", answer=ANSWER)
    owner_checks.check_due()
    assert leads_to(browser.new_password(), "sign_in")


def test_a_question_that_is_changed_while_it_is_answered_is_asked_anew(monkeypatch):
    account_of()
    browser = proven()

    def changed_meanwhile(typed: str, stored: str) -> bool:
        User.objects.update(security_question="first_book", security_answer=hash_answer("شاهنامه"))
        return answer_matches(typed, stored)

    monkeypatch.setattr(recovery_service, "answer_matches", changed_meanwhile)
    assert leads_to(browser.step("recovery_answer", answer=ANSWER), "recovery_wait")
    assert leads_to(browser.look("recovery_wait"), "recovery_answer")
    assert not OwnerCheck.objects.exists()


def may_skip(span: timedelta) -> None:
    """A branch has seen the papers; what it allows ends after `span`."""
    User.objects.update(recovery_without_answer_until=timezone.now() + span)
