"""Celery tasks of e-mail, started by hints and by the clock. Extra runs are harmless: with nothing due, each costs a
statement."""

import threading

from celery import shared_task

from mail import delivery

_drains = threading.Lock()  # one in a process: a mail server that hangs must not occupy all threads


@shared_task(name="mail.drain", ignore_result=True)
def drain() -> None:
    """Send what is due. A letter queued while a drain of this process ends is found by the clock's next run."""
    if _drains.acquire(blocking=False):
        try:
            delivery.drain()
        finally:
            _drains.release()
