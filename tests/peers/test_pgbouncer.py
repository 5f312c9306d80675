"""The portal behind PgBouncer in transaction mode: nothing hangs on a session, and nothing is left in one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.db.backends.signals import connection_created
from django.forms import ModelChoiceField
from django.utils import timezone

from accounts.models import User
from common import limits, purging
from common.database import in_pages, is_locked, limit_waits
from common.leases import lock_name
from registration.models import Registration
from registration.services import housekeeping
from registration.states import State
from registration.tasks import match
from tests.peers.pgbouncer import CONNECTIONS, pgbouncer, servers
from tests.support.accounts import PASSWORD
from tests.support.citizens import mobile, national_id
from tests.support.journeys import MATCHES, Browser, let_pass, registration_in, row_of, texts_on
from tests.support.paths import ROOT
from tests.support.sms_fixtures import drained_in_a_thread

pytestmark = [
    pytest.mark.peers,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL (DATABASE_URL)"),
]
ROUNDS = 3 * CONNECTIONS  # so that each connection of the pooler has its turn


@pytest.fixture(scope="module")
def pooler(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with pgbouncer(tmp_path_factory.mktemp("pooler"), connection.settings_dict) as port:
        yield port


@pytest.fixture
def pooled(pooler: int, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All connections of this process, of every thread, go through the pooler, with the limits of web and workers."""
    at = connection.settings_dict
    connection.close()
    monkeypatch.setitem(at, "HOST", "127.0.0.1")
    monkeypatch.setitem(at, "PORT", str(pooler))
    monkeypatch.setitem(at, "OPTIONS", {})  # those of the tests are sent at the start of a session
    limit_waits()
    yield
    connection_created.disconnect(dispatch_uid="limit_waits")
    connection.execute_wrappers.clear()
    connection.close()


def shown(setting: str) -> list[str]:
    """What the pooler's connections have, one after the other, as a stranger who shares them sees it."""
    at = connection.settings_dict
    link = psycopg2.connect(host=at["HOST"], port=at["PORT"], dbname=at["NAME"], user=at["USER"])
    link.autocommit = True
    try:
        with link.cursor() as cursor:
            values = []
            for _ in range(ROUNDS):
                cursor.execute(f"SHOW {setting}")
                values.append(cursor.fetchone()[0])
            return values
    finally:
        link.close()


def pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def old_ones(count: int) -> None:
    for number in range(count):
        person = {"national_id": national_id(number), "mobile": mobile(number)}
        Registration.objects.create(state=State.STARTED, operator="mci", **person)
    Registration.objects.update(touched_at=timezone.now() - limits.STARTED_LIFE - timedelta(hours=1))


def test_each_statement_meets_another_connection(pooled):
    assert len({pid() for _ in range(ROUNDS)}) == CONNECTIONS
    with transaction.atomic():
        assert len({pid() for _ in range(ROUNDS)}) == 1


def test_a_citizen_registers_and_signs_in(pooled):
    browser = Browser()
    browser.register()
    match()
    assert row_of(MATCHES).state == State.APPROVED
    assert texts_on(MATCHES.mobile)
    page = Browser().post("/portal/", {"national_id": MATCHES.national_id, "password": PASSWORD})
    assert page.status_code == 302, page.content.decode()


@pytest.mark.parametrize("size", [1, 3, 500])
def test_abandoned_requests_expire(pooled, monkeypatch, size):
    """With a cursor of the server the first row came, and then "cursor does not exist"."""
    old_ones(7)
    monkeypatch.setattr(in_pages, "__kwdefaults__", {"size": size})
    assert housekeeping.expire_abandoned() == 7
    assert set(Registration.objects.values_list("state", flat=True)) == {State.EXPIRED}


def test_everything_old_is_purged(pooled):
    registration_in(State.REJECTED)
    old_ones(5)
    let_pass(timedelta(days=4000))
    done = purging.run_all()
    assert done["expired"] >= 5
    call_command("purge", stdout=io.StringIO())


def test_a_list_of_rows_in_a_form_is_read(pooled):
    """Django itself reads the choices of such a field with `.iterator()`."""
    old_ones(3)
    assert len(list(ModelChoiceField(Registration.objects.all(), empty_label=None).choices)) == 3


def test_limits_on_waiting_are_nobody_elses(pooled):
    """Set by session, they landed on whoever got the connection next: a migration was cancelled after ten seconds."""
    strangers = [set(shown(name)) for name in ("lock_timeout", "idle_in_transaction_session_timeout")]
    for _ in range(ROUNDS):
        User.objects.count()
        with transaction.atomic():
            User.objects.count()
    assert strangers == [{"0"}, {"0"}]
    assert [set(shown(name)) for name in ("lock_timeout", "idle_in_transaction_session_timeout")] == strangers


@pytest.mark.parametrize("in_transaction", [False, True])
def test_no_connection_waits_for_a_lock_without_an_end(pooled, monkeypatch, in_transaction):
    """By session, only the connection that was the first to answer had the limit."""
    monkeypatch.setattr(limits, "LOCK_WAIT", timedelta(milliseconds=100))
    row = registration_in(State.STARTED)
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Registration.objects.select_for_update().get(pk=row.pk)
            held.set()
            over.wait(60)

    thread = drained_in_a_thread(hold)
    assert held.wait(10)
    try:
        for _ in range(ROUNDS):
            with pytest.raises(OperationalError) as caught:
                blocked(row, in_transaction)
            assert is_locked(caught.value)
    finally:
        over.set()
        thread.join(30)


def blocked(row: Registration, in_transaction: bool) -> None:
    if not in_transaction:
        Registration.objects.filter(pk=row.pk).update(operator="x")
        return
    with transaction.atomic():
        User.objects.count()
        Registration.objects.filter(pk=row.pk).update(operator="x")


def test_names_are_held_by_one_transaction_at_a_time(pooled):
    """Advisory locks, which a session would keep."""
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        for _ in range(10):
            with transaction.atomic():
                lock_name("somebody")
                with lock:
                    inside += 1
                    most = max(most, inside)
                pid()
                with lock:
                    inside -= 1

    threads = [drained_in_a_thread(work) for _ in range(CONNECTIONS - 1)]
    for thread in threads:
        thread.join(60)
    assert most == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = ANY(%s)", [_all()])
        assert cursor.fetchone() == (0,)


def _all() -> list[int]:
    at = connection.settings_dict
    return list(servers({"host": at["HOST"], "port": at["PORT"], "dbname": at["NAME"], "user": at["USER"]}))


def test_times_are_of_one_zone_on_every_connection(pooled):
    """Django sets it at the start of a session; PgBouncer is one of the few settings' keepers."""
    for _ in range(ROUNDS):
        with connection.cursor() as cursor:
            cursor.execute("SHOW TimeZone")
            assert cursor.fetchone() == ("UTC",)


@pytest.mark.parametrize("command", [["migrate", "-v0"], ["purge"], ["check", "--database", "default"]])
def test_commands_run_behind_it(pooled, tmp_path: Path, command: list[str]):
    old_ones(3)
    at = connection.settings_dict
    url = f"postgres://{at['USER']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(tmp_path), "DATABASE_URL": url}
    env |= {"PORTAL_MODE": "demo", "SECRET_KEY": "x" * 60, "DJANGO_SETTINGS_MODULE": "tamin_portal.settings"}
    done = subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
