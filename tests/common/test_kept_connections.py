"""A kept connection to PostgreSQL is used again without a statement that asks for its health, and one that has ended
is noticed before a citizen's statement. With a real restart: tests/live/test_database_restart.py."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, close_old_connections, connection

from common import limits
from common.postgresql.base import can_be_read
from tests.support.live import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL (DATABASE_URL)"),
]
PING = "SELECT 1"


@pytest.fixture
def other() -> Iterator[Any]:
    """A connection of somebody else to the same database."""
    at = connection.settings_dict
    link = psycopg2.connect(host=at["HOST"], port=at["PORT"], dbname=at["NAME"], user=at["USER"])
    link.autocommit = True
    with link.cursor() as cursor:
        yield cursor
    link.close()


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The connection stays from request to request, as in a web process."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
    assert request_met()
    yield
    connection.close()


def request_met() -> int:
    """A request with one statement; the process of the server that answered it."""
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() -- the request's")
        return int(cursor.fetchone()[0])


def newest_statement(other: Any, process: int) -> str:
    other.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [process])
    return str(other.fetchone()[0])


def asked(other: Any, process: int) -> bool:
    """Whether the connection was asked for its health when the next request reached for the database."""
    close_old_connections()
    connection.cursor().close()
    return newest_statement(other, process) == PING


def test_a_connection_in_use_is_not_asked(other):
    process = request_met()  # the first one of all is
    assert not asked(other, process)
    assert request_met() == process


def test_a_connection_that_was_at_rest_is_asked_once(other, monkeypatch):
    process = request_met()
    monkeypatch.setattr(limits, "DATABASE_AT_REST", -limits.DATABASE_AT_REST)
    assert asked(other, process)


def test_after_a_failed_statement_it_is_asked(other):
    process = request_met()
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("SELECT nothing")
    assert asked(other, process)
    assert request_met() == process


def test_one_that_the_server_has_ended_is_left_before_a_statement_meets_it(other):
    process = request_met()
    other.execute("SELECT pg_terminate_backend(%s)", [process])
    wait_for(lambda: can_be_read(connection.connection.fileno()))
    assert request_met() != process


def test_one_that_was_closed_here_is_opened_anew():
    process = request_met()
    connection.connection.close()
    assert request_met() != process


def test_words_of_a_server_that_lives_end_nothing(other):
    process = request_met()
    with connection.cursor() as cursor:
        cursor.execute("LISTEN words")
    other.execute("NOTIFY words")
    wait_for(lambda: can_be_read(connection.connection.fileno()))
    assert asked(other, process)
    assert request_met() == process
    assert not asked(other, process)


def test_numbers_above_those_of_select_are_looked_at():
    reads, writes = os.pipe()
    high = fcntl.fcntl(reads, fcntl.F_DUPFD, 1030)
    try:
        assert not can_be_read(high)
        os.write(writes, b"x")
        assert can_be_read(high)
    finally:
        for each in (reads, writes, high):
            os.close(each)
