"""One browser that does several things at once, two that end each other, and rows that somebody holds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.signals import post_save
from django.test import Client
from django.test.signals import template_rendered

from accounts.models import AccountEvent, EventKind, Session, User
from accounts.profile import device_list
from accounts.sessions.store import SessionStore
from common.errors import PortalError
from registration.states import State
from tests.support.accounts import citizen, together
from tests.support.desk import Clerk, url
from tests.support.journeys import URL, Browser, registration_in
from tests.support.sms_fixtures import drained_in_a_thread

pytestmark = pytest.mark.django_db(transaction=True)
HOME, DEVICES = "/portal/home", "/portal/profile/devices"


def browser_of(account: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(account)
    return client


def key(client: Client) -> str:
    return client.cookies["sessionid"].value


def reference(account: User, of: Client) -> str:
    return next(entry.reference for entry in device_list.open_sessions(account=account, key=key(of)) if entry.here)


def end_all(**kwargs: Any) -> None:
    Session.objects.all().delete()


@contextmanager
def meanwhile(signal: Any, sender: Any = None) -> Iterator[None]:
    """Every session is ended elsewhere while a request is under way: at its first `signal`."""
    signal.connect(end_all, sender=sender, weak=False, dispatch_uid="meanwhile")
    try:
        yield
    finally:
        signal.disconnect(sender=sender, dispatch_uid="meanwhile")


@contextmanager
def locked(session_key: str) -> Iterator[None]:
    """A transaction elsewhere that has written this session's row and does nothing; on SQLite it holds everything."""
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Session.objects.filter(pk=session_key).update(browser="x")
            held.set()
            over.wait(30)

    thread = drained_in_a_thread(hold)
    assert held.wait(10)
    try:
        yield
    finally:
        over.set()
        thread.join(30)


# Ended elsewhere while a request is under way.


def test_a_page_whose_session_ended_meanwhile_is_asked_for_again_and_then_it_is_the_sign_in():
    clerk = Clerk()
    clerk.raise_request_exception = False
    page = url(registration_in(State.REFERRED), "change")
    with meanwhile(template_rendered):
        answer = clerk.get(page)  # the desk makes its secret at the first page: a write
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert not Session.objects.exists()
    assert clerk.get(page)["Location"].startswith("/admin/login/")


def test_a_step_whose_session_ended_meanwhile_leads_on_and_the_next_page_knows():
    browser = Browser(raise_request_exception=False)
    browser.get(URL)
    browser.step_one()
    with meanwhile(post_save):
        answer = browser.post("/portal/registration/change", {"draft": browser.draft()})
        answer = browser.step_one(mobile="09120000102")
    assert answer.status_code == 302
    assert browser.get(URL, follow=True).status_code == 200


def test_what_was_ended_gets_no_new_key():
    account = citizen()
    client = browser_of(account)
    browser_of(account)
    with meanwhile(post_save, AccountEvent):
        answer = client.post(f"{DEVICES}/end-others")
    assert (answer.status_code, answer["Location"]) == (302, DEVICES)
    assert not Session.objects.exists()
    assert client.get(DEVICES)["Location"].startswith("/portal/?next=")


def test_a_sign_in_over_an_old_journey_that_was_purged_meanwhile_is_a_sign_in():
    browser = Browser(raise_request_exception=False)
    browser.step_one()
    store = SessionStore(key(browser))
    assert store["registration"]
    end_all()
    store.begin(browser="Firefox")
    store.save()
    assert Session.objects.count() == 1


def test_a_request_that_was_on_its_way_when_another_tab_got_the_new_key_does_not_delete_it():
    account = citizen()
    client = browser_of(account)
    late = Client()
    late.cookies["sessionid"] = key(client)
    client.post(f"{DEVICES}/end-others")
    assert key(client) != key(late)

    answer = late.get(HOME)

    assert answer.status_code == 302
    assert "sessionid" not in answer.cookies
    late.cookies["sessionid"] = key(client)  # one browser has one cookie
    assert late.get(answer["Location"])["Location"] == HOME


def test_signing_out_where_the_session_is_over_still_deletes_the_cookie():
    client = browser_of(citizen())
    end_all()
    answer = client.post("/portal/sign-out")
    assert answer.cookies["sessionid"]["max-age"] == 0


