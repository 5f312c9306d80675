"""«Not me»: the link in an SMS freezes the account by a confirmed POST, and never gives anything back."""

from __future__ import annotations

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from accounts.closing import service as closing
from accounts.life import notice_texts, notices
from accounts.models import (
    AccountEvent,
    Challenge,
    ChallengeStage,
    Closure,
    CodePurpose,
    EmailChange,
    EventKind,
    FreezeLink,
    MobileChange,
    MobileChangeStage,
    Session,
    TrustedDevice,
    User,
)
from common import limits
from common.logs import NoPersonalData, scrub
from tests.support.accounts import REZA, citizen
from tests.support.freezes import HOME, MOBILE, link_on, say, signed_in, token_of
from tests.support.journeys import texts_on

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "+989350000001"


def state_of(page: Any) -> str:
    return str(page.context["state"])


def test_opening_the_link_changes_nothing_however_often_a_phone_or_a_scanner_does() -> None:
    person = citizen()
    browser = signed_in(person)
    say(person)
    path = link_on()

    for method in ("get", "head", "get"):
        page = getattr(Client(), method)(path)
        assert page.status_code == 200
        assert page.cookies.keys() <= {"csrftoken"}  # no session

    assert state_of(Client().get(path)) == "ready"
    person.refresh_from_db()
    assert person.is_active
    assert browser.get(HOME).status_code == 200
    assert not AccountEvent.objects.filter(kind=EventKind.FROZEN).exists()


def test_the_page_says_what_a_freeze_does_and_names_nobody() -> None:
    person = citizen()
    say(person)

    page = Client().get(link_on())

    said = page.content.decode().replace('data-digits="۰۱۲۳۴۵۶۷۸۹"', "")
    assert (
        gettext("It cannot be undone here. A branch opens the account again, when it has seen you and your papers.")
        in said
    )
    assert gettext("Freeze my account") in said
    for private in (REZA, "۰۰۱۲۳۴۵۶۷۹", "رضا", "کریمی", "4567", "۴۵۶۷", person.email):
        assert private not in said
    assert len(re.findall("<button", said)) == 1
    assert "no-store" in page["Cache-Control"]
    assert page["Referrer-Policy"] == "strict-origin"


def test_a_confirmed_freeze_ends_everything_that_was_open_and_tells_the_owner() -> None:
    person = citizen()
    thief, mine = signed_in(person), signed_in(person)
    TrustedDevice.objects.create(account=person, secret_hash="a" * 64)
    change = MobileChange.objects.create(account=person, mobile=NEW)
    email = EmailChange.objects.create(account=person, email="x@example.org", token_hash="b" * 64)
    recovery = Challenge.objects.create(account=person, purpose=CodePurpose.RECOVERY, national_id=REZA)
    say(person)
    path = link_on()

    answer = Client(headers={"user-agent": "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Firefox/128.0"}).post(path)

    assert (answer.status_code, answer["Location"]) == (302, path)
    assert state_of(Client().get(path)) == "account_frozen"
    person.refresh_from_db()
    assert (person.is_active, person.closure) == (False, Closure.FROZEN)
    assert person.closed_at is not None
    for browser in (thief, mine):
        assert browser.get(HOME).status_code == 302
    assert not Session.objects.filter(account=person).exists()
    assert not TrustedDevice.objects.exists()
    for row in (change, email, recovery):
        row.refresh_from_db()
    assert change.stage == MobileChangeStage.ENDED
    assert email.ended_at
    assert recovery.stage == ChallengeStage.ENDED
    event = AccountEvent.objects.get(kind=EventKind.FROZEN)
    assert event.actor == notices.CITIZEN
    assert "Firefox" in event.browser
    assert texts_on(MOBILE)[0] == notice_texts.account_event("frozen", at=event.at)
    assert "not-me" not in texts_on(MOBILE)[0]


def test_a_form_from_elsewhere_freezes_nothing() -> None:
    person = citizen()
    say(person)
    assert Client(enforce_csrf_checks=True).post(link_on()).status_code == 403
    assert User.objects.get(pk=person.pk).is_active


def test_the_link_works_without_script_and_session_as_a_browser_sends_it() -> None:
    person = citizen()
    say(person)
    path, browser = link_on(), Client(enforce_csrf_checks=True)
    form = browser.get(path).content.decode()
    value = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert value
    assert browser.post(path, {"csrfmiddlewaretoken": value[1]}).status_code == 302
    assert not User.objects.get(pk=person.pk).is_active


def test_a_second_click_says_the_same_and_changes_nothing_more() -> None:
    person = citizen()
    say(person)
    path = link_on()
    Client().post(path)
    closed = User.objects.get(pk=person.pk).closed_at

    again = Client().post(path)

    assert state_of(again) == "account_frozen"
    assert User.objects.get(pk=person.pk).closed_at == closed
    assert AccountEvent.objects.filter(kind=EventKind.FROZEN).count() == 1


