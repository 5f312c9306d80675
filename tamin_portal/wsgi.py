"""The portal as a WSGI application, for gunicorn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tamin_portal.settings")
READ_AWAY_AT_MOST = 16 * 1024 * 1024  # bytes of a body that the application left unread
READ_AWAY_WITHIN = 20.0  # seconds

_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer, and read away what is left of the request's body.

    A body over the limit is refused unread (413). Hanging up on it would reset the connection, and
    the person would see the browser's error instead of our page.
    """
    answer = _django(environ, start_response)
    left, ends = READ_AWAY_AT_MOST, time.monotonic() + READ_AWAY_WITHIN
    while left > 0 and time.monotonic() < ends and (read := environ["wsgi.input"].read(65_536)):
        left -= len(read)
    return answer
