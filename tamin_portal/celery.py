"""The Celery application. Queues: `sms` (codes, results), `receipts` (what became of them) and
`identity` (matching, housekeeping)."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tamin_portal.settings")

app = Celery("tamin_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def refuse_unsafe_settings(**kwargs: Any) -> None:
    """A worker or beat with unsafe settings ends at once, as the web does (gunicorn.conf.py)."""
    from tamin_portal.startup import refuse_unsafe_or_exit

    refuse_unsafe_or_exit()
