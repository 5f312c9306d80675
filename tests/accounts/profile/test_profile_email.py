"""An e-mail address: the link goes to it, and only a POST of whoever reads that mail confirms it."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django.utils.translation import gettext

from accounts.closing import service as closing
from accounts.models import AccountEvent, EmailChange, Session, User
from accounts.profile import email_change
from accounts.profile.texts import sentence
from common import limits
from common.form_fields import EmailAddressField
from mail.models import Letter
from tests.support.accounts import PASSWORD, citizen, together
from tests.support.journeys import texts_on
from tests.support.profile import (
    MAIL,
    OLD_NUMBER,
    PASS,
    PROFILE,
    WRONG,
    errors,
    freeze,
    hand_in,
    is_in,
    kinds,
    later,
    owner,
    sign_in,
    told,
)

pytestmark = pytest.mark.django_db(transaction=True)
OLD, NEW = "reza@example.com", "new@example.com"


def email_of(user: User) -> tuple[str, bool]:
    user.refresh_from_db()
    return user.email, bool(user.email_confirmed_at)


def let_pass(**span: float) -> None:
    """As if the links had been asked for so long ago."""
    for change in EmailChange.objects.all():
        EmailChange.objects.filter(pk=change.pk).update(created_at=change.created_at - timedelta(**span))


def test_the_address_changes_when_its_link_is_confirmed_in_any_browser(mailbox) -> None:
    user, browser = owner()
    answer = hand_in(browser, MAIL)
    assert answer["Location"] == PROFILE
    assert told(answer) == [sentence("email_asked", email=NEW)]
    [letter] = mailbox
    assert letter.to == NEW
    assert letter.link.startswith(f"http://{settings.PUBLIC_HOST}/portal/email/")
    assert len(letter.link.rpartition("/")[2]) >= 22  # 128 bits
    assert timedelta(0) <= timezone.now() + limits.EMAIL_LINK_LIFE - letter.expires_at < timedelta(minutes=1)
    assert email_of(user) == (OLD, False)
    phone = Client()  # another browser, not signed in
    page = phone.get(letter.path)
    assert NEW in page.content.decode()
    assert "رضا" not in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert phone.post(letter.path)["Location"] == letter.path
    assert email_of(user) == (NEW, True)
    assert kinds(user) == ["email_asked", "email_changed"]
    assert "/portal/not-me/" in texts_on(OLD_NUMBER)[0]
    assert not is_in(phone)  # the link signs nobody in


def test_looking_changes_nothing_however_often(mailbox) -> None:
    user, browser = owner()
    hand_in(browser, MAIL)
    for _ in range(3):  # a scanner of mails
        assert Client().get(mailbox[0].path).status_code == 200
        assert Client().head(mailbox[0].path).status_code == 200
    assert email_of(user) == (OLD, False)
    assert not EmailChange.objects.filter(done_at__isnull=False).exists()


def test_used_twice_the_link_says_that_it_is_done_and_changes_nothing(mailbox) -> None:
    user, browser = owner()
    hand_in(browser, MAIL)
    path = mailbox[0].path
    Client().post(path)
    at = User.objects.get(pk=user.pk).email_confirmed_at
    again = Client().post(path, follow=True)
    assert again.status_code == 200
    assert "<form" not in again.content.decode().partition("<main")[2]
    assert User.objects.get(pk=user.pk).email_confirmed_at == at
    assert kinds(user) == ["email_asked", "email_changed"]


def test_confirmed_where_its_owner_is_signed_in_the_session_gets_a_fresh_key(mailbox) -> None:
    _, browser = owner()
    hand_in(browser, MAIL)
    before = browser.cookies["sessionid"].value
    browser.post(mailbox[0].path)
    assert browser.cookies["sessionid"].value != before
    assert is_in(browser)
    assert Session.objects.count() == 1


def test_confirmed_where_somebody_else_is_signed_in_it_is_still_the_owners(mailbox) -> None:
    user, browser = owner()
    other = citizen(national_id="0123456789", email="sara@example.com")
    hand_in(browser, MAIL)
    sign_in(other.national_id).post(mailbox[0].path)
    assert email_of(user) == (NEW, True)
    assert email_of(other) == ("sara@example.com", False)


def test_the_present_address_is_confirmed_the_same_way(mailbox) -> None:
    user, browser = owner()
    assert browser.get(MAIL).context["form"]["email"].value() == OLD
    hand_in(browser, MAIL, email=OLD)
    Client().post(mailbox[0].path)
    assert email_of(user) == (OLD, True)


def test_only_the_newest_link_works(mailbox) -> None:
    user, browser = owner()
    hand_in(browser, MAIL, email="typo@example.com")
    hand_in(browser, MAIL)
    first, second = (letter.path for letter in mailbox)
    assert Client().post(first).status_code == 404
    assert email_of(user) == (OLD, False)
    Client().post(second)
    assert email_of(user) == (NEW, True)


def test_pressed_twice_one_letter_goes_out_and_after_a_minute_another(mailbox) -> None:
    _, browser = owner()
    for _ in range(2):
        assert hand_in(browser, MAIL)["Location"] == PROFILE
    assert len(mailbox) == 1
    let_pass(seconds=61)
    hand_in(browser, MAIL)
    assert len(mailbox) == 2
    assert Client().get(mailbox[0].path).status_code == 404


def test_nobody_is_flooded_with_letters(mailbox) -> None:
    _, browser = owner()
    for number in range(limits.EMAIL_LINKS_PER_DAY):
        assert hand_in(browser, MAIL, email=f"victim{number}@example.com").status_code == 302
    assert errors(hand_in(browser, MAIL)) == {"email": ["email_limit"]}
    assert len(mailbox) == limits.EMAIL_LINKS_PER_DAY
    let_pass(days=1)
    assert hand_in(browser, MAIL).status_code == 302


@pytest.mark.parametrize("token", ["", "x", "a" * 5000, "%00", "..%2F", "%3Cscript%3E", "۱۲۳"])
def test_a_link_that_was_never_sent_has_the_page_of_those_that_are_over(token, mailbox) -> None:
    for answer in (Client().get(f"/portal/email/{token}"), Client().post(f"/portal/email/{token}")):
        assert answer.status_code == 404
        assert "<script>" not in answer.content.decode()


def test_unknown_old_and_ended_links_look_the_same(mailbox) -> None:
    _, browser = owner()
    pages = [Client().get("/portal/email/unknown")]
    hand_in(browser, MAIL)
    let_pass(hours=24)
    pages.append(Client().get(mailbox[0].path))
    hand_in(browser, MAIL)
    hand_in(browser, MAIL, email="other@example.com")
    pages.append(Client().get(mailbox[1].path))
    assert len({page.content for page in pages}) == 1


@pytest.mark.parametrize(("hours", "works"), [(-1, True), (1, True), (23, True), (25, False)])
def test_a_clock_that_is_moved_by_an_hour_loses_no_link(hours, works, mailbox, monkeypatch) -> None:
    user, browser = owner()
    hand_in(browser, MAIL)
    with later(monkeypatch, hours=hours):
        assert Client().post(mailbox[0].path).status_code == (302 if works else 404)
    assert email_of(user)[1] is works


def test_after_a_freeze_the_link_is_dead(mailbox) -> None:
    user, browser = owner()
    hand_in(browser, MAIL)
    freeze(browser)
    for _ in range(2):
        assert Client().get(mailbox[0].path).status_code == 404
        assert Client().post(mailbox[0].path).status_code == 404
        assert email_of(user) == (OLD, False)
        closing.reactivate(account=user, by="maryam", reason="papers seen")


def test_after_a_change_of_password_the_link_is_dead(mailbox) -> None:
    user, browser = owner()
    hand_in(browser, MAIL)
    hand_in(browser, PASS)
    assert Client().post(mailbox[0].path).status_code == 404
    assert email_of(user) == (OLD, False)


@pytest.mark.parametrize("typed", ["no-address", "a@b", "a@example.com\nBcc: b@example.com", "a@" + "b" * 300 + ".com"])
def test_what_is_no_address_is_refused_and_stays_in_the_form(typed, mailbox) -> None:
    _, browser = owner()
    page = hand_in(browser, MAIL, email=typed)
    assert list(errors(page)) == ["email"]
    assert mailbox == []


@pytest.mark.parametrize(
    ("typed", "code"),
    [("new@example.com،", "around"), ("new@example.com.", "around"), ("<new@example.com>", "around"),
     ("mailto:new@example.com", "around"), ("ı@example.com", "letters"), ("new@gmaıl.com", "look_alike")],
)  # fmt: skip
def test_what_would_be_sent_to_a_stranger_or_to_nobody_is_refused_with_a_sentence(typed, code, mailbox) -> None:
    _, browser = owner()
    page = hand_in(browser, MAIL, email=typed)
    assert errors(page) == {"email": [code]}
    assert str(EmailAddressField.sentences[code]) in unescape(page.content.decode())
    assert mailbox == []


def test_a_sign_that_nobody_sees_is_not_part_of_the_address(mailbox) -> None:
    user, browser = owner()
    hand_in(browser, MAIL, email=f"\u200e{NEW}\u200f")
    [letter] = mailbox
    assert letter.to == NEW
    Client().post(letter.path)
    assert email_of(user) == (NEW, True)


def test_the_address_survives_a_wrong_password(mailbox) -> None:
    _, browser = owner()
    page = hand_in(browser, MAIL, WRONG).content.decode()
    assert NEW in page
    assert (WRONG in page, PASSWORD in page) == (False, False)


def test_where_no_mail_can_be_sent_the_page_says_so_and_asks_nothing(settings) -> None:
    settings.MAIL_URL = ""
    user, browser = owner()
    for answer in (browser.get(MAIL), hand_in(browser, MAIL)):
        assert answer.status_code == 200
        assert "current_password" not in answer.content.decode()
    assert kinds(user) == []


def test_an_address_that_mail_refuses_is_an_error_of_the_field_and_nothing_was_begun(mailbox, monkeypatch) -> None:
    monkeypatch.setattr(limits, "MAIL_LONGEST_ADDRESS", 10)
    user, browser = owner()
    assert errors(hand_in(browser, MAIL)) == {"email": ["bad_address"]}
    assert (kinds(user), mailbox) == ([], [])
    assert not EmailChange.objects.exists()


def test_the_old_confirmed_address_is_told_by_mail_and_one_that_was_not_confirmed_is_not(mailbox) -> None:
    _, browser = owner()
    hand_in(browser, MAIL)
    Client().post(mailbox[0].path)
    hand_in(browser, MAIL, email="third@example.com")
    Client().post(mailbox[1].path)
    told_of = [letter.to for letter in Letter.objects.exclude(dedupe_key__startswith="confirm:").order_by("pk")]
    assert told_of == [NEW, NEW, "third@example.com"]


def test_the_letter_says_the_same_as_text_and_as_html_and_what_to_do_if_it_was_not_you(mailbox) -> None:
    _, browser = owner()
    hand_in(browser, MAIL)
    letter = Letter.objects.get()
    for body in (letter.text, letter.html):
        assert mailbox[0].link in body
        assert str(gettext("Confirm this address")) in body
        assert "رضا" not in body  # it may be a stranger's mailbox
    assert letter.subject == gettext("Confirm your e-mail address")


def test_neither_the_link_nor_the_address_is_in_the_history_or_the_row(mailbox) -> None:
    _, browser = owner()
    hand_in(browser, MAIL)
    token = mailbox[0].link.rpartition("/")[2]
    Client().post(mailbox[0].path)
    assert token not in str(list(EmailChange.objects.values_list()))
    assert NEW not in str(list(AccountEvent.objects.values_list()))


def test_the_link_outlives_a_new_key_of_the_hashes(mailbox, settings) -> None:
    user, browser = owner()
    hand_in(browser, MAIL)
    settings.CODE_HASH_KEY_FALLBACKS = [settings.CODE_HASH_KEY]
    settings.CODE_HASH_KEY = "another-key-" + "z" * 50
    Client().post(mailbox[0].path)
    assert email_of(user) == (NEW, True)


def test_confirmed_in_two_browsers_at_once_it_happens_once(mailbox) -> None:
    user, browser = owner()
    hand_in(browser, MAIL)
    answers = together(lambda _: Client().post(mailbox[0].path).status_code, 4)
    assert answers == [302] * 4
    assert kinds(user) == ["email_asked", "email_changed"]


def test_two_browsers_that_ask_at_once_leave_one_link_that_works(mailbox) -> None:
    user, browser = owner()
    browsers = [browser, sign_in()]
    together(lambda number: hand_in(browsers[number], MAIL, email=f"{number}@example.com"), 2)
    assert sorted(Client().get(letter.path).status_code for letter in mailbox) == [200, 404]
    assert email_change.pending(account=user) is not None
