"""Celery's way in: hints and the clock. Any number of them is harmless: with nothing due, a statement each."""

from celery import shared_task

from common import alarms
from sms import budget
from sms.reports import applying, polling, pushed
from sms.sending import drain


@shared_task(name="sms.drain", ignore_result=True)
def drain_queue() -> None:
    """Send what is due."""
    drain.drain()


@shared_task(name="sms.read_receipts", ignore_result=True)
def read_receipts() -> None:
    """Read what gateways have pushed."""
    pushed.drain()


@shared_task(name="sms.poll", ignore_result=True)
def poll() -> None:
    """Ask the gateways that push nothing."""
    polling.poll()


@shared_task(name="sms.watch", ignore_result=True)
def watch() -> None:
    """Look at the day's budget; stop waiting for what was never reported; end old alarms."""
    budget.watch()
    applying.give_up_waiting()
    alarms.end_old()
