"""Requests by which the page's script keeps a session alive: of signed-in people, and of people who have begun
something."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.sessions.given_back import without_token
from accounts.sessions.store import SessionStore
from common import limits


@without_token
@require_POST
@never_cache
def stay(request: HttpRequest) -> HttpResponse:
    """Keep a signed-in session alive. Returns the seconds until it ends, and whether that end is the absolute one
    (`final`).

    401: it has ended.
    """
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    left = cast(SessionStore, request.session).seconds_left()
    return JsonResponse({"seconds": left, "final": left < limits.SESSION_IDLE.total_seconds()})


@without_token
@require_POST
@never_cache
def go_on(request: HttpRequest) -> HttpResponse:
    """As `stay`, for a session in which something was begun without a sign-in. 401: it has ended."""
    session = cast(SessionStore, request.session)
    if not session.holds_something():
        return HttpResponse(status=401)
    left = session.seconds_left()
    return JsonResponse({"seconds": left, "final": left < limits.SESSION_IDLE.total_seconds()})