# Several at once.


def test_pages_while_all_is_ended_are_shown_or_lead_to_the_sign_in():
    account = citizen()
    clients = [browser_of(account) for _ in range(6)]

    def work(number: int) -> int:
        if number == 0:
            return clients[0].post(f"{DEVICES}/end-others").status_code
        return {clients[number].get(HOME).status_code for _ in range(5)}.pop()

    assert set(together(work, 6)) <= {200, 302}
    assert Session.objects.count() == 1
    assert clients[0].get(HOME).status_code == 200
    assert {client.get(HOME).status_code for client in clients[1:]} == {302}


def test_of_two_browsers_that_end_each_other_the_first_one_stays():
    account = citizen()
    clients = [browser_of(account) for _ in range(2)]

    answers = together(lambda number: clients[number].post(f"{DEVICES}/end-others"), 2)

    assert [answer["Location"] for answer in answers].count(DEVICES) == 1  # the other one is on the way to the sign-in
    assert [client.get(HOME).status_code for client in clients].count(200) == 1
    assert AccountEvent.objects.filter(kind=EventKind.SESSIONS_ENDED).count() == 1


def test_a_session_ended_by_six_at_once_is_one_event():
    account = citizen()
    mine, other = browser_of(account), browser_of(account)
    facts = {"account": account, "key": key(mine), "reference": reference(account, other), "browser": ""}
    assert together(lambda number: device_list.end_session(**facts), 6) == [None] * 6
    assert AccountEvent.objects.filter(kind=EventKind.SESSION_ENDED).count() == 1
    assert Session.objects.count() == 1


def test_who_was_ended_ends_nobody():
    account = citizen()
    thief, owner = browser_of(account), browser_of(account)
    stolen = key(thief)
    owner.post(f"{DEVICES}/end-others")
    facts = {"account": account, "key": stolen, "browser": ""}
    with pytest.raises(PortalError, match="session_over"):
        device_list.end_other_sessions(**facts)
    with pytest.raises(PortalError, match="session_over"):
        device_list.end_session(**facts, reference=reference(account, owner))
    assert owner.get(HOME).status_code == 200


def test_a_person_who_signs_in_twice_at_once_is_in():
    citizen()
    first = Browser()
    first.step_one()
    first.get("/portal/")
    tabs = [Client(raise_request_exception=False) for _ in range(4)]
    for tab in tabs:  # of one browser: tries that are on their way in others are a risk
        tab.cookies["sessionid"], tab.cookies["csrftoken"] = key(first), first.cookies["csrftoken"].value
    typed = {"national_id": "0012345679", "password": "Toranj7sangak!"}
    answers = together(lambda number: tabs[number].post("/portal/", typed), 4)
    assert [answer.status_code for answer in answers] == [302] * 4
    assert [tab.get(HOME).status_code for tab in tabs] == [200] * 4
    assert not Session.objects.filter(pk=key(first)).exists()


# Somebody holds a row.


def test_a_page_waits_for_nobody_who_holds_its_session(waits_end):
    """On PostgreSQL only its own row could matter; on SQLite any long transaction elsewhere."""
    client = browser_of(citizen())
    client.get(HOME)
    with locked(key(client)):
        began = time.monotonic()
        answer = client.get(HOME)
        took = time.monotonic() - began
    assert answer.status_code == 200
    assert took < 1.5


def test_a_busy_row_ends_no_session(waits_end):
    """What cannot be written now is "busy", not "you were signed out"."""
    clerk = Clerk()
    clerk.raise_request_exception = False
    page = url(registration_in(State.REFERRED), "change")
    with locked(key(clerk)):
        answer = clerk.get(page)  # a write
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert clerk.get(page).status_code == 200


@pytest.mark.skipif(connection.vendor != "postgresql", reason="on SQLite nobody writes while another does")
def test_a_long_transaction_over_all_other_sessions_is_in_nobodys_way(waits_end):
    account = citizen()
    client, other = browser_of(account), browser_of(account)
    with locked(key(other)):
        assert client.get(HOME).status_code == 200
        assert client.post("/portal/sign-out").status_code == 302
