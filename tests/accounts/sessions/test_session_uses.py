"""The last use of a session is not written at each page, and idleness is exact all the same."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import DataError, OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import Session
from accounts.sessions import sql, uses
from accounts.sessions.store import SessionStore
from common import limits
from common.gathering import Gathered
from tests.support.accounts import citizen
from tests.support.statements import at_most

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN, SECOND = 5, timedelta(seconds=1)
IDLE, BEHIND = limits.SESSION_IDLE.total_seconds(), limits.SESSION_USE_BEHIND.total_seconds()
HOME = "/portal/home"


@pytest.fixture(autouse=True)
def gathering(settings, monkeypatch):
    """As in a web process; a test is its timer."""
    settings.SESSION_USES_WRITTEN_WITHIN = WITHIN
    monkeypatch.setattr(Gathered, "_write_in", lambda self, seconds: None)


def begun() -> str:
    store = SessionStore()
    store["registration"] = {"token": "x"}
    store.save()
    return str(store.session_key)


def uses_it(key: str) -> bool:
    """Whether the session is alive for a page that is looked at now."""
    store = SessionStore(key)
    found = "registration" in store
    store.note_use()
    return found


def is_alive(key: str) -> bool:
    """The same without a use: by any process, which knows what is written only."""
    return "registration" in SessionStore(key)


def pass_by(clock, seconds: float) -> None:
    """What was gathered is written `WITHIN` seconds later at the latest."""
    if seconds >= WITHIN:
        clock.sleep(WITHIN)
        uses.gathered.write()
        seconds -= WITHIN
    clock.sleep(seconds)


@pytest.mark.parametrize("seed", range(12))
def test_a_session_ends_to_the_second_after_its_last_use_however_the_uses_come(clock, seed):
    chance = random.Random(seed)
    gaps = [0.1, 1, WITHIN - 0.1, WITHIN, BEHIND - 1, BEHIND + 1, IDLE / 2, IDLE - WITHIN - 0.1, IDLE - 1]
    key = begun()
    for _use in range(8):
        pass_by(clock, chance.choice(gaps))
        assert is_alive(key)  # in another process, which has not heard of what this one has gathered
        assert uses_it(key)
    pass_by(clock, IDLE - 1)
    assert is_alive(key)
    clock.sleep(1)
    assert not is_alive(key)
    assert not uses_it(key)
    uses.gathered.write()
    assert not is_alive(key)


def test_what_a_killed_process_had_gathered_ends_a_session_a_minute_early_at_most_and_never_late(clock):
    key = begun()
    for _use in range(20):  # a use every few seconds, of which nothing is written for want of a timer
        clock.sleep(BEHIND / 4)
        assert uses_it(key)
    uses.gathered.forget()  # SIGKILL
    clock.sleep(IDLE - BEHIND - 1)
    assert is_alive(key)
    clock.sleep(BEHIND + 1)
    assert not is_alive(key)


def test_a_page_is_one_select_and_one_that_was_looked_at_long_after_the_last_is_written_at_once():
    client = Client()
    client.force_login(citizen())
    with at_most(3, sqlite=3) as asked:  # the session, the account, the services of the home page
        client.get(HOME)
    assert next(statement for statement in asked if "accounts_session" in statement).startswith("SELECT session_data")
    Session.objects.update(seen_at=timezone.now() - limits.SESSION_USE_BEHIND - SECOND)
    with at_most(4, sqlite=4):
        client.get(HOME)
    assert timezone.now() - Session.objects.get().seen_at < SECOND * 30


def test_the_uses_of_many_sessions_are_one_statement(clock):
    keys = [begun() for _ in range(3)]
    clock.sleep(10)
    assert all(uses_it(key) for key in keys)
    with at_most(1, sqlite=1):
        uses.gathered.write()
    assert all(timezone.now() - row.seen_at < SECOND for row in Session.objects.all())


def test_a_use_that_is_written_late_brings_nothing_back_and_moves_nothing_back(clock):
    ended, used = begun(), begun()
    clock.sleep(2)
    assert uses_it(ended)
    assert uses_it(used)
    Session.objects.filter(pk=ended).delete()
    clock.sleep(2)
    now = timezone.now()
    Session.objects.filter(pk=used).update(seen_at=now)
    uses.gathered.write()
    assert list(Session.objects.values_list("pk", "seen_at")) == [(used, now)]


@pytest.mark.parametrize("old", [False, True])
def test_a_database_that_takes_no_use_now_refuses_no_page_and_gets_it_later(monkeypatch, old):
    client = Client()
    client.force_login(citizen())
    before = timezone.now() - (limits.SESSION_USE_BEHIND + SECOND if old else SECOND * 10)
    Session.objects.update(seen_at=before)

    def away(given) -> None:
        raise OperationalError("away")

    with monkeypatch.context() as outage:
        outage.setattr(sql, "note_uses", away)
        assert client.get(HOME).status_code == 200
        uses.gathered.write()
    assert Session.objects.get().seen_at == before
    uses.gathered.write()
    assert Session.objects.get().seen_at > before


def test_what_the_database_refuses_stops_no_other_use(monkeypatch, clock, caplog):
    keys, real = [begun() for _ in range(2)], sql.note_uses
    clock.sleep(2)
    assert all(uses_it(key) for key in keys)

    def refuses_one(given) -> None:
        if min(keys) in given:
            raise DataError
        real(given)

    monkeypatch.setattr(uses, "_TOGETHER", 1)
    monkeypatch.setattr(sql, "note_uses", refuses_one)
    uses.gathered.write()
    assert "DataError" in caplog.text
    assert Session.objects.get(pk=max(keys)).seen_at > Session.objects.get(pk=min(keys)).seen_at + SECOND


def test_a_row_that_is_written_needs_no_note_of_its_use(clock):
    client = Client()
    client.force_login(citizen())
    session = client.session
    session["note"] = "x"
    session.save()
    session.note_use()
    assert not uses.gathered._values


def test_the_owner_sees_the_own_session_as_used_now():
    account = citizen()
    client = Client()
    client.force_login(account)
    Session.objects.update(seen_at=timezone.now() - timedelta(seconds=40))
    page = client.get("/portal/profile/devices")
    assert timezone.now() - page.context["sessions"][0].used_at < SECOND * 10
