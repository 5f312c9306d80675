"""A worker keeps its database connection from task to task; one that broke must not be kept."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from tamin_portal.celery import app


def twice_over_a_dead_connection(task: Any) -> list[str]:
    """How the task ends both times that one thread runs it, over a connection that is no more."""
    states: list[str] = []

    def run() -> None:
        connection.ensure_connection()
        connection.connection.close()
        states.extend(task.apply().state for _ in range(2))
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    return states


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["sms.drain", "sms.read_receipts", "sms.watch", "registration.match"])
def test_a_dead_connection_is_met_once(name):
    app.loader.import_default_modules()
    assert twice_over_a_dead_connection(app.tasks[name]) == ["FAILURE", "SUCCESS"]
