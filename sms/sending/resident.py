"""A worker that holds a bind looks into the queue by itself, twice a second: hints go to any worker, and one without a
bind leaves the messages of that gateway here (`sms.binds`)."""

from __future__ import annotations

import logging
import threading
import time

from django.db import close_old_connections, connections

from common import limits
from common.process_state import register_reset
from sms import binds
from sms.sending import drain

log = logging.getLogger(__name__)

LOOK_EVERY = 0.5  # seconds
_AFTER_A_FAULT = 5.0
_thread: threading.Thread | None = None
_starting = threading.Lock()
_over = threading.Event()
_ends = 0.0  # time.monotonic(), until when what is under way is waited for


def enable() -> None:
    """From now on this process, a worker, works for all as soon as it holds a bind."""
    if start not in binds.on_taken:
        binds.on_taken.append(start)


def start() -> None:
    """Start looking, until no bind is held. Idempotent."""
    global _thread
    with _starting:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_look, name="sms-resident", daemon=True)
            _thread.start()


def stop() -> None:
    """Begin nothing any more. May be called by a signal handler."""
    global _ends
    if not _over.is_set():
        _ends = time.monotonic() + limits.CLOCK_ENDS_WITHIN.total_seconds()
        _over.set()


def end() -> None:
    """Stop, and wait for what is under way, until `limits.CLOCK_ENDS_WITHIN` after the stop at most."""
    stop()
    if _thread is not None and _thread.is_alive():
        _thread.join(max(0.0, _ends - time.monotonic()))


@register_reset
def _go_on() -> None:
    _over.clear()


def _look() -> None:
    try:
        while binds.held() and not _over.is_set():
            _over.wait(LOOK_EVERY if look() else _AFTER_A_FAULT)
    finally:
        connections.close_all()


def look() -> bool:
    """Drain, unless a drain of this process is at it. False: it failed."""
    close_old_connections()
    try:
        if not drain.is_claiming():
            drain.drain()
    except Exception as error:
        log.error("the queue of SMS was not looked into (%s)", type(error).__name__)
        return False
    return True
