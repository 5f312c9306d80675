"""A lost password is recovered: the whole way, its grant, and what a stranger may not learn from it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import check_password
from django.urls import reverse
from django.utils import timezone

from accounts import owner_checks
from accounts.codes import challenges, issuing, sending
from accounts.models import ChallengeStage, CodePurpose, EventKind, Session, TrustedDevice, User
from accounts.recovery.texts import sentence
from common import limits
from mail.models import Letter
from tests.support.accounts import together
from tests.support.journeys import code_on, let_pass, texts_on
from tests.support.recoveries import ANSWER, NEW, OLD, REZA, Recoverer, account_of, leads_to, page_text, row_of, sign_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_whole_way_to_a_new_password():
    account, browser = account_of(), Recoverer()
    assert leads_to(browser.begin(), "recovery_code")
    assert leads_to(browser.step("recovery_code", code=code_on(REZA.mobile)), "recovery_answer")
    assert "رنگ مورد علاقه شما" in page_text(browser.look("recovery_answer"))
    assert leads_to(browser.step("recovery_answer", answer="آبي  آسماني"), "recovery_wait")
    waiting = page_text(browser.look("recovery_wait"))
    assert '<noscript><meta http-equiv="refresh"' in waiting
    assert reverse("recovery_waiting") in waiting
    owner_checks.check_due()
    assert leads_to(browser.look("recovery_wait"), "recovery_password")
    assert reverse("recovery_password") in page_text(browser.look("recovery_waiting"))
    assert leads_to(browser.new_password(), "sign_in")
    assert not browser.session.get("_auth_user_id")
    assert sign_in(NEW)
    assert not sign_in(OLD)
    account.refresh_from_db()
    assert account.password_changed_at is not None
    kinds = set(account.events.values_list("kind", flat=True))
    assert {EventKind.ANSWER_RIGHT, EventKind.RECOVERED} <= kinds
    assert EventKind.ANSWER_TRIED not in kinds


def test_nobody_is_told_that_the_question_is_that_of_the_registration():
    """It may have been chosen since, in the profile."""
    account_of()
    browser = Recoverer()
    assert "هنگام ثبت نام" not in page_text(browser.get(reverse("recovery")))
    browser.prove()
    assert "هنگام ثبت نام" not in page_text(browser.look("recovery_answer"))


def test_the_owner_is_told_with_a_link_to_say_that_it_was_somebody_else():
    account_of()
    Recoverer().matched().new_password()
    assert "/portal/not-me/" in texts_on(REZA.mobile)[0]
    assert NEW not in " ".join(texts_on(REZA.mobile))


def test_every_page_is_never_stored_and_says_nothing_of_the_account():
    account_of()
    browser = Recoverer()
    pages = [browser.look("recovery")]
    browser.begin()
    pages.append(browser.look("recovery_code"))
    browser.step("recovery_code", code=code_on(REZA.mobile))
    pages.append(browser.look("recovery_answer"))
    browser.step("recovery_answer", answer=ANSWER)
    pages += [browser.look("recovery_wait"), browser.look("recovery_waiting")]
    owner_checks.check_due()
    pages.append(browser.look("recovery_password"))
    for page in pages:
        assert page.status_code == 200
        assert "no-store" in page["Cache-Control"]
        # On the last page stands for password managers whose password it is: the national ID that was typed first.
        said = page_text(page).replace(f'value="{REZA.national_id}" autocomplete="username"', "")
        for secret in (REZA.national_id, REZA.mobile, REZA.mobile[-4:], REZA.last_name):
            assert secret not in said


def test_another_browser_cannot_go_on_with_what_this_one_has_proven():
    account_of()
    owner, other = Recoverer(), Recoverer()
    owner.prove()
    other.begin()
    assert leads_to(other.look("recovery_answer"), "recovery_code")
    assert leads_to(Recoverer().look("recovery_answer"), "recovery")


def test_a_session_key_from_before_the_code_gives_nothing_after_it():
    account_of()
    owner, thief = Recoverer(), Recoverer()
    owner.begin()
    thief.cookies["sessionid"] = owner.cookies["sessionid"].value
    owner.step("recovery_code", code=code_on(REZA.mobile))
    assert leads_to(thief.look("recovery_answer"), "recovery_code")
    assert owner.look("recovery_answer").status_code == 200


def test_a_stolen_session_gives_nothing_in_a_browser_of_another_make():
    account_of()
    owner = Recoverer(headers={"user-agent": "Mozilla/5.0 (Linux; Android 14) Chrome/120.0"})
    owner.matched()
    thief = Recoverer(headers={"user-agent": "curl/8.5"})
    thief.cookies["sessionid"] = owner.cookies["sessionid"].value
    assert leads_to(thief.new_password(), "recovery")
    assert sign_in(OLD)


def test_a_code_of_another_purpose_is_none():
    account_of()
    browser = Recoverer()
    browser.step("recovery", national_id=REZA.national_id)
    issuing.issue(purpose=CodePurpose.SIGN_IN, mobile=User.objects.get().mobile, asker=str(row_of().token))
    challenges.send_due()
    assert browser.step("recovery_code", code=code_on(REZA.mobile)).status_code == 200
    let_pass(limits.CODE_GAP)
    sending.send_due()  # its own comes when the gap is over
    assert leads_to(browser.step("recovery_code", code=code_on(REZA.mobile)), "recovery_answer")


@pytest.mark.parametrize(("hours", "told"), [(71, []), (73, ["someone@example.com"])])
def test_an_address_that_was_confirmed_just_before_may_be_a_thiefs_and_hears_nothing(hours, told):
    account = account_of()
    since = timezone.now() - timedelta(hours=hours)
    User.objects.filter(pk=account.pk).update(email="someone@example.com", email_confirmed_at=since)
    Recoverer().matched().new_password()
    assert [letter.to for letter in Letter.objects.all()] == told
    assert bool(User.objects.get().email_confirmed_at) is bool(told)


def test_a_recovery_has_its_whole_time_however_old_the_session_of_the_browser_is():
    account_of()
    browser = Recoverer()
    browser.get("/portal/registration/status")
    browser.begin()
    began = Session.objects.get().began_at - timedelta(hours=11)
    session = browser.session
    session["began"] = began.timestamp()
    session.save()
    browser.step("recovery_code", code=code_on(REZA.mobile))
    newest = Session.objects.order_by("-began_at").first()
    assert newest.expire_date > timezone.now() + timedelta(hours=11)


def test_a_new_password_ends_all_sessions_and_trusted_devices():
    account = account_of()
    signed_in = Recoverer()
    signed_in.post("/portal/", {"national_id": REZA.national_id, "password": OLD})
    TrustedDevice.objects.create(account=account, secret_hash="x")
    Recoverer().matched().new_password()
    assert not Session.objects.filter(account=account).exists()
    assert not TrustedDevice.objects.exists()
    assert signed_in.get("/portal/home").status_code == 302


def test_whoever_is_signed_in_can_recover_as_well_and_is_signed_out_by_it():
    account_of()
    browser = Recoverer()
    browser.post("/portal/", {"national_id": REZA.national_id, "password": OLD})
    assert leads_to(browser.matched().new_password(), "sign_in")
    assert browser.get("/portal/home").status_code == 302
    assert leads_to(browser.new_password(), "sign_in")  # and the page sent twice ends well there too


def test_the_last_page_sent_twice_ends_well():
    account_of()
    browser = Recoverer().matched()
    assert leads_to(browser.new_password(), "sign_in")
    changed_at = User.objects.get().password_changed_at
    assert leads_to(browser.new_password(), "sign_in")
    assert User.objects.get().password_changed_at == changed_at
    assert leads_to(browser.look("recovery_password"), "sign_in")
    assert leads_to(browser.new_password("Samovar1404"), "sign_in")  # said plainly: it is set already
    assert sign_in(NEW)


def test_of_two_devices_the_first_wins_and_the_other_is_told():
    account_of()
    first, second = Recoverer(), Recoverer()
    first.matched()
    let_pass(timedelta(seconds=61))
    second.matched()
    assert leads_to(first.new_password(), "sign_in")
    response = second.new_password("Samovar1404")
    assert leads_to(response, "recovery")
    assert sentence("overtaken") in page_text(second.look("recovery"))
    assert sign_in(NEW)
    assert not sign_in("Samovar1404")
    assert row_of().stage == ChallengeStage.ENDED


def test_two_devices_in_the_same_moment_set_one_password():
    account_of()
    browsers = [Recoverer(), Recoverer()]
    for browser in browsers:
        browser.matched()
        let_pass(timedelta(seconds=61))
    words = ["Chatr4mesvak!", "Fanoos5tokhm!"]
    answers = together(lambda number: browsers[number].new_password(words[number]), 2)
    assert sorted(answer["Location"] for answer in answers) == [reverse("sign_in"), reverse("recovery")]
    won = words[[answer["Location"] for answer in answers].index(reverse("sign_in"))]
    assert check_password(won, User.objects.get().password)
    assert User.objects.get().events.filter(kind=EventKind.RECOVERED).count() == 1


def test_a_double_click_on_the_last_button_sets_it_once_and_ends_well():
    account_of()
    browser = Recoverer().matched()
    twin = Recoverer()
    twin.cookies = browser.cookies
    answers = together(lambda number: (browser, twin)[number].new_password(), 2)
    assert all(leads_to(answer, "sign_in") for answer in answers), answers
    assert User.objects.get().events.filter(kind=EventKind.RECOVERED).count() == 1
