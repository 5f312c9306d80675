"""The Celery application. Queues: `sms` (codes, results), `receipts` (what became of them; e-mail; sign-outs that
services are told) and `identity` (matching, housekeeping)."""

import os
from typing import Any

from celery import Celery
from celery.signals import (
    beat_init,
    task_postrun,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_shutdown,
    worker_shutting_down,
)

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


@worker_init.connect
def end_in_order(**kwargs: Any) -> None:
    """A worker that stops claims no message more, and ends only when what it has begun is written: what is left to the
    end of the interpreter is a message in doubt, and a code in doubt is lost. Connected before the clock is, which
    waits for its own threads, so that their drains know."""
    from openid.logout import sending as sign_outs
    from sms.sending import drain, resident

    def stop(**_: Any) -> None:
        drain.stop()
        resident.stop()
        sign_outs.stop()

    def end(**_: Any) -> None:
        stop()
        resident.end()

    worker_shutting_down.connect(stop, weak=False)
    for over in (worker_shutdown, worker_process_shutdown):
        over.connect(end, weak=False)


@worker_init.connect
def look_also_without_hints(sender: Any = None, **kwargs: Any) -> None:
    """Start the worker's own clock, after the two above and before the worker waits for Redis.

    A pool that forks gets one in each of its processes instead: what is forked while a thread holds a lock (of the log,
    of psycopg) waits for that lock for ever.
    """
    if "prefork" in str(getattr(sender, "pool_cls", "")):
        worker_process_init.connect(begin_clock, weak=False)
    else:
        begin_clock()


def begin_clock(**kwargs: Any) -> None:
    from tamin_portal import clock

    clock.start(app)


@worker_init.connect
def work_for_all_with_a_bind(**kwargs: Any) -> None:
    """A worker that holds an SMPP bind looks into the queue by itself: the others leave its messages to it."""
    from sms.sending import resident

    resident.enable()


@task_postrun.connect
def let_go_of_a_broken_database_connection(**kwargs: Any) -> None:
    """Close a database connection that PostgreSQL has ended: Celery keeps one for CELERY_DB_REUSE_MAX tasks."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close()
