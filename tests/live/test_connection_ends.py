"""What ends a connection to PostgreSQL can be read from its socket, by TLS too: nothing else looks at a kept one
before a request's first statement (common/postgresql/base.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from common.postgresql.base import can_be_read
from tests.support.live import wait_for
from tests.support.own_postgres import OwnPostgres, own_postgres

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    with own_postgres(tls=True) as started:
        yield started


@pytest.fixture(params=["require", "disable"])
def link(server: OwnPostgres, request: pytest.FixtureRequest) -> Iterator[Any]:
    opened = psycopg2.connect(
        host="127.0.0.1", port=server.port, user="portal", dbname="postgres", sslmode=request.param
    )
    opened.autocommit = True
    assert opened.info.ssl_in_use == (request.param == "require")
    yield opened
    opened.close()


def asked(link: Any) -> int:
    with link.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class, pg_attribute")
        return int(cursor.fetchone()[0])


def test_a_connection_at_rest_has_nothing_to_be_read(link: Any) -> None:
    for _ in range(3):
        assert asked(link)
        assert not can_be_read(link.fileno())


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_that_ends_is_read(server: OwnPostgres, link: Any, how: str) -> None:
    assert asked(link)
    server.stop(how)
    try:
        wait_for(lambda: can_be_read(link.fileno()))
    finally:
        server.start()


def test_a_connection_that_is_ended_alone_is_read(server: OwnPostgres, link: Any) -> None:
    asked(link)
    with psycopg2.connect(server.url.replace("postgres://", "postgresql://")) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [link.info.backend_pid])
    other.close()
    wait_for(lambda: can_be_read(link.fileno()))
