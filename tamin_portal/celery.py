"""The Celery application. Queues: `sms` (codes, results), `receipts` (what became of them; e-mail) and
`identity` (matching, housekeeping)."""

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, task_postrun, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tamin_portal.settings")

app = Celery("tamin_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def refuse_unsafe_settings(**kwargs: Any) -> None:
    """End a worker or beat with unsafe settings at once, as the web does (gunicorn.conf.py)."""
    from tamin_portal.startup import refuse_unsafe_or_exit

    refuse_unsafe_or_exit()


@worker_init.connect
def wait_for_no_lock_for_ever(**kwargs: Any) -> None:
    """Limit waits for database locks, before the pool is forked: for all its processes."""
    from common.database import limit_waits

    limit_waits()


@task_postrun.connect
def let_go_of_a_broken_database_connection(**kwargs: Any) -> None:
    """Close a database connection that PostgreSQL has ended: Celery keeps one for CELERY_DB_REUSE_MAX tasks."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close()
