"""The Celery tasks of connected services, started by hints and by the clock. Extra runs are harmless: with nothing due,
each costs two statements."""

from celery import shared_task

from openid.logout import sending


@shared_task(name="openid.tell_services", ignore_result=True)
def tell_services() -> None:
    """Tell services of the sign-outs that are due."""
    sending.run()
