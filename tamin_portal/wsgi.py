"""The portal as a WSGI application, for gunicorn."""

from __future__ import annotations

import codecs
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from tamin_portal.database import limit_waits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tamin_portal.settings")
REFUSED_CHARSET = "portal.refused_charset"
READ_AWAY_AT_MOST = 16 * 1024 * 1024  # bytes of a body that the application left unread
READ_AWAY_WITHIN = 20.0  # seconds

limit_waits()
_django = get_wsgi_application()


def _take_utf8_only(environ: dict[str, Any]) -> None:
    """Hide any other charset from Django and say so (`OrdinaryRequests` then answers 400).

    Django decodes with whatever codec a request names, rot13 and unicode_escape among them, and
    fails with some of them before the first middleware.
    """
    kind = ""
    try:
        kind, parameters = parse_header_parameters(environ.get("CONTENT_TYPE", ""))
        fine = codecs.lookup(parameters.get("charset", "utf-8")).name == "utf-8"
    except (LookupError, ValueError):
        fine = False
    if not fine:
        environ["CONTENT_TYPE"] = kind
        environ[REFUSED_CHARSET] = "1"


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer, and read away what is left of the request's body.

    A body over the limit is refused unread (413). Hanging up on it would reset the connection, and
    the person would see the browser's error instead of our page.
    """
    _take_utf8_only(environ)
    answer = _django(environ, start_response)
    left, ends = READ_AWAY_AT_MOST, time.monotonic() + READ_AWAY_WITHIN
    while left > 0 and time.monotonic() < ends and (read := environ["wsgi.input"].read(65_536)):
        left -= len(read)
    return answer
