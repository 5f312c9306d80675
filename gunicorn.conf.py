"""How gunicorn serves the portal, in `make run` and in a container alike.

From the environment: BIND (default 127.0.0.1:$PORT, 9090), WEB_WORKERS, WEB_THREADS,
PORTAL_DEMO_BEHIND_LOOPBACK.
"""

import os
import sys
from typing import Any


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text)):
        sys.exit(f"{name} is '{text[:20]}'; it is a whole number from 1 to 9999")
    return int(text)


def _switch(name: str) -> bool:
    text = os.environ.get(name) or "0"
    if text not in ("0", "1"):
        sys.exit(f"{name} is '{text[:20]}'; it is 1, or not set")
    return text == "1"


_behind_loopback = _switch("PORTAL_DEMO_BEHIND_LOOPBACK")
bind = os.environ.get("BIND") or f"127.0.0.1:{os.environ.get('PORT') or 9090}"
wsgi_app = "tamin_portal.wsgi"
worker_class = "tamin_portal.web_worker.PatientWorker"  # no thread ever waits for a slow client
workers = _number("WEB_WORKERS", 2)
threads = _number("WEB_THREADS", 4)
timeout = 30
graceful_timeout = 5
max_requests = 20_000  # a slow leak never becomes an outage
max_requests_jitter = 2_000
control_socket_disable = True  # its default path is shared by every gunicorn of this user
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108 - heartbeats, not on a slow disk

# No query, no address, no referrer: they could name a person.
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s, %(b)s bytes, %(M)s ms"  # commas: the filter takes "200 12345" for one number
logconfig_dict: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "no_personal_data": {"()": "common.logs.NoPersonalData"},
        "no_receipts": {"()": "common.logs.NoReceipts"},  # a gateway's token is in the path
    },
    "formatters": {"line": {"()": "common.logs.LineFormatter"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "filters": ["no_personal_data"], "formatter": "line"},
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "gunicorn.error": {"handlers": ["console"], "level": "INFO", "propagate": False},
        "gunicorn.access": {
            "handlers": ["console"],
            "filters": ["no_receipts"],
            "level": "INFO",
            "propagate": False,
        },
        "waitress.queue": {"level": "ERROR"},  # it would say at every request that others wait
    },
}


def on_starting(server: Any) -> None:
    """Refuse to serve with unsafe settings or another mode's database, or a demo to the network."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tamin_portal.settings")
    django.setup()
    from common.abuse import hashing_places
    from tamin_portal import web_memory
    from tamin_portal.startup import refuse_unsafe_or_exit

    refuse_unsafe_or_exit(server.cfg.address, behind_loopback=_behind_loopback)
    web_memory.return_what_is_freed()
    hashing_places.places()  # made here, so that all web processes share them
    web_memory.share_what_is_loaded()


def post_worker_init(worker: Any) -> None:
    """A web process knows from its first answer on whether the portal is being worked on."""
    from common import maintenance
    from tamin_portal import web_memory

    maintenance.watch()
    web_memory.leave_what_is_loaded()
