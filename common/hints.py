"""Hints to workers, "look into the queue now": sent through Celery after commit, best effort.

A lost hint costs seconds, never a message: beat starts the same tasks regularly, and workers do so by themselves. If
Redis is unreachable, one request waits for the socket time-out; then no hints are sent for a while.

All messages of a task are alike but for their ID and their end. So Celery writes one of each task, and the others are
made from it: routing, arguments and serialization are three quarters of what `send_task` costs.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
import uuid
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from kombu import serialization

from common.process_state import register_reset

log = logging.getLogger(__name__)

SKIP_FOR = 30.0  # seconds without hints after Redis failed to answer
HINT_LIFE = 60.0  # seconds; after an outage of the workers, thousands of old hints are dropped unread
_skip_until = 0.0
_written: WeakKeyDictionary[Any, dict[str, _Written]] = WeakKeyDictionary()  # of each Celery application


def hint(task: str) -> None:
    """Run the Celery task named `task` soon after the current transaction commits."""
    transaction.on_commit(lambda: _publish(task), robust=True)


@register_reset
def forget() -> None:
    """Send the next hint even if the last one failed."""
    global _skip_until
    _skip_until = 0.0
    _written.clear()


def _publish(task: str) -> None:
    global _skip_until
    if time.monotonic() < _skip_until:
        return
    try:
        _send(import_string(settings.HINTS_THROUGH), task)
    except Exception as error:  # kombu, redis and socket errors share no base class
        _skip_until = time.monotonic() + SKIP_FOR
        log.warning("hint %s not published (%s); workers look by themselves", task, type(error).__name__)


@dataclass(frozen=True, slots=True)
class _Written:
    """A task's message as Celery writes it: for its queue, the headers that do not change, and the body, serialized."""

    queue: Any
    headers: dict[str, Any]
    body: dict[str, Any]


def _send(app: Any, task: str) -> None:
    """Send a message of `task` as `app.send_task(task, retry=False, ignore_result=True, expires=HINT_LIFE)` would."""
    known = _written.setdefault(app, {})
    message = known.get(task) or known.setdefault(task, _write(app, task))
    name, queue = str(uuid.uuid4()), message.queue
    ends = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=HINT_LIFE)).isoformat()
    with app.producer_or_acquire() as producer:
        producer.publish(
            **message.body,
            headers=message.headers | {"id": name, "root_id": name, "expires": ends},
            exchange="",
            routing_key=queue.name,
            delivery_mode=queue.exchange.delivery_mode or app.conf.task_default_delivery_mode,
            correlation_id=name,
            reply_to="",
        )


def _write(app: Any, task: str) -> _Written:
    written = app.amqp.create_task_message("", task, (), {}, ignore_result=True)
    dumps: Any = serialization.dumps  # untyped
    kind, encoding, body = dumps(written.body, serializer=app.conf.task_serializer)
    queue = app.amqp.router.route({}, task)["queue"]
    return _Written(queue, written.headers, {"body": body, "content_type": kind, "content_encoding": encoding})
