"""The portal as a WSGI application, for gunicorn."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

from common.database import limit_waits

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tamin_portal.settings")
REFUSED_CHARSET = "portal.refused_charset"

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
    """Answer. All of the request's body is here already, or was discarded as larger than any form (`web_worker`)."""
    _take_utf8_only(environ)
    answer: Iterable[bytes] = _django(environ, start_response)
    return answer
