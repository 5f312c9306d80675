"""Celery tasks of SMS, started by hints and by the clock. Extra runs are harmless: with nothing due, each costs a
statement."""

from celery import shared_task

from common import alarms
from sms import budget, seen
from sms.reports import applying, by_part, polling, pushed
from sms.sending import drain


@shared_task(name="sms.drain", ignore_result=True)
def drain_queue() -> None:
    """Send what is due."""
    drain.drain()


@shared_task(name="sms.read_receipts", ignore_result=True)
def read_receipts() -> None:
    """Read the receipts that gateways have pushed."""
    pushed.drain()


@shared_task(name="sms.poll", ignore_result=True)
def poll() -> None:
    """Poll the gateways that push no receipts."""
    polling.poll()


@shared_task(name="sms.watch", ignore_result=True)
def watch() -> None:
    """Check the daily budget, tell of gateways that nobody has seen, end the wait for receipts that never came, end old
    alarms."""
    budget.watch()
    seen.watch()
    by_part.learn()
    applying.give_up_waiting()
    alarms.end_old()
