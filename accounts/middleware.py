"""Sessions of browsers that do several things at once: tabs, double clicks, an end that comes from elsewhere."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect


class Sessions(SessionMiddleware):
    """Django's, with two outcomes of its own.

    A session that was ended while a request was under way: its answer is kept if it leads on, else the page is
    asked for again and says what a browser without that session is told. Never an error page.

    A key that is unknown: the cookie stays. It may be a request that was on its way when another tab's got the
    browser a new key, and the answer would delete that one.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What was ended cannot get a new key (`SessionStore.cycle_key`): the sign-in is the way on."""
        if not isinstance(exception, SessionInterrupted):
            return None
        return redirect("admin:index" if request.path.startswith("/admin/") else "home")

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            response = super().process_response(request, response)
        except SessionInterrupted:
            return response if 300 <= response.status_code < 400 else redirect(request.get_full_path())
        if getattr(request.session, "unknown", False) and request.session.is_empty():
            response.cookies.pop(settings.SESSION_COOKIE_NAME, None)
        return response
