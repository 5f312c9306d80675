"""What a session costs: the portal's store against Django's own (a plain SELECT), as ratios in one run.

    .venv/bin/python benchmarks/sessions.py                                              # SQLite
    .venv/bin/python benchmarks/sessions.py postgres://postgres@127.0.0.1:5432/postgres  # a database of its own there

Both load the same row of the same table, in turn, so that a busy machine slows both; then both serve the same page
to somebody who is signed in. "ORM, young" and "ORM, old": by the ORM, the last use written only when it is a minute
old (docs/decisions/0033-what-was-weighed-again.md). On PostgreSQL also: waiting for the disk ("on disk"), leaving a
session alone that was used within five seconds ("not twice"), and UPDATE ... RETURNING ("returning"), which does not
find a locked row.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROUNDS, LOADS, PAGES = 200, 20, 5
NAME = "benchmarks.sessions"  # as Django imports this file for the page: `SessionStore` is what it then uses

if __name__ != "__main__":
    from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

    from accounts.sessions.store import SessionStore as PortalStore

    class SessionStore(PortalStore):
        """The portal's, but loaded as Django loads it: read, and no use written down."""

        load = DatabaseStore.load


def main(server: str) -> None:
    from benchmarks.databases import migrated

    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder, migrated(server, Path(folder)) as url:
        os.environ["DATABASE_URL"], os.environ["DJANGO_SETTINGS_MODULE"] = url, "tests.settings"
        import django

        django.setup()
        measure()


def measure() -> None:
    from django.db import connection

    from accounts.sessions import store as session_store
    from tests.support.accounts import citizen

    key, browsers = prepare(citizen())
    print(f"{connection.vendor}, medians of {ROUNDS} rounds, each against Django's own in the same round")
    stores = {"ours": session_store.SessionStore, "Django's": stock()}
    works = {name: loading(store, key) for name, store in stores.items()}
    works |= {"ORM, young": once_a_minute(key, due=False), "ORM, old": once_a_minute(key, due=True)}
    works["touching"] = statement(key, TOUCHING if connection.vendor == "postgresql" else TOUCHING_ON_SQLITE)
    report("load", works, LOADS)
    report("page", {name: looking(browser) for name, browser in browsers.items()}, PAGES)
    connection.close()


ALIVE = "session_key = %s AND expire_date > %s AND seen_at > %s"
TOUCHING = f"""
    WITH soon AS (SELECT set_config('synchronous_commit', 'off', true)), touched AS (
        UPDATE accounts_session SET seen_at = %s WHERE session_key IN (
            SELECT session_key FROM accounts_session WHERE {ALIVE} FOR NO KEY UPDATE SKIP LOCKED
        )
    )
    SELECT session_data FROM accounts_session, soon WHERE {ALIVE}
"""  # noqa: S608 - constants of this module
TOUCHING_ON_SQLITE = f"UPDATE accounts_session SET seen_at = %s WHERE {ALIVE} RETURNING session_data"  # noqa: S608


def stock():  # type: ignore[no-untyped-def]
    from importlib import import_module

    return import_module(NAME).SessionStore


def prepare(account):  # type: ignore[no-untyped-def]
    """A session among a hundred thousand, and two browsers that have it."""
    from django.conf import settings
    from django.test import Client, override_settings
    from django.utils import timezone

    from accounts.models import Session
    from common import limits

    later = timezone.now() + limits.SESSION_LONGEST
    Session.objects.bulk_create(
        (Session(session_key=f"{number:032}", session_data="x" * 400, expire_date=later) for number in range(100_000)),
        batch_size=5000,
    )
    settings.ALLOWED_HOSTS = ["testserver"]
    ours, theirs = Client(), Client()
    ours.force_login(account)
    ours.get("/portal/home")
    theirs.cookies = ours.cookies
    with override_settings(SESSION_ENGINE=NAME):
        theirs.get("/portal/home")  # its handler keeps the engine it began with
    return ours.cookies["sessionid"].value, {"ours": ours, "Django's": theirs}


def loading(store, key: str) -> Callable[[], None]:  # type: ignore[no-untyped-def]
    def work() -> None:
        right(store(key).load())

    return work


def statement(key: str, sql: str) -> Callable[[], None]:
    from django.db import connection
    from django.utils import timezone

    from accounts.sessions import store as session_store
    from common import limits

    store, adapt = session_store.SessionStore(key), connection.ops.adapt_datetimefield_value

    def work() -> None:
        now = timezone.now()
        alive = [key, adapt(now), adapt(now - limits.SESSION_IDLE)]
        with connection.cursor() as cursor:
            cursor.execute(sql, [adapt(now), *alive, *alive][: sql.count("%s")])
            right(store.decode(cursor.fetchone()[0]))

    return work


def once_a_minute(key: str, *, due: bool) -> Callable[[], None]:
    """Loading by the ORM: a SELECT and, if the last use is `due`, an UPDATE that skips a locked row."""
    from django.db import connection, transaction
    from django.utils import timezone

    from accounts.models import Session
    from accounts.sessions import store as session_store
    from common import limits

    store = session_store.SessionStore(key)
    free = Session.objects.filter(pk=key).select_for_update(skip_locked=True, no_key=True).values("pk")

    def touch() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL synchronous_commit TO off")
            Session.objects.filter(pk__in=free).update(seen_at=timezone.now())

    def work() -> None:
        now = timezone.now()
        alive = Session.objects.filter(pk=key, expire_date__gt=now, seen_at__gt=now - limits.SESSION_IDLE)
        data, seen_at = alive.values_list("session_data", "seen_at").get()
        if due or seen_at < now - timedelta(minutes=1):
            touch()
        right(store.decode(data))

    return work


def looking(browser) -> Callable[[], None]:  # type: ignore[no-untyped-def]
    def work() -> None:
        right(browser.get("/portal/home").status_code == 200)

    return work


def right(found: object) -> None:
    """What is quick because it found nothing is not measured."""
    if not found:
        raise SystemExit("the session was not found")


def report(what: str, works: dict[str, Callable[[], None]], times: int) -> None:
    rounds = [{name: seconds(work, times) for name, work in works.items()} for _ in range(ROUNDS)]
    for name in works:
        took = median(each[name] for each in rounds)
        ratio = median(each[name] / each["Django's"] for each in rounds)
        print(f"{what:5} {name:13} {took * 1e6:8.0f} µs   {ratio:5.2f} of Django's")


def seconds(work: Callable[[], None], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - began) / times


if __name__ == "__main__":
    main(next(iter(sys.argv[1:]), ""))
