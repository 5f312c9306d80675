"""Requests of ours to addresses that services have registered: one way out for all of them, with its rules.

Outside a demo only by https, with a valid certificate, and never to this machine, whatever the name leads to; redirects
are not followed, no proxy is used (`common.http_client`); the address itself was checked when it was stored
(`openid.addresses`).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from django.conf import settings

from common import http_client

NO_HTTPS = "no https"


def call(
    address: str, *, form: Mapping[str, str] | None = None, connect_within: float, answer_within: float
) -> http_client.Answer:
    """POST `form`, or GET where there is none. Uses no database. Raises http_client.NotSent or NoAnswer."""
    parts = urlsplit(address)
    if parts.scheme != "https" and not settings.DEMO:
        raise http_client.NotSent(NO_HTTPS)
    return http_client.Client(address, keep=False, only_outside=not settings.DEMO).request(
        "GET" if form is None else "POST",
        f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}",
        body=b"" if form is None else urlencode(form).encode(),
        headers={} if form is None else {"Content-Type": "application/x-www-form-urlencoded"},
        connect_within=connect_within,
        answer_within=answer_within,
    )
