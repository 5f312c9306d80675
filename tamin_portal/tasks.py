"""Celery's way in: the clock."""

from celery import shared_task

from tamin_portal import proxies


@shared_task(name="portal.watch", ignore_result=True)
def watch() -> None:
    """Look whether citizens have addresses of their own."""
    proxies.watch()
