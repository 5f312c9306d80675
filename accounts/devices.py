"""Known devices: a signed cookie that says which accounts have signed in on this browser.

It gives no access. It only gives the browser a bucket of its own in `accounts.throttle`, so that
strangers' failures do not slow its owner down (OWASP: "device cookies"). Accounts stand in it as
keyed hashes; several, because households and café-nets share a browser.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "device"
LIFE = 365 * 24 * 3600
ACCOUNTS_AT_MOST = 8  # the latest; keeps the cookie under 400 bytes
_SALT = "accounts.devices"


def known_device(request: HttpRequest, *hashes: str) -> str:
    """The device's secret if the account with these keyed hashes (one a key) has signed in on it, else ""."""
    device, accounts = _read(request)
    return device if any(_short(account) in accounts for account in hashes) else ""


def remember(request: HttpRequest, response: HttpResponse, account: str) -> None:
    """From now on this browser is a known device of `account`. Call it after a right password."""
    device, accounts = _read(request)
    latest = [_short(account), *(other for other in accounts if other != _short(account))][:ACCOUNTS_AT_MOST]
    response.set_cookie(
        COOKIE,
        signing.dumps([device or secrets.token_hex(16), latest], salt=_SALT),
        max_age=LIFE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    try:
        value: Any = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=LIFE)
        device, accounts = value
    except (signing.BadSignature, ValueError):  # none, old, forged, or from an earlier version
        return "", []
    return device, accounts


def _short(account: str) -> str:
    return account[:16]
