"""Rows in pages, and limits that end with their transaction. Behind a pooler: tests/peers/test_pgbouncer.py."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from common.database import in_pages
from sms.models import Message
from tests.support.sms_fixtures import queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_every_row_comes_once_however_many_pages_there_are(count):
    keys = sorted(queue().pk for _ in range(count))
    assert [row.pk for row in in_pages(Message.objects.order_by("-pk"), size=2)] == keys


def test_rows_that_go_and_come_meanwhile_stop_nothing():
    for _ in range(5):
        queue()
    seen = []
    for row in in_pages(Message.objects.all(), size=2):
        seen.append(row.pk)
        row.delete()
        if len(seen) == 3:
            queue()
    assert len(seen) == 6
    assert not Message.objects.exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a setting of PostgreSQL")
def test_the_limits_are_of_the_transaction_and_not_of_the_session(waits_end):
    def shown() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout')")
            return cursor.fetchone()[0]

    with transaction.atomic():
        assert shown() == "300ms"
    assert shown() == "300ms"  # the statement is a transaction of its own
    with connection.connection.cursor() as bare:
        bare.execute("SHOW lock_timeout")
        assert bare.fetchone()[0] == "0"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a setting of PostgreSQL")
def test_what_refuses_to_be_in_a_transaction_still_works(waits_end):
    with connection.cursor() as cursor:
        cursor.execute("VACUUM sms_message")
        cursor.execute("  WITH one AS (SELECT 1) SELECT current_setting('lock_timeout') FROM one")
        assert cursor.fetchone()[0] == "300ms"
