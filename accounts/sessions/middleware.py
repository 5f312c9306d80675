"""Sessions of browsers that do several things at once: tabs, double clicks, an end that comes from elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.sessions import devices


class DeviceCookies:
    """Device cookies from before their names had the prefix `__Host-` are read, and renamed in the browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        devices.read_old_cookie_names(request)
        response = self.get_response(request)
        devices.rename_old_cookies(request, response)
        return response


def note_sign_out(request: HttpRequest, **_said: object) -> None:
    """Somebody signs out, by whichever way: the answer clears what the browser keeps of them. On `user_logged_out`."""
    request.signed_out = True  # type: ignore[attr-defined]


class Sessions(SessionMiddleware):
    """Django's, with two outcomes of its own.

    A session that was ended while a request was under way: its answer is kept if it leads on, else the page is
    asked for again and says what a browser without that session is told. Never an error page.

    A sign-out: the browser is told to forget pages and storage. Never cookies: those of a trusted device, and of other
    services of the domain, would go too.

    A key that is unknown: the cookie stays. It may be a request that was on its way when another tab's got the
    browser a new key, and the answer would delete that one.
    """

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What was ended cannot get a new key (`SessionStore.cycle_key`): the sign-in is the way on."""
        if not isinstance(exception, SessionInterrupted):
            return None
        return redirect("admin:index" if request.path.startswith("/admin/") else "home")

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = self._saved(request, response)
        if getattr(request, "signed_out", False):
            response["Clear-Site-Data"] = '"cache", "storage"'
        return response

    def _saved(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            response = super().process_response(request, response)
        except SessionInterrupted:
            return response if 300 <= response.status_code < 400 else redirect(request.get_full_path())
        if getattr(request.session, "unknown", False) and request.session.is_empty():
            response.cookies.pop(settings.SESSION_COOKIE_NAME, None)
        return response
