"""The script's "I am still here", from the pages of who is signed in and of who has begun something."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.sessions.store import SessionStore
from common import limits


@require_POST
@never_cache
def stay(request: HttpRequest) -> HttpResponse:
    """The script's "I am still here": the seconds until the session ends, and whether it does so whatever one does.

    401: it has ended.
    """
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    left = cast(SessionStore, request.session).seconds_left()
    return JsonResponse({"seconds": left, "final": left < limits.SESSION_IDLE.total_seconds()})


@require_POST
@never_cache
def go_on(request: HttpRequest) -> HttpResponse:
    """The same from the pages of who has begun something without being signed in. 401: it is forgotten."""
    session = cast(SessionStore, request.session)
    if not session.holds_something():
        return HttpResponse(status=401)
    left = session.seconds_left()
    return JsonResponse({"seconds": left, "final": left < limits.SESSION_IDLE.total_seconds()})