def test_a_link_that_is_unknown_and_one_that_is_too_old_look_alike() -> None:
    person = citizen()
    say(person)
    path = link_on()
    FreezeLink.objects.update(created_at=F("created_at") - limits.FREEZE_LINK_LIFE)

    pages = [
        (method, Client().generic(method, where)) for where in (path, "/portal/not-me/x") for method in ("GET", "POST")
    ]

    without_the_form = {re.sub(r'value="\w{64}"', "", page.content.decode()) for _, page in pages}
    assert len(without_the_form) == 1
    assert {page.status_code for _, page in pages} == {404}
    assert {state_of(page) for _, page in pages} == {"link_over"}
    assert User.objects.get(pk=person.pk).is_active


def test_a_link_works_until_its_last_minute() -> None:
    person = citizen()
    say(person)
    FreezeLink.objects.update(created_at=F("created_at") - limits.FREEZE_LINK_LIFE + timedelta(minutes=1))
    assert Client().post(link_on()).status_code == 302
    assert not User.objects.get(pk=person.pk).is_active


@pytest.mark.parametrize("token", ["%00", "a" * 2_000, "%D8%B1%D8%B6%D8%A7", "%3Cscript%3E", "..", "%FF%FE", "a%2Fb"])
def test_what_is_no_link_ends_in_a_page(token: str) -> None:
    for page in (Client().get(f"/portal/not-me/{token}"), Client().post(f"/portal/not-me/{token}")):
        assert page.status_code == 404
        assert "<script>" not in page.content.decode()


def test_the_page_of_an_account_that_the_organisation_closed() -> None:
    person = citizen()
    say(person)
    path = link_on()
    closing.deactivate(account=person, by="mina", reason="asked by the court")

    for page in (Client().get(path), Client().post(path)):
        assert state_of(page) == "account_deactivated"
        assert "court" not in page.content.decode()
    assert User.objects.get(pk=person.pk).closure == Closure.DEACTIVATED


def test_no_link_from_before_the_branch_freezes_the_account_that_it_opened() -> None:
    person = citizen()
    say(person)
    first = link_on()
    say(person, EventKind.EMAIL_CHANGED)
    second = link_on()
    assert first != second
    Client().post(first)
    closing.reactivate(account=person, by="mina", reason="papers seen")

    for path in (first, second):
        assert state_of(Client().post(path)) == "link_used"
        page = Client().get(path)
        assert page.status_code == 410
        assert gettext("How the account is opened again") not in page.content.decode()  # it is open
        assert f'href="{reverse("recovery")}"' in page.content.decode()
    assert User.objects.get(pk=person.pk).is_active


# ── the token is in no log


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_refused_link_leaves_no_token_in_the_log(caplog, method) -> None:
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(NoPersonalData())
    getattr(Client(), method)("/portal/not-me/s3cr3t-token")
    assert "/portal/not-me/…" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_a_forged_form_and_a_fault_of_ours_leave_no_token_in_the_log(caplog, monkeypatch) -> None:
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(NoPersonalData())
    referring = {"HTTP_REFERER": "https://evil.example/portal/not-me/s3cr3t-token"}
    Client(enforce_csrf_checks=True).post("/portal/not-me/s3cr3t-token", secure=True, **referring)
    monkeypatch.setattr("accounts.closing.service.keyed_hashes", lambda *_: 1 / 0)
    Client(raise_request_exception=False).get("/portal/not-me/s3cr3t-token")
    assert "ZeroDivisionError" in caplog.text
    assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize("place", ["/portal/not-me/", "/portal/email/"])
def test_other_logs_name_the_place_and_not_the_token(place) -> None:
    for line in (
        f"Error handling request {place}s3cr3t?x=1",
        f'upstream timed out, request: "GET {place}s3cr3t HTTP/1.1"',
    ):
        told = scrub(line)
        assert f"{place}…" in told
        assert "s3cr3t" not in told


def test_the_access_log_names_the_page_only() -> None:
    words = {"m": "GET", "U": "/portal/not-me/s3cr3t-token", "s": "200", "b": "17", "M": 3}
    record = logging.getLogger("gunicorn.access").makeRecord(
        "gunicorn.access", 20, "f", 1, "%(m)s %(U)s", (words,), None
    )
    NoPersonalData().filter(record)
    assert record.getMessage() == "GET /portal/not-me/…"


def test_only_a_keyed_hash_of_the_token_is_kept() -> None:
    person = citizen()
    say(person)
    token = token_of(link_on())
    row = FreezeLink.objects.get()
    assert token not in str(vars(row))
    assert timezone.now() - row.created_at < timedelta(minutes=5)
    with connection.cursor() as cursor:
        cursor.execute("SELECT token_hash FROM accounts_freezelink")
        assert re.fullmatch("[0-9a-f]{64}", cursor.fetchone()[0])
