"""What a browser keeps of requests: one random secret in a cookie, to which they are bound. It outlives a session that
ended by idleness, and a sign-in's new key."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from common import limits
from openid import credentials
from openid.requests import COOKIE, browser_in


def secret_of(request: HttpRequest) -> str:
    """The secret of this browser; a new one if it has none, the same for the rest of the request."""
    held: str = getattr(request, "openid_browser", "") or browser_in(request.COOKIES) or credentials.new()
    request.openid_browser = held  # type: ignore[attr-defined]
    return held


def remember(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Write the browser's secret into its cookie, for as long as a request that came now is known: past its life it is
    still told from a stranger's."""
    response.set_cookie(
        settings.COOKIE_PREFIX + COOKIE,
        secret_of(request),
        max_age=limits.OPENID_REQUEST + limits.OPENID_REQUESTS_KEPT,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return response
