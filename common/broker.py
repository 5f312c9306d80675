"""Whether Redis, which carries the hints, answers. Nothing waits for it: without hints workers look by themselves."""

from __future__ import annotations

import threading
import time

from django.conf import settings
from django.utils.module_loading import import_string

from common import limits
from common.process_state import register_reset

_asking = threading.Lock()  # one thread asks, the others take the last answer
_asked_at = 0.0  # monotonic; 0: never
_fault = ""


def fault() -> str:
    """Why no hint goes through at the moment, as a word without a secret; empty: Redis answers.

    It is asked at most every `limits.BROKER_ASKED_EVERY`, with the time-outs and the TLS of the hints.
    """
    global _asked_at, _fault
    due = not _asked_at or time.monotonic() - _asked_at > limits.BROKER_ASKED_EVERY.total_seconds()
    if due and _asking.acquire(blocking=False):
        try:
            _fault = _ask()
            _asked_at = time.monotonic()
        finally:
            _asking.release()
    return _fault


@register_reset
def forget() -> None:
    """Ask at the next look."""
    global _asked_at, _fault
    _asked_at, _fault = 0.0, ""


def _ask() -> str:
    try:
        with import_string(settings.HINTS_THROUGH).connection_for_write() as link:
            link.ensure_connection(max_retries=1, interval_start=0, interval_max=0, timeout=1)
    except Exception as error:  # kombu, redis and socket errors share no base class; their words may hold the URL
        return type(_first(error)).__name__
    return ""


def _first(error: BaseException) -> BaseException:
    """What began it: kombu's error stands for one of redis-py, and that for a refusal, a time-out, a certificate."""
    found, each = error, error.__cause__ or error.__context__
    while each is not None:
        if isinstance(each, OSError) or type(each).__module__.startswith("redis"):
            found = each
        each = each.__cause__ or each.__context__
    return found
