"""Accounts closed and opened in the admin: with a reason, by superusers only; and staff who leave."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from django.utils.translation import gettext

from accounts.admin.account_actions import ACTIONS
from accounts.closing import service as closing
from accounts.life import notices
from accounts.models import (
    AccountEvent,
    Challenge,
    ChallengeStage,
    Closure,
    CodePurpose,
    EventKind,
    MobileChange,
    MobileChangeStage,
    Session,
    TrustedDevice,
    User,
)
from mail.models import Letter
from tests.support.accounts import PASSWORD, REZA, citizen, clerk, together
from tests.support.journeys import texts_on
from tests.support.pages import assert_fits_the_policy

pytestmark = pytest.mark.django_db
WHY = "با مدارک به شعبه آمد"
PAGES = ("close", "open", "end-sessions", "history")


def url(account: User, page: str) -> str:
    return f"/admin/accounts/user/{account.pk}/{page}/"


def signed_in(account: User, page: str = "/portal/home") -> Client:
    browser = Client()
    kind = "StaffBackend" if account.is_staff else "CitizenBackend"
    browser.force_login(account, backend=f"accounts.backends.{kind}")
    assert browser.get(page).status_code == 200
    return browser


def freeze(account: User) -> None:
    User.objects.filter(pk=account.pk).update(is_active=False, closure=Closure.FROZEN, closed_at=timezone.now())


def test_an_administrator_closes_an_account_with_a_reason(boss, transactional_db) -> None:
    person = citizen()
    browser = signed_in(person)
    TrustedDevice.objects.create(account=person, secret_hash="a" * 64)
    change = MobileChange.objects.create(account=person, mobile="+989350000001")
    recovery = Challenge.objects.create(account=person, purpose=CodePurpose.RECOVERY, national_id=REZA)

    answer = boss.post(url(person, "close"), {"reason": WHY})

    assert (answer.status_code, answer["Location"]) == (302, url(person, "change"))
    person.refresh_from_db()
    assert person.closure == Closure.DEACTIVATED
    assert browser.get("/portal/home").status_code == 302
    assert not TrustedDevice.objects.exists()
    change.refresh_from_db()
    recovery.refresh_from_db()
    assert (change.stage, recovery.stage) == (MobileChangeStage.ENDED, ChallengeStage.ENDED)
    event = person.events.get()
    assert (event.kind, event.actor, event.reason) == ("deactivated", "operator boss", WHY)
    assert len(texts_on("09121234567")) == 1


def test_an_administrator_opens_a_frozen_account_for_a_branch(boss, transactional_db) -> None:
    person = citizen()
    freeze(person)

    boss.post(url(person, "open"), {"reason": WHY, "mobile": "۰۹۳۵۰۰۰۰۰۰۱", "without_answer": "on"})

    person.refresh_from_db()
    assert person.is_active
    assert person.mobile == "+989350000001"
    assert not person.has_usable_password()
    assert person.recovery_without_answer_until
    assert person.events.get().details == {
        "password_reset": True, "mobile": "0935•••0001", "without_answer": True,
    }  # fmt: skip
    assert len(texts_on("09350000001")) == len(texts_on("09121234567")) == 1


def test_after_a_freeze_the_address_has_to_be_confirmed_again_and_hears_nothing_until_then(boss) -> None:
    """Who was in the account may have put their own address into it."""
    person = citizen()
    User.objects.update(email_confirmed_at=timezone.now())
    freeze(person)
    Letter.objects.all().delete()
    boss.post(url(person, "open"), {"reason": WHY})
    assert User.objects.get(pk=person.pk).email_confirmed_at is None
    assert not Letter.objects.exists()


def test_an_administrator_signs_an_account_out_everywhere(boss) -> None:
    person = citizen()
    browser = signed_in(person)
    boss.post(url(person, "end-sessions"), {"reason": WHY})
    assert browser.get("/portal/home").status_code == 302
    assert User.objects.get(pk=person.pk).is_active


@pytest.mark.parametrize("page", PAGES[:3])
def test_the_page_itself_changes_nothing_and_wants_a_reason(boss, page) -> None:
    person = citizen()
    freeze(person) if page == "open" else None
    before = User.objects.values().get(pk=person.pk)
    for answer in (
        boss.get(url(person, page)),
        boss.post(url(person, page), {"reason": ""}),
        boss.post(url(person, page), {"reason": "x" * 501}),
        boss.post(url(person, page), {"reason": "a\x00b"}),
        boss.post(url(person, page), {"reason": " \n "}),
    ):
        assert answer.status_code == 200
        assert_fits_the_policy(answer.content.decode())
    assert User.objects.values().get(pk=person.pk) == before
    assert not person.events.exists()


@pytest.mark.parametrize("number", ["02188776655", "0912", "<script>", "x" * 10_000])
def test_what_is_no_mobile_opens_nothing(boss, number) -> None:
    person = citizen()
    freeze(person)
    answer = boss.post(url(person, "open"), {"reason": WHY, "mobile": number})
    assert answer.context["form"].errors["mobile"]
    assert "<script>" not in answer.content.decode()
    assert not User.objects.get(pk=person.pk).is_active


@pytest.mark.parametrize("page", ["close", "open"])
def test_a_double_click_changes_nothing_more_and_says_so(boss, page) -> None:
    person = citizen()
    freeze(person) if page == "open" else None
    boss.post(url(person, page), {"reason": WHY})
    again = boss.post(url(person, page), {"reason": "again"}, follow=True)
    assert person.events.count() == 1
    assert [str(message) for message in again.context["messages"]][-1] == str(ACTIONS[page].nothing)


def test_the_history_names_everybody_and_notes_who_looked(boss) -> None:
    person = citizen()
    notices.record(account=person, kind=EventKind.SIGNED_IN, browser="Firefox, <b>Android")
    closing.deactivate(account=person, by="mina", reason="<script>x</script>")

    page = boss.get(url(person, "history")).content.decode()

    assert "mina" in page
    assert "Firefox, &lt;b&gt;Android" in page
    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert gettext("The account was made and activated") in page
    assert_fits_the_policy(page)
    assert person.events.filter(kind=EventKind.LOOKED_AT, actor="operator boss").count() == 1


def test_the_account_leads_to_what_can_be_done_about_it(boss) -> None:
    person, waiting = citizen(), citizen(active=False, national_id="0070001014", mobile="+989120000101")
    pages = {
        "open": boss.get(url(person, "change")).content.decode(),
        "waiting": boss.get(url(waiting, "change")).content.decode(),
    }
    freeze(person)
    pages["closed"] = boss.get(url(person, "change")).content.decode()
    offered = {state: {name for name in PAGES[:3] if f"/{name}/" in page} for state, page in pages.items()}
    assert offered == {"open": {"close", "end-sessions"}, "closed": {"open"}, "waiting": set()}
    assert 'name="is_active"' not in pages["open"]
    assert 'name="_save"' not in pages["open"]


def test_an_account_that_waits_for_a_branch_is_neither_closed_nor_opened_here(boss) -> None:
    waiting = citizen(active=False)
    for page in PAGES[:3]:
        assert boss.post(url(waiting, page), {"reason": WHY})["Location"] == "/admin/accounts/user/"
    waiting.refresh_from_db()
    assert not waiting.is_active
    assert not AccountEvent.objects.exists()


@pytest.mark.parametrize("pk", ["0", "999999999999", "9" * 30, "x", "۰", "-1"])
@pytest.mark.parametrize("page", PAGES)
def test_an_account_that_is_not_there_is_no_fault(boss, pk, page) -> None:
    assert boss.post(f"/admin/accounts/user/{pk}/{page}/", {"reason": WHY}).status_code in (302, 404)


def test_staff_have_none_of_these_pages(boss) -> None:
    user = clerk()
    for page in PAGES[:3]:
        assert boss.post(url(user, page), {"reason": WHY}).status_code == 302
    assert User.objects.get(pk=user.pk).is_active
    assert boss.get(url(user, "history")).status_code == 200
    assert not AccountEvent.objects.exists()


@pytest.mark.parametrize("page", PAGES)
def test_a_clerk_and_a_citizen_come_to_none_of_these_pages(page) -> None:
    person, staff = citizen(), clerk()
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="accounts"))
    for who in (staff, person):
        browser = Client()
        browser.force_login(who)
        for answer in (browser.get(url(person, page)), browser.post(url(person, page), {"reason": WHY})):
            assert answer.status_code == (403 if who == staff else 302)
            assert "login" in answer.get("Location", "login")
    assert User.objects.get(pk=person.pk).is_active
    assert not AccountEvent.objects.exists()


def test_a_clerk_who_left_and_came_back_does_not_find_the_old_session_open(boss) -> None:
    user = clerk()
    old = signed_in(user, "/admin/")
    change: dict[str, Any] = {"branch": user.branch_id}
    boss.post(url(user, "change"), change)
    assert not User.objects.get(pk=user.pk).is_active
    assert not Session.objects.filter(account=user).exists()
    boss.post(url(user, "change"), change | {"is_active": "on"})
    assert User.objects.get(pk=user.pk).is_active
    assert old.get("/admin/").status_code == 302


def test_a_save_of_staff_does_not_end_their_sessions(boss) -> None:
    user = clerk()
    browser = signed_in(user, "/admin/")
    boss.post(url(user, "change"), {"branch": user.branch_id, "is_active": "on"})
    assert browser.get("/admin/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_closed_and_opened_by_several_at_once() -> None:
    person = citizen()
    closed = together(lambda number: closing.deactivate(account=person, by=f"op{number}", reason="x"), 4)
    assert sorted(closed) == [False, False, False, True]
    opened = together(lambda number: closing.reactivate(account=person, by=f"op{number}", reason="x"), 4)
    assert sorted(opened) == [False, False, False, True]
    assert person.events.count() == 2
    person.refresh_from_db()
    assert person.is_active
    assert person.check_password(PASSWORD)


def test_a_recovery_without_the_answer_is_not_allowed_by_an_earlier_opening() -> None:
    account = citizen()
    closing.deactivate(account=account, by="zahra", reason=WHY)
    closing.reactivate(account=account, by="zahra", reason=WHY, without_answer=True)
    account.refresh_from_db()
    assert account.recovery_without_answer_until
    closing.deactivate(account=account, by="zahra", reason=WHY)
    closing.reactivate(account=account, by="zahra", reason=WHY)
    account.refresh_from_db()
    assert account.recovery_without_answer_until is None
