"""Celery task of the shell, started by the clock."""

from celery import shared_task

from tamin_portal import proxies


@shared_task(name="portal.watch", ignore_result=True)
def watch() -> None:
    """Look for a proxy that is not trusted (`proxies.watch`)."""
    proxies.watch()
