"""After the right answer: whose the number is, how long that may take, and what may happen meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import owner_checks
from accounts.life.locking import end_pending
from accounts.models import Challenge, ChallengeStage, EventKind, OwnerCheck, Session, User
from accounts.recovery.texts import sentence
from common import limits
from identity.registries.demo import Plot
from tests.support.journeys import Browser, texts_on
from tests.support.recoveries import (
    ANSWER,
    BY_PLOT,
    NEW,
    OLD,
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
THIEF, DOWN_TWICE, DOWN = (BY_PLOT[plot] for plot in (Plot.OTHER_OWNER, Plot.DOWN_TWICE, Plot.DOWN_FOR_GOOD))


def due_now() -> None:
    OwnerCheck.objects.update(next_attempt_at=timezone.now())


def test_a_number_in_another_name_leads_to_the_branch_and_its_owner_hears_of_it():
    account = account_of(THIEF)
    browser = Recoverer()
    browser.matched(THIEF)
    assert leads_to(browser.look("recovery_wait"), "recovery_branch")
    assert leads_to(browser.new_password(), "recovery_branch")
    assert browser.look("recovery_branch").context["found"].why == "owner"
    assert "/portal/not-me/" in texts_on(THIEF.mobile)[0]
    assert account.events.filter(kind=EventKind.RECOVERY_REFUSED).count() == 1
    assert 'href="/portal/recovery/branch"' in page_text(browser.look("recovery_waiting"))


def test_while_no_registry_answers_the_page_waits_and_an_sms_says_when_to_come_back():
    account_of(DOWN_TWICE)
    browser = Recoverer()
    browser.matched(DOWN_TWICE)
    page = browser.look("recovery_wait")
    assert page.status_code == 200
    assert page.context["renews"] == limits.RECOVERY_RENEWS.total_seconds()
    heard = len(texts_on(DOWN_TWICE.mobile))
    clock_moves(limits.OWNER_CHECK_TELL_AFTER)
    assert browser.look("recovery_wait").context["renews"] == limits.RECOVERY_RENEWS_LATER.total_seconds()
    for _ in range(2):
        due_now()
        owner_checks.check_due()
    assert len(texts_on(DOWN_TWICE.mobile)) == heard + 1
    assert 'href="/portal/recovery/wait"' not in page_text(browser.look("recovery"))
    assert 'href="/portal/recovery/password"' in page_text(browser.look("recovery"))  # the way back
    assert leads_to(browser.new_password(), "sign_in")


def test_an_answer_that_comes_at_once_costs_no_sms():
    account = account_of()
    Recoverer().matched()
    assert not account.events.filter(kind=EventKind.RECOVERY_READY).exists()


def test_a_registry_that_stays_down_decides_nothing_and_the_recovery_is_over_in_the_end():
    account_of(DOWN)
    browser = Recoverer()
    browser.matched(DOWN)
    clock_moves(limits.RECOVERY_LEFT_ALONE - timedelta(minutes=1))
    due_now()
    owner_checks.check_due()
    assert browser.look("recovery_wait").status_code == 200
    clock_moves(timedelta(minutes=2))
    assert leads_to(browser.look("recovery_wait"), "recovery")
    assert sentence("late") in page_text(browser.look("recovery"))
    due_now()
    owner_checks.check_due()
    check = OwnerCheck.objects.get()
    assert (check.next_attempt_at, check.outcome) == (None, "unavailable")
    assert row_of(DOWN.national_id).stage == ChallengeStage.OWNER_ASKED


def test_the_session_lives_as_long_as_the_recovery_may_wait():
    person = Browser()
    person.register()  # the closing page lets its session end in a quarter of an hour
    account_of(DOWN)
    browser = Recoverer()
    browser.cookies = person.cookies
    browser.answered(DOWN)
    ends = Session.objects.get(session_key=browser.cookies["sessionid"].value).expire_date
    assert ends > timezone.now() + limits.RECOVERY_LEFT_ALONE - timedelta(minutes=1)


@pytest.mark.parametrize("closure", ["frozen", "deactivated"])
@pytest.mark.parametrize("asked", [False, True], ids=["waiting", "matched"])
def test_a_recovery_of_an_account_that_is_closed_meanwhile_leads_to_the_branch(closure, asked):
    account = account_of()
    browser = Recoverer()
    browser.answered()
    if asked:
        owner_checks.check_due()
    User.objects.filter(pk=account.pk).update(is_active=False, closure=closure, closed_at=timezone.now())
    owner_checks.check_due()
    assert leads_to(browser.new_password(), "recovery_branch")
    assert browser.look("recovery_branch").context["found"].why == "closed"
    assert not account.events.filter(kind__in=[EventKind.RECOVERED, EventKind.RECOVERY_READY]).exists()


def test_a_freeze_before_the_code_or_before_the_answer_leads_to_the_branch():
    account = account_of()
    browser = Recoverer()
    browser.begin()
    code = texts_on(REZA.mobile)[0][-6:]
    User.objects.filter(pk=account.pk).update(is_active=False, closure="frozen", closed_at=timezone.now())
    assert leads_to(browser.step("recovery_code", code=code), "recovery_branch")
    assert sentence("account_closed") in page_text(browser.look("recovery_branch"))
    User.objects.filter(pk=account.pk).update(is_active=True, closure="", closed_at=None)
    browser.step("recovery_code", code=code)
    User.objects.filter(pk=account.pk).update(is_active=False, closure="frozen", closed_at=timezone.now())
    assert leads_to(browser.step("recovery_answer", answer=ANSWER), "recovery_branch")
    assert not OwnerCheck.objects.exists()


@pytest.mark.parametrize("step", ["proven", "waiting", "matched"])
def test_a_number_that_is_changed_meanwhile_ends_it(step):
    account_of()
    browser = Recoverer()
    browser.prove()
    if step != "proven":
        browser.step("recovery_answer", answer=ANSWER)
    if step == "matched":
        owner_checks.check_due()
    User.objects.update(mobile="+989120000999")
    owner_checks.check_due()
    name = {"proven": "recovery_answer", "waiting": "recovery_wait", "matched": "recovery_password"}[step]
    assert leads_to(browser.look(name), "recovery")
    assert sentence("mobile_changed") in page_text(browser.look("recovery"))
    assert row_of().stage != ChallengeStage.OWNER_MATCHED or step == "matched"


def test_a_password_that_is_set_meanwhile_ends_it():
    account = account_of()
    browser = Recoverer().matched()
    end_pending(account=account)
    assert leads_to(browser.new_password(), "recovery")
    assert sentence("overtaken") in page_text(browser.look("recovery"))
    Challenge.objects.update(stage=ChallengeStage.OWNER_MATCHED)
    User.objects.update(password_changed_at=timezone.now())
    again = Recoverer()
    again.cookies = browser.cookies
    assert not leads_to(again.new_password(), "sign_in")
    assert sign_in(OLD)


def test_the_old_password_is_no_new_one():
    account_of()
    browser = Recoverer().matched()
    page = browser.new_password(OLD)
    assert page.context["form"].errors["password"] == [sentence("same_password")]
    assert leads_to(browser.new_password(), "sign_in")


@pytest.mark.parametrize(
    ("password", "rule"),
    [
        ("short1A", "too_short"),
        ("Rezaکریمی12", "latin"),
        (f"A{REZA.national_id}a", "personal"),
        ("A" + "a1" * 5_000, "too_long"),
    ],
)
def test_the_rules_of_the_guide_hold_here_too(password, rule):
    account_of()
    browser = Recoverer().matched()
    errors = browser.new_password(password).context["form"].errors.as_data()["password"]
    assert rule in [error.code for error in errors]
    assert sign_in(OLD)


def test_two_passwords_that_differ_are_refused():
    account_of()
    browser = Recoverer().matched()
    page = browser.step("recovery_password", password=NEW, password_again=NEW + "x")
    assert set(page.context["form"].errors) == {"password_again"}
    assert NEW not in page_text(page)


@pytest.mark.parametrize("step", ["recovery_answer", "recovery_wait", "recovery_password"])
def test_the_clock_put_forward_by_an_hour_ends_only_what_has_half_an_hour(step):
    account_of()
    browser = Recoverer()
    browser.prove()
    if step != "recovery_answer":
        browser.step("recovery_answer", answer=ANSWER)
    if step == "recovery_password":
        owner_checks.check_due()
    clock_moves(timedelta(hours=1))
    goes_on = browser.look(step).status_code == 200
    assert goes_on == (step != "recovery_answer")
