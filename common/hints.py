"""Hints to workers, "look into the queue now": sent through Celery after commit, best effort.

A lost hint costs seconds, never a message: beat starts the same tasks regularly, and workers do so by themselves. If
Redis is unreachable, one request waits for the socket time-out; then no hints are sent for a while.
"""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from common.process_state import register_reset

log = logging.getLogger(__name__)

SKIP_FOR = 30.0  # seconds without hints after Redis failed to answer
HINT_LIFE = 60.0  # seconds; after an outage of the workers, thousands of old hints are dropped unread
_skip_until = 0.0


def hint(task: str) -> None:
    """Run the Celery task named `task` soon after the current transaction commits."""
    transaction.on_commit(lambda: _publish(task), robust=True)


@register_reset
def forget() -> None:
    """Send the next hint even if the last one failed."""
    global _skip_until
    _skip_until = 0.0


def _publish(task: str) -> None:
    global _skip_until
    if time.monotonic() < _skip_until:
        return
    try:
        import_string(settings.HINTS_THROUGH).send_task(task, retry=False, ignore_result=True, expires=HINT_LIFE)
    except Exception as error:  # kombu, redis and socket errors share no base class
        _skip_until = time.monotonic() + SKIP_FOR
        log.warning("hint %s not published (%s); workers look by themselves", task, type(error).__name__)
