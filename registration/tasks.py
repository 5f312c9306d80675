"""Celery tasks, started by hints and by the clock. They only call services; running one twice is safe."""

from celery import shared_task

from common import purging
from registration.services import housekeeping, matching


@shared_task(name="registration.match")
def match() -> int:
    return matching.match_due()


@shared_task(name="registration.sweep")
def sweep() -> int:
    return housekeeping.expire_abandoned()


@shared_task(name="registration.purge")
def purge() -> dict[str, int]:
    return purging.run_all()
