"""Hints are the messages that Celery itself would send, with an ID and an end of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import Celery
from django.conf import settings

from common import hints

OWN = ("id", "root_id", "expires", "origin")  # headers that differ from message to message, or by the process


@pytest.fixture
def app(monkeypatch) -> Celery:
    """An application with our queues, whose broker is this process's memory."""
    made = Celery("hinted", set_as_current=False)
    ours = {name: getattr(settings, name) for name in dir(settings) if name.startswith("CELERY_")}
    made.config_from_object({name.removeprefix("CELERY_").lower(): value for name, value in ours.items()})
    made.conf.update(broker_url="memory://", broker_transport_options={})
    monkeypatch.setattr("tamin_portal.celery.app", made)
    return made


def sent(app: Celery, queue: str) -> Any:
    with app.connection_for_read() as broker:
        return broker.SimpleQueue(queue).get_nowait()


@pytest.mark.usefixtures("real_hints")
@pytest.mark.parametrize(("task", "queue"), [
    ("sms.drain", "sms"),
    ("registration.match", "identity"),
    ("accounts.send_codes", "sms"),
    ("mail.drain", "receipts"),
])  # fmt: skip
def test_a_hint_is_the_message_that_celery_would_send(app, task, queue):
    app.send_task(task, retry=False, ignore_result=True, expires=hints.HINT_LIFE)
    theirs = sent(app, queue)
    hints._publish(task)
    ours = sent(app, queue)
    assert ours.payload == theirs.payload
    assert (ours.content_type, ours.content_encoding) == (theirs.content_type, theirs.content_encoding)
    assert ours.headers.keys() == theirs.headers.keys()
    assert _alike(ours.headers) == _alike(theirs.headers)
    for name in ("priority", "delivery_mode", "delivery_info", "body_encoding"):  # no result, so nobody is replied to
        assert ours.properties[name] == theirs.properties[name], name


@pytest.mark.usefixtures("real_hints")
def test_each_hint_has_an_id_and_an_end_of_its_own(app):
    for _ in range(3):
        hints._publish("sms.drain")
    messages = [sent(app, "sms") for _ in range(3)]
    assert len({message.headers["id"] for message in messages}) == 3
    for message in messages:
        assert message.headers["root_id"] == message.properties["correlation_id"] == message.headers["id"]
        left = datetime.fromisoformat(message.headers["expires"]) - datetime.now(UTC)
        assert timedelta(0) < left <= timedelta(seconds=hints.HINT_LIFE)


def _alike(headers: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in headers.items() if name not in OWN}
