"""The Celery tasks of accounts, which the clock starts."""

from celery import shared_task

from accounts import owner_checks
from accounts.codes import abuse_alarms, challenges, issuing, sending
from accounts.sign_in import refusals


@shared_task(name="accounts.watch", ignore_result=True)
def watch() -> None:
    """Update the alarms about abuse of codes and of sign-ins."""
    abuse_alarms.update_alarms()


@shared_task(name="accounts.send_codes", ignore_result=True)
def send_codes() -> None:
    """Send the codes that were asked for and could not be sent at once."""
    challenges.release_called()
    challenges.send_due()
    issuing.release_called()
    sending.send_due()


@shared_task(name="accounts.check_owners", ignore_result=True)
def check_owners() -> None:
    """Ask the registry who owns the mobiles in the queue."""
    owner_checks.check_due()


@shared_task(name="accounts.tell_owners", ignore_result=True)
def tell_owners() -> None:
    """Notify the owners of accounts of refused sign-ins, which the page must not tell of."""
    refusals.notify_due()
