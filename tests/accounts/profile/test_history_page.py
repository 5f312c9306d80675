"""The history page: what happened to the account, as its owner reads it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from accounts.life.notices import CITIZEN, PORTAL
from accounts.models import AccountEvent, EventKind, User
from common import limits
from common.sentences import jalali
from tests.support.accounts import citizen, clerk

pytestmark = pytest.mark.django_db
PAGE = "/portal/profile/history"
MIDNIGHT = datetime(2026, 11, 26, 20, 45, tzinfo=UTC)  # a quarter past midnight in Tehran


def happened(account: User, kind: EventKind, **facts: object) -> AccountEvent:
    made: AccountEvent = AccountEvent.objects.create(**({"account": account, "kind": kind, "actor": CITIZEN} | facts))
    return made


def signed_in(account: User) -> Client:
    client = Client()
    client.force_login(account)
    return client


def titles(client: Client, page: str = PAGE) -> list[str]:
    answer = client.get(page)
    assert answer.status_code == 200
    return re.findall(r"<h2>([^<]+)</h2>", answer.content.decode())


def test_only_who_is_signed_in_sees_it():
    assert Client().get(PAGE)["Location"] == f"/portal/?next={PAGE}"
    assert signed_in(clerk()).get(PAGE)["Location"].startswith("/portal/")
    answer = signed_in(citizen()).get(PAGE)
    assert "no-store" in answer["Cache-Control"]


def test_it_says_what_happened_the_newest_first():
    account = citizen()
    first = happened(account, EventKind.SIGNED_IN, at=MIDNIGHT)
    second = happened(account, EventKind.PASSWORD_CHANGED, at=MIDNIGHT + timedelta(minutes=1))
    shown = titles(signed_in(account))
    assert [title for title in shown if title in (str(first), str(second))] == [str(second), str(first)]


def test_it_says_when_in_jalali_as_it_was_in_tehran_and_in_which_browser():
    account = citizen()
    happened(account, EventKind.SIGNED_IN, at=MIDNIGHT, browser="Firefox, Windows")
    page = signed_in(account).get(PAGE).content.decode()
    assert jalali(MIDNIGHT, "time") in page
    assert "۱۴۰۵/۰۹/۰۶ ۰۰:۱۵" in page
    assert "Firefox, Windows" in page


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_event_can_be_shown(kind):
    account = citizen()
    event = happened(account, kind, actor=PORTAL, details={"ended": "<b>x</b>", "mobile": "0912***4567"})
    page = signed_in(account).get(PAGE).content.decode()
    assert escape(str(event.get_kind_display())) in page
    assert "<b>x</b>" not in page


def test_what_happened_to_others_and_what_administrators_write_is_not_there():
    account, other = citizen(), citizen(national_id="0123456789")
    happened(other, EventKind.FROZEN)
    happened(account, EventKind.DEACTIVATED, actor="operator hasan", reason="a secret reason")
    client = signed_in(account)
    page = client.get(PAGE).content.decode()
    assert str(EventKind.FROZEN.label) not in page
    assert str(EventKind.DEACTIVATED.label) in page
    assert "hasan" not in page
    assert "a secret reason" not in page


def test_thirty_are_on_a_page_and_the_rest_on_the_next_ones():
    account = citizen()
    for number in range(2 * limits.HISTORY_PAGE):
        happened(account, EventKind.SIGNED_IN, at=MIDNIGHT + timedelta(minutes=number))
    client = signed_in(account)
    page = client.get(PAGE).content.decode()
    assert len(titles(client)) == limits.HISTORY_PAGE == 30
    assert jalali(MIDNIGHT + timedelta(minutes=59), "time") in page
    assert "?page=2" in page
    second = client.get(f"{PAGE}?page=2").content.decode()
    assert jalali(MIDNIGHT + timedelta(minutes=59), "time") not in second
    assert {"?page=1", "?page=3"} <= set(re.findall(r"\?page=\d", second))
    total = sum(len(titles(client, f"{PAGE}?page={number}")) for number in (1, 2, 3))
    assert total > 2 * limits.HISTORY_PAGE  # and how the account came to be


@pytest.mark.parametrize("number", ["0", "-1", "999999999999999999999", "x", "", "\x00", "۲", "1.5", "<script>"])
def test_a_page_that_is_not_there_is_the_nearest_one(number):
    account = citizen()
    happened(account, EventKind.SIGNED_IN)
    answer = signed_in(account).get(PAGE, {"page": number})
    assert answer.status_code == 200
    assert str(EventKind.SIGNED_IN.label) in answer.content.decode()


def test_a_long_history_costs_as_many_statements_as_a_short_one():
    account = citizen()
    client = signed_in(account)

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE)
        return len(queries)

    client.get(PAGE)
    before = statements()
    for _ in range(20):
        happened(account, EventKind.SIGNED_IN, browser="Firefox, Windows")
    assert statements() == before
