"""Celery's way in: the clock."""

from celery import shared_task

from accounts import abuse


@shared_task(name="accounts.watch", ignore_result=True)
def watch() -> None:
    """Look for abuse of codes."""
    abuse.watch()
