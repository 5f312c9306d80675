"""A whole portal behind PgBouncer and a Redis with TLS, on a PostgreSQL of its own; each goes and comes back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers.pgbouncer import pgbouncer
from tests.peers.redis_tls import redis_tls
from tests.support import live
from tests.support.live import Portal, register, sign_in, somebody, step_one, until, wait_for
from tests.support.own_postgres import OwnPostgres, own_postgres

pytestmark = pytest.mark.peers


@dataclass(frozen=True)
class Servers:
    """The portal, and what it hangs on. The two stacks hold PgBouncer and Redis: closed, the server is gone."""

    portal: Portal
    postgres: OwnPostgres
    pooler: ExitStack
    redis: ExitStack


@pytest.fixture
def servers(new_home: Path, tmp_path: Path) -> Iterator[Servers]:
    with own_postgres() as postgres, ExitStack() as pooler, ExitStack() as redis:
        at = {"HOST": "127.0.0.1", "PORT": postgres.port, "NAME": "postgres", "USER": "portal", "PASSWORD": ""}
        (tmp_path / "pooler").mkdir()
        (tmp_path / "redis").mkdir()
        port = pooler.enter_context(pgbouncer(tmp_path / "pooler", at))
        server = redis.enter_context(redis_tls(tmp_path / "redis"))
        url = f"postgres://portal@127.0.0.1:{port}/postgres"
        shutil.copytree(new_home, tmp_path / "home")
        env = {"DATABASE_URL": url, "REDIS_URL": server.url(), "REDIS_CA": str(server.ca)}
        with live.run(tmp_path / "home", env=env) as portal:
            portal.until_ready()
            yield Servers(portal, postgres, pooler, redis)


def whole_way(portal: Portal, number: int) -> None:
    citizen = somebody(number)
    register(portal.person(), citizen)
    until(lambda: portal.home.results(citizen.mobile), what="the result")


def test_the_journey_goes_through_them_and_through_their_outages(servers: Servers) -> None:
    portal = servers.portal
    person, citizen = portal.person(), live.demo("matches")
    register(person, citizen)
    until(lambda: portal.home.results(citizen.mobile), what="the result")
    sign_in(person, citizen)
    portal.home.manage("purge")

    servers.postgres.restart()  # PgBouncer stays: it tells each client that its server is gone
    wait_for(lambda: live.is_ready(portal.port))
    whole_way(portal, 5100)

    person, citizen = portal.person(), somebody(5101)
    person.go("/portal/registration")
    servers.postgres.stop()
    try:
        page = person.press(citizen.step_one())
        assert (page.status, "ده ثانیه" in page.text) == (503, True), page.summary()
    finally:
        servers.postgres.start()
    until(lambda: person.press({}).status == 200, what="the button to find the database", seconds=60)
    person.expect("کد شناسه")

    servers.redis.close()
    began = time.monotonic()
    step_one(portal.person(), somebody(5102))
    until(lambda: portal.home.codes(somebody(5102).mobile), what="a code without Redis")
    assert time.monotonic() - began < 20
    assert "degraded: redis (ConnectionRefusedError)" in portal.person().go("/readyz").text
    whole_way(portal, 5103)


def test_a_pooler_that_is_away_is_a_page_and_no_error(servers: Servers) -> None:
    person = servers.portal.person()
    person.go("/portal/registration")
    servers.pooler.close()
    page = person.press(somebody(5110).step_one())
    assert (page.status, "ده ثانیه" in page.text) == (503, True), page.summary()
    assert somebody(5110).national_id in page.text
