"""A worker of the portal for `journey.py`, of whichever checkout is the current folder: works when it is told to.

Reads a JSON object a line, and answers with one: {"do": "sms", "mobile": …}: drains, and says what the phone received
last; {"do": "match", "mobiles": […]}: decides and sends, and says what each received last. Each answer has the CPU
seconds of this process so far, of its database's backend, and the backend's process ID.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from benchmarks.journeys.cpu import of_process


def serve() -> None:
    prepare()
    tell({})
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "match":
            run("registration.match")
        run("sms.drain")
        tell({"texts": [newest(mobile) for mobile in asked["mobiles"]]})


def prepare() -> None:
    """A process that runs the tasks itself, in turn."""
    import django

    django.setup()
    from common.installation import ensure_mode
    from tamin_portal.celery import app

    app.loader.import_default_modules()
    type(app).send_task = lambda *_args, **_more: None
    ensure_mode(fresh=True)


def tell(answer: dict[str, Any]) -> None:
    from django.db import connection

    connection.ensure_connection()
    backend = int(connection.connection.info.backend_pid)
    spent = {"cpu": time.process_time(), "database": of_process(backend), "backend": backend}
    print(json.dumps(answer | spent), flush=True)


def newest(mobile: str) -> str:
    from sms.models import InboxMessage

    return InboxMessage.objects.filter(to=f"+98{mobile[1:]}").latest("pk").text


def run(task: str) -> None:
    from tamin_portal.celery import app

    app.tasks[task]()


if __name__ == "__main__":
    serve()
