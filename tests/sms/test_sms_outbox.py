"""Putting an SMS into somebody's transaction."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest
from celery import Celery
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common.errors import PortalError
from sms import outbox, parts
from sms.models import Message, MessageKind, MessageState
from tests.support.accounts import together
from tests.support.sms_fixtures import NUMBER, queue

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("to", "text", "code"),
    [
        ("+982188888888", "متن", "bad_number"),  # a landline
        ("+905321234567", "متن", "bad_number"),
        ("09121234567", "متن", "bad_number"),  # rows hold E.164 only
        ("+98912123456", "متن", "bad_number"),
        ("", "متن", "bad_number"),
        (NUMBER, "", "empty_text"),
        (NUMBER, " \n ", "empty_text"),
        (NUMBER, "\u200c\u200f\u2060\ufeff", "empty_text"),  # nothing of it can be seen
        (NUMBER, "م" * 901, "text_too_long"),
        (NUMBER, "نتیجه\0", "bad_text"),
        (NUMBER, "نتیجه \ud83d", "bad_text"),  # half an emoji
    ],
)
def test_what_no_gateway_takes_is_refused_where_it_is_queued(to, text, code):
    with pytest.raises(PortalError) as refusal:
        outbox.enqueue(to=to, kind=MessageKind.RESULT, text=text, dedupe_key="x")
    assert refusal.value.code == code
    assert not Message.objects.exists()


def test_the_longest_text_is_taken_and_its_parts_are_counted():
    message = queue(text="م" * 900)
    assert (message.state, message.parts, message.next_attempt_at is not None) == (MessageState.QUEUED, 14, True)


def test_the_same_key_three_times_is_one_message_and_the_first_text_stays():
    first = queue(dedupe_key="result:7", text="نخست")
    again = [queue(dedupe_key="result:7", text="دیگر") for _ in range(2)]
    assert {message.pk for message in again} == {first.pk}
    assert Message.objects.get().text == "نخست"


def test_a_repeated_key_leaves_the_callers_transaction_usable():
    with transaction.atomic():
        queue(dedupe_key="a")
        queue(dedupe_key="a")
        queue(dedupe_key="b")
    assert Message.objects.count() == 2


def test_adding_a_message_costs_one_insert():
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        message = queue()
    assert [query["sql"].split()[0] for query in captured] == ["INSERT"]
    assert Message.objects.get() == message


def test_what_comes_back_is_what_the_row_holds():
    message = queue(MessageKind.CODE, operator="mci")
    stored = Message.objects.get(pk=message.pk)
    names = [field.attname for field in Message._meta.concrete_fields]
    assert {name: getattr(message, name) for name in names} == {name: getattr(stored, name) for name in names}
    message.operator = "rightel"
    message.save()  # it is that row, not another one to be inserted
    assert Message.objects.get().operator == "rightel"


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_is_one_message(published):
    found = together(lambda _: queue(dedupe_key="result:7").pk, threads=6)
    assert found == [Message.objects.get().pk] * 6
    assert published == ["sms.drain"]


def test_codes_go_before_results_and_results_before_notices():
    kinds = (MessageKind.NOTICE, MessageKind.ALERT, MessageKind.CODE, MessageKind.RESULT)
    messages = [queue(kind) for kind in kinds]
    assert [m.kind for m in sorted(messages, key=lambda m: m.priority)] == ["code", "alert", "result", "notice"]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_leaves_no_message_and_no_hint(published):
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        queue()
        _ = 1 / 0
    assert (Message.objects.count(), published) == (0, [])
    with transaction.atomic():
        queue()
        assert published == []  # not before the commit: the worker would see nothing
    assert (Message.objects.count(), published) == (1, ["sms.drain"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("real_hints")
@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "nobody listens"])
def test_a_broker_that_does_not_answer_costs_one_request_two_seconds_at_most(monkeypatch, caplog, frozen):
    """Frozen: it takes the connection and never answers, as Redis does under SIGSTOP."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listener:
        port = listener.getsockname()[1]
        if not frozen:
            listener.close()
        app = Celery("frozen", broker=f"redis://127.0.0.1:{port}/0", set_as_current=False)
        app.config_from_object({**_celery_settings(), "broker_url": f"redis://127.0.0.1:{port}/0"})
        monkeypatch.setattr("tamin_portal.celery.app", app)
        first, second = _seconds(queue), _seconds(queue)
    assert Message.objects.count() == 2
    assert first < 2.5
    assert second < 0.3
    assert [record.name for record in caplog.records].count("common.hints") == 1  # it was tried, once


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("real_hints")
def test_a_hint_waits_in_the_sms_queue_and_not_for_ever(monkeypatch):
    app = Celery("hinted", set_as_current=False)
    app.config_from_object({**_celery_settings(), "broker_url": "memory://", "broker_transport_options": {}})
    monkeypatch.setattr("tamin_portal.celery.app", app)
    queue()
    with app.connection_for_read() as broker:
        hint = broker.SimpleQueue("sms").get_nowait()
    assert hint.headers["task"] == "sms.drain"
    assert hint.headers["expires"] is not None


def _celery_settings() -> dict[str, object]:
    names = ("BROKER_TRANSPORT_OPTIONS", "TASK_DEFAULT_QUEUE", "TASK_ROUTES", "TASK_IGNORE_RESULT")
    return {name.lower(): getattr(settings, f"CELERY_{name}") for name in names}


def _seconds(work) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("م" * 70, 1),
        ("م" * 71, 2),
        ("م" * 134, 2),
        ("م" * 135, 3),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),  # counts twice
        ("a" * 70 + "\u200c", 2),  # one ZWNJ makes the whole text UCS-2
        ("م" * 68 + "😀", 1),
        ("م" * 69 + "😀", 2),  # a pair of surrogates
    ],
)
def test_parts_are_counted_as_the_operators_bill_them(text, expected):
    assert parts.count(text) == expected
