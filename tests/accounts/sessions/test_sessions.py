"""Sessions: how long they live, whose they are, what a page costs, and what a browser is told of them."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from django.contrib.auth import get_user, login, logout, update_session_auth_hash
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Session
from accounts.sessions.store import SessionStore
from common import limits, purging
from registration.desk.views import matching_status
from registration.models import Registration
from tests.support.accounts import PASSWORD, REZA, administrator, citizen, clerk
from tests.support.journeys import DONE, MATCHES, URL, Browser, code_on
from tests.support.production import production_settings
from tests.support.session_rows import let_pass, on_sessions

pytestmark = pytest.mark.django_db(transaction=True)
HOME, DESK = "/portal/home", "/admin/"
PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile"
FOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"
SECOND = timedelta(seconds=1)


def of_citizen() -> tuple[Client, str]:
    client = Client()
    client.force_login(citizen())
    return client, HOME


def of_clerk() -> tuple[Client, str]:
    client = Client()
    client.force_login(clerk())
    return client, DESK


def of_journey() -> tuple[Client, str]:
    browser = Browser()
    browser.confirm()
    return browser, DONE


def key(client: Client) -> str:
    return client.cookies["sessionid"].value


def request_of(client: Client, agent: str = "") -> HttpRequest:
    """What a view of ours would get from this browser."""
    request = HttpRequest()
    request.META["HTTP_USER_AGENT"] = agent
    request.session = SessionStore(key(client) if "sessionid" in client.cookies else None)
    request.user = get_user(request)
    return request


def is_in(client: Client, page: str) -> bool:
    return client.get(page).status_code == 200


@pytest.fixture(params=[of_citizen, of_clerk])
def signed_in(request) -> tuple[Client, str]:
    found: tuple[Client, str] = request.param()
    return found


# How long.


def test_fifteen_minutes_without_a_page_end_the_session(signed_in):
    client, page = signed_in
    let_pass(limits.SESSION_IDLE - SECOND)
    assert is_in(client, page)
    let_pass(limits.SESSION_IDLE - SECOND)  # the page before counted
    assert is_in(client, page)
    let_pass(limits.SESSION_IDLE + SECOND)
    assert not is_in(client, page)


def test_twelve_hours_after_the_sign_in_it_ends_however_busy(signed_in):
    client, page = signed_in
    for _ in range(71):
        let_pass(timedelta(minutes=10))
        assert is_in(client, page)
    let_pass(timedelta(minutes=10))
    assert not is_in(client, page)


def test_what_is_written_into_a_session_does_not_prolong_it(signed_in):
    client, page = signed_in
    for _ in range(72):
        assert is_in(client, page)
        session = client.session
        session["note"] = "x"
        session.save()
        let_pass(timedelta(minutes=10))
    assert not is_in(client, page)


def test_a_registration_under_way_ends_after_twelve_hours_however_busy():
    """It used to live as long untouched; now it also ends as a sign-in does (test_idle_journeys.py)."""
    browser, _ = of_journey()
    for _ in range(71):
        let_pass(timedelta(minutes=10))
        assert "identity-last_name" in browser.get(URL).content.decode()
    browser.post_step("identity", {"draft": browser.draft()})  # a write
    let_pass(timedelta(minutes=9))
    assert "identity-last_name" in browser.get(URL).content.decode()
    let_pass(timedelta(minutes=1))
    assert "کد ملی" in browser.get(URL).content.decode()
    assert "identity-last_name" not in browser.get(URL).content.decode()


def test_who_signs_in_after_a_registration_does_not_get_the_closing_pages_short_session():
    browser = Browser()
    browser.register()
    browser.force_login(citizen())
    for _ in range(3):
        let_pass(timedelta(minutes=10))
        assert is_in(browser, HOME)


def test_who_registers_somebody_else_keeps_their_own_session():
    client, _ = of_citizen()
    browser = Browser()
    browser.cookies = client.cookies
    browser.register()
    assert browser.cookies["sessionid"]["max-age"] > 11 * 3600
    for _ in range(3):
        let_pass(timedelta(minutes=10))
        assert is_in(browser, HOME)
    assert Session.objects.count() == 1  # no row stayed signed in under an old key


# A new key, and a new life.


def test_a_new_key_is_the_same_life():
    client, _ = of_citizen()
    let_pass(timedelta(hours=1))
    Session.objects.update(seen_at=timezone.now())
    before = Session.objects.get()
    request = request_of(client)

    request.session.cycle_key()
    request.session.save()

    after = Session.objects.get()
    assert after.session_key != before.session_key
    assert (after.began_at, after.expire_date, after.account_id) == (
        before.began_at,
        before.expire_date,
        before.account_id,
    )


def test_a_changed_password_gives_a_new_key_and_the_same_life():
    client, page = of_citizen()
    let_pass(timedelta(minutes=10))
    before = Session.objects.get()
    request = request_of(client)
    request.user.set_password("Another123")
    request.user.save()

    update_session_auth_hash(request, request.user)
    request.session.save()

    after = Session.objects.get()
    assert after.session_key != before.session_key
    assert (after.began_at, after.expire_date) == (before.began_at, before.expire_date)
    assert not is_in(client, page)  # whoever has the old key


@pytest.mark.parametrize("who", ["the same person", "somebody else", "the same one with another password"])
def test_every_sign_in_is_a_new_life_under_a_new_key(who):
    client, _ = of_citizen()
    request = request_of(client, FOX)
    login(request, request.user, "accounts.backends.CitizenBackend")
    request.session.save()
    let_pass(timedelta(minutes=10))
    before = Session.objects.get()
    assert before.browser == "Firefox, Windows"
    again = SessionStore(before.session_key)
    request = HttpRequest()
    request.META["HTTP_USER_AGENT"], request.session = PHONE, again
    account = before.account
    if who == "somebody else":
        account = citizen(national_id="0123456789")
    if who == "the same one with another password":
        account.set_password("Another123")
        account.save()

    login(request, account, "accounts.backends.CitizenBackend")
    request.session.save()

    after = Session.objects.get()
    assert after.session_key != before.session_key
    assert (after.account_id, after.browser) == (account.pk, "Chrome Mobile, Android")
    assert timezone.now() - after.began_at < timedelta(seconds=30)
    assert after.expire_date - after.began_at == limits.SESSION_LONGEST


def test_the_key_is_new_after_sign_in_and_gone_after_sign_out():
    citizen()
    browser = Browser()
    browser.step_one()
    planted = key(browser)
    browser.post("/portal/", {"national_id": REZA, "password": PASSWORD})
    assert key(browser) != planted
    assert not Session.objects.filter(pk=planted).exists()
    row = Session.objects.get()
    assert row.account is not None
    browser.post("/portal/sign-out")
    assert key(browser) == ""
    assert not Session.objects.exists()


def test_a_session_that_holds_nobody_any_more_is_nobodys_in_the_table():
    client, _ = of_citizen()
    request = request_of(client)
    logout(request)
    request.session["registration"] = {}
    request.session.save()
    row = Session.objects.get()
    assert (row.account_id, row.browser) == (None, "")


def test_a_session_of_an_account_that_is_gone_is_an_error_and_no_endless_loop():
    store = SessionStore()
    store["_auth_user_id"] = str(citizen().pk + 1000)
    with pytest.raises(IntegrityError):
        store.create()


# What a page costs.


def pages() -> list[str]:
    """Every page of the portal that is looked at by GET and takes no part of its address from anywhere."""
    from django.urls import get_resolver

    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    addresses = set()
    for name in names:
        options = get_resolver().reverse_dict.getlist(name)
        if any(not parameters for possibilities, *_ in options for _address, parameters in possibilities):
            addresses.add(reverse(name))
    return sorted(address for address in addresses if address.startswith("/portal"))


@pytest.mark.parametrize("who", [of_citizen, of_clerk, of_journey])
def test_a_page_costs_one_statement_on_sessions_at_most(who):
    client, _ = who()
    asked = {page: len(on_sessions(client, page)) for page in pages()}
    lists_them = {reverse("profile_devices")} if who is of_citizen else set()
    assert asked.keys() >= {HOME, URL, DONE, "/portal/"}
    assert {page for page, count in asked.items() if count > 1} == lists_them  # what it shows is a query of its own
    assert any(asked.values())


def test_the_desk_costs_one_statement_on_sessions():
    client = Client()
    client.force_login(administrator())
    for name in ("index", "registration_registration_changelist", "accounts_user_changelist", matching_status.NAME):
        assert len(on_sessions(client, reverse(f"admin:{name}"))) == 1, name


def test_a_page_without_a_session_asks_for_none():
    assert on_sessions(Client(), "/portal/") == on_sessions(Client(), URL) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL can be asked not to wait for the disk")
def test_looking_at_a_session_makes_no_other_transaction_less_durable():
    client, _ = of_citizen()

    def durable() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            return str(cursor.fetchone()[0])

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")  # tests run without it
    before = durable()
    assert before == "on"
    assert SessionStore(key(client)).load()
    assert durable() == before
    with transaction.atomic():
        assert SessionStore(key(client)).load()
        assert durable() == before


# Redis.


def test_sessions_ask_no_redis_be_it_dead_or_frozen(real_hints, settings, monkeypatch):
    """A frozen one takes the connection and never answers."""
    frozen = socket.create_server(("127.0.0.1", 0))
    settings.REDIS_URL = f"redis://127.0.0.1:{frozen.getsockname()[1]}/0"
    asked = []
    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, to: asked.append(to) or connect(self, to))
    citizen()
    client = Client()
    client.post("/portal/", {"national_id": REZA, "password": PASSWORD})
    assert is_in(client, HOME)
    client.post("/portal/sign-out")
    assert not is_in(client, HOME)
    frozen.close()
    assert asked == []


# Cookies.


def test_the_cookies_of_a_real_installation_are_for_this_host_and_no_script(settings):
    for name, value in production_settings().items():
        setattr(settings, name, value)
    citizen()
    client = Client()
    client.get("/portal/", secure=True)
    client.post("/portal/", {"national_id": REZA, "password": PASSWORD, "remember": "on"}, secure=True)
    for name in ("__Host-sessionid", "__Host-csrftoken"):
        cookie = client.cookies[name]
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax"), name
        assert (cookie["path"], cookie["domain"]) == ("/", ""), name
    kept = client.cookies["__Host-sessionid"]["max-age"]
    assert limits.SESSION_LONGEST.total_seconds() - 30 < kept <= limits.SESSION_LONGEST.total_seconds()
    assert client.get(HOME, secure=True).status_code == 200


def test_a_demo_without_https_has_the_same_flags_but_secure():
    citizen()
    client = Client()
    client.post("/portal/", {"national_id": REZA, "password": PASSWORD})
    cookie = client.cookies["sessionid"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"]) == ("", True, "Lax", "/")


GARBAGE = ["", "x", "\x00" * 32, "a" * 31 + "\x00", "A" * 32, "a" * 33, "é" * 32, "' OR 1=1 --" * 3, "x" * 5000]


@pytest.mark.parametrize("value", GARBAGE)
def test_a_cookie_that_is_no_key_is_not_looked_for(client, value):
    client.cookies["sessionid"] = value
    assert on_sessions(client, HOME) == []
    assert client.get(HOME)["Location"].startswith("/portal/?next=")


def test_a_nul_that_a_cookie_spells_out_is_no_error(client):
    answer = client.get(HOME, headers={"cookie": 'sessionid="abcdefgh\\000abcdefgh\\000abcdefghabcdef"'})
    assert answer.status_code == 302


def test_a_well_formed_key_of_nobody_is_a_browser_without_a_session():
    client = Browser()
    client.cookies["sessionid"] = "a" * 32
    assert not is_in(client, HOME)
    client.step_one()
    assert key(client) != "a" * 32  # nobody chooses their own


def test_session_data_that_nobody_signed_is_empty():
    client, page = of_citizen()
    Session.objects.update(session_data="eyJub3QiOiJvdXJzIn0:abc:def")
    assert not is_in(client, page)


# The purge.


def test_the_purge_deletes_what_is_over_and_nothing_else():
    now = timezone.now()
    live, _ = of_citizen()
    idle = Client()
    idle.force_login(citizen(national_id="0123456789"))
    Session.objects.filter(pk=key(idle)).update(seen_at=now - limits.SESSION_IDLE - SECOND)
    journey, _ = of_journey()
    left = Session.objects.filter(pk=key(journey))
    left.update(seen_at=now - limits.SESSION_IDLE + timedelta(minutes=1))
    left_alone = Browser()
    left_alone.step_one()
    Session.objects.filter(pk=key(left_alone)).update(seen_at=now - limits.SESSION_IDLE - SECOND)
    Session.objects.create(session_key="o" * 32, session_data="", expire_date=now - SECOND)
    alone = [key(idle), key(left_alone), "o" * 32]
    before = Session.objects.filter(account=None).exclude(pk__in=alone).count()

    assert purging.run_all(dry_run=True)["sessions"] == 3
    assert Session.objects.filter(pk=key(idle)).exists()
    assert purging.run_all()["sessions"] == 3

    assert not Session.objects.filter(pk__in=alone).exists()
    assert Session.objects.filter(pk__in=[key(live), key(journey)]).count() == 2
    assert Session.objects.filter(account=None).count() == before
    assert Registration.objects.filter(national_id=MATCHES.national_id).exists()
    assert code_on(MATCHES.mobile)
