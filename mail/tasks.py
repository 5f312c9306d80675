"""Celery's way in: hints and the clock. Any number of them is harmless: with nothing due, a statement each."""

import threading

from celery import shared_task

from mail import delivery

_drains = threading.Lock()  # one in a process: a server that hangs must not take all threads from the receipts


@shared_task(name="mail.drain", ignore_result=True)
def drain() -> None:
    """Send what is due. What is queued while a drain of this process ends is found by the clock's next one."""
    if _drains.acquire(blocking=False):
        try:
            delivery.drain()
        finally:
            _drains.release()
