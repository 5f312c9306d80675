"""The profile: what it shows, whose it is, and what holds for every form of it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import EmailChange, Session, SignInFailures, User
from accounts.profile.texts import sentence
from accounts.sessions import texts as session_texts
from accounts.sign_in import texts as sign_in_texts
from accounts.urls import urlpatterns
from common import limits
from common.persian import format_jalali, to_persian_digits
from tests.support.accounts import PASSWORD, REZA, citizen, clerk, spy_on_hashing, together
from tests.support.profile import (
    CODE,
    MAIL,
    MOBILE,
    MOBILE_CODE,
    OLD_NUMBER,
    PASS,
    PROFILE,
    PROGRESS,
    QUESTION,
    RESEND,
    SIGN_IN,
    WAIT,
    WHAT_EACH_ASKS,
    WRONG,
    errors,
    hand_in,
    is_in,
    kinds,
    owner,
    sign_in,
    told,
)

pytestmark = pytest.mark.django_db
FORMS = tuple(WHAT_EACH_ASKS)
PAGES = (PROFILE, *FORMS)


def test_the_profile_shows_in_plain_words_what_we_hold() -> None:
    user, browser = owner(security_answer_hash="of-the-answer")
    answer = browser.get(PROFILE)
    page = answer.content.decode()
    shown = ("رضا", "کریمی", to_persian_digits(REZA), "۱۳۷۰/۰۵/۱۷", "تهران", "۰۹۱۲۱۲۳۴۵۶۷", "reza@example.com")
    for fact in (*shown, "رنگ مورد علاقه شما چیست؟", format_jalali(timezone.localdate())):
        assert fact in page, fact
    for secret in (user.password, "of-the-answer", REZA):
        assert secret not in page
    for way in (PASS, QUESTION, CODE, MOBILE, f"{PROFILE}/devices", f"{PROFILE}/history"):
        assert f'href="{way}"' in page, way
    assert "no-store" in answer["Cache-Control"]


def test_a_confirmed_address_and_one_that_is_not_look_different(mailbox) -> None:
    user, browser = owner()
    page = browser.get(PROFILE)
    assert page.context["user"].email_confirmed_at is None
    unconfirmed = page.content.decode()
    User.objects.filter(pk=user.pk).update(email_confirmed_at=timezone.now())
    confirmed = browser.get(PROFILE).content.decode()
    assert unconfirmed != confirmed
    assert f'href="{MAIL}"' in unconfirmed
    assert f'href="{MAIL}"' in confirmed


def test_what_is_under_way_is_shown(mailbox) -> None:
    _, browser = owner()
    hand_in(browser, MAIL)
    hand_in(browser, MOBILE)
    page = browser.get(PROFILE).content.decode()
    assert "new@example.com" in page
    assert "۰۹۳۵•••۴۵۶۷" in page


def test_without_mail_the_profile_offers_nothing_that_needs_it(settings) -> None:
    settings.MAIL_URL = ""
    _, browser = owner()
    assert f'href="{MAIL}"' not in browser.get(PROFILE).content.decode()


def test_the_profile_asks_the_database_little(django_assert_max_num_queries, settings) -> None:
    settings.SESSION_USES_WRITTEN_WITHIN = 5  # as in service
    _, browser = owner()
    with django_assert_max_num_queries(4):  # session, account, and the two changes that may be under way
        browser.get(PROFILE)


@pytest.mark.parametrize("page", [*PAGES, MOBILE_CODE, WAIT, PROGRESS])
def test_nobody_but_a_citizen_sees_it(page) -> None:
    stranger, staff = Client(), Client()
    staff.force_login(clerk())
    for browser in (stranger, staff):
        answer = browser.get(page)
        assert answer.status_code == 302
        assert answer["Location"].startswith(f"{SIGN_IN}?next={PROFILE}")
        assert told(answer) == []


def test_every_address_of_the_profile_is_for_who_is_signed_in() -> None:
    addresses = [f"/portal/{page.pattern}" for page in urlpatterns if str(page.pattern).startswith("profile")]
    assert len(addresses) > 10
    for address in addresses:
        for answer in (Client().get(address), Client().post(address)):
            assert answer.status_code == 405 or answer.get("Location", "").startswith(SIGN_IN), address


@pytest.mark.parametrize("page", FORMS)
def test_a_form_that_is_sent_after_the_session_ended_says_so_and_leads_back(page, mailbox) -> None:
    user, browser = owner()
    before = User.objects.values().get(pk=user.pk)
    Session.objects.update(seen_at=timezone.now() - dt.timedelta(minutes=16))
    answer = hand_in(browser, page)
    assert answer["Location"] == f"{SIGN_IN}?next={page}"
    assert sentence("session_ended") in told(answer)
    assert User.objects.values().get(pk=user.pk) == before
    assert kinds(user) == []
    staff = Client()
    staff.force_login(clerk())
    assert hand_in(staff, page)["Location"] == f"{SIGN_IN}?next={page}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_that_is_looked_at_after_the_session_ended_says_so_and_keeps_the_page(page, mailbox) -> None:
    _, browser = owner()
    Session.objects.all().delete()
    answer = browser.get(page)
    assert answer["Location"] == f"{SIGN_IN}?next={page}"
    assert told(answer) == [session_texts.sentence("session_over")]
    assert told(Client().get(page)) == []


def test_sending_the_code_again_without_a_session_leads_to_a_page_that_can_be_looked_at() -> None:
    answer = Client().post(RESEND)
    assert answer["Location"] == f"{SIGN_IN}?next={MOBILE_CODE}"


@pytest.mark.parametrize("page", FORMS)
def test_a_wrong_password_changes_nothing_and_is_answered_by_growing_pauses(page, mailbox) -> None:
    user, browser = owner()
    before = User.objects.values().get(pk=user.pk)
    answers = [hand_in(browser, page, WRONG) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert errors(answers[0]) == {"current_password": ["password_wrong"]}
    assert answers[-1]["Retry-After"] == "5"
    assert sign_in_texts.sentence("sign_in_pause", seconds=5) in answers[-1].content.decode()
    assert hand_in(browser, page).status_code == 429  # the right one too
    assert User.objects.values().get(pk=user.pk) == before
    assert (kinds(user), mailbox) == ([], [])
    for answer in answers:
        assert WRONG not in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]


def test_the_pauses_of_one_form_are_those_of_all_and_another_session_has_its_own() -> None:
    _, thief = owner()
    for page in (PASS, QUESTION, CODE, MOBILE):
        hand_in(thief, page, WRONG)
    assert hand_in(thief, PASS).status_code == 429
    assert hand_in(sign_in(), CODE).status_code == 302


def test_strangers_at_the_sign_in_never_hold_up_an_owner_who_is_in() -> None:
    _, browser = owner()
    for _ in range(6):
        Client().post(SIGN_IN, {"national_id": REZA, "password": WRONG})
    assert hand_in(browser, CODE).status_code == 302


def test_a_right_password_forgets_the_wrong_ones() -> None:
    _, browser = owner()
    for _ in range(3):
        hand_in(browser, CODE, WRONG)
    assert hand_in(browser, CODE).status_code == 302
    assert not SignInFailures.objects.exists()


def test_a_password_too_long_to_be_anybodys_is_refused_without_hashing(monkeypatch) -> None:
    _, browser = owner()
    hashing = spy_on_hashing(monkeypatch)
    assert errors(hand_in(browser, CODE, "A" * 10_000)) == {"current_password": ["password_wrong"]}
    assert hashing == []


@pytest.mark.django_db(transaction=True)
def test_of_twenty_guesses_at_once_in_an_open_session_four_are_looked_at(monkeypatch) -> None:
    _, browser = owner()
    hashing = spy_on_hashing(monkeypatch)

    def guess(number: int) -> int:
        thief = Client()
        thief.cookies.update(browser.cookies)
        return hand_in(thief, CODE, WRONG).status_code

    assert sorted(together(guess, 20)) == [200] * 4 + [429] * 16
    assert len(hashing) == 4


@pytest.mark.parametrize("page", FORMS)
@pytest.mark.parametrize("nonsense", ["", "x" * 10_000, "a\x00b", "<script>alert(1)</script>", "\ud7ff\U0010ffff"])
def test_whatever_is_typed_ends_in_a_sentence(page, nonsense, mailbox) -> None:
    user, browser = owner()
    before = User.objects.values().get(pk=user.pk)
    answer = hand_in(browser, page, nonsense, **dict.fromkeys(WHAT_EACH_ASKS[page], nonsense))
    assert answer.status_code == 200
    assert errors(answer)
    assert "<script>alert" not in answer.content.decode()
    assert User.objects.values().get(pk=user.pk) == before


@pytest.mark.parametrize("page", FORMS)
def test_bytes_that_are_no_text_and_missing_fields_end_in_a_sentence(page, mailbox) -> None:
    _, browser = owner()
    raw = browser.post(page, "current_password=%ff%fe&email=%ff", content_type="application/x-www-form-urlencoded")
    assert errors(raw)
    assert errors(browser.post(page))


@pytest.mark.parametrize("page", FORMS)
def test_a_form_has_one_main_button_a_way_back_and_a_place_for_password_managers(page, mailbox) -> None:
    _, browser = owner()
    shown = browser.get(page).content.decode()
    main = shown.partition("<main")[2].partition("</main>")[0]
    assert main.count("btn-main") == 1
    assert f'href="{PROFILE}"' in main
    assert 'autocomplete="current-password"' in shown
    assert f'value="{REZA}" autocomplete="username" readonly' in shown
    for bound in (bound for bound in browser.get(page).context["form"] if not bound.is_hidden):
        assert f'for="{bound.auto_id}">{bound.label}<' in shown


@pytest.mark.parametrize("page", FORMS)
def test_without_the_forms_token_nothing_changes(page, mailbox) -> None:
    user, browser = owner()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies.update(browser.cookies)
    assert hand_in(strict, page).status_code == 403
    assert kinds(user) == []


@pytest.mark.parametrize("page", [PASS, QUESTION, CODE])
def test_every_change_gives_the_session_a_fresh_key_and_says_what_was_done(page) -> None:
    _, browser = owner()
    before = browser.cookies["sessionid"].value
    began = Session.objects.get().began_at
    answer = hand_in(browser, page)
    assert answer["Location"] == PROFILE
    assert told(answer)
    assert browser.cookies["sessionid"].value != before
    assert not Session.objects.filter(session_key=before).exists()
    assert Session.objects.get().began_at == began  # a new key does not begin a new life
    assert is_in(browser)


@pytest.mark.parametrize("page", FORMS)
def test_a_frozen_account_changes_nothing(page, mailbox) -> None:
    user, browser = owner()
    User.objects.filter(pk=user.pk).update(is_active=False, closure="frozen", closed_at=timezone.now())
    assert hand_in(browser, page)["Location"] == f"{SIGN_IN}?next={page}"
    assert (kinds(user), mailbox) == ([], [])
    assert not EmailChange.objects.exists()


def test_two_people_of_a_household_change_their_own() -> None:
    reza, browser = owner()
    sara = citizen(national_id="0123456789", first_name="سارا", password=PASSWORD)
    sign_in(sara.national_id, browser=browser)
    assert hand_in(browser, CODE)["Location"] == PROFILE
    assert (kinds(reza), kinds(sara)) == ([], ["code_on"])
    assert User.objects.get(pk=reza.pk).mobile == OLD_NUMBER


def test_a_thief_with_the_session_gets_no_tries_by_giving_it_another_key() -> None:
    _, browser = owner()
    for _try in range(limits.SIGN_IN_FREE_FAILURES + 1):
        hand_in(browser, CODE, WRONG)
        assert browser.post(f"{PROFILE}/devices/end-others")["Location"] == f"{PROFILE}/devices"
    assert hand_in(browser, CODE, WRONG).status_code == 429
