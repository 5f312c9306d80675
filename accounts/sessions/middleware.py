"""Middleware of sessions: several requests of one browser at once, sessions that are ended meanwhile, and the old names
of device cookies."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.sessions import devices
from accounts.sessions.store import SessionStore


def note_sign_out(request: HttpRequest, **_said: object) -> None:
    """Note a sign-out, of whatever kind: the response clears what the browser stores. Called by the signal
    `user_logged_out`."""
    request.signed_out = True  # type: ignore[attr-defined]


class Sessions(SessionMiddleware):
    """Django's session middleware, with four differences.

    A session that was ended while a request was under way: a redirect is answered as it is; any other answer is
    replaced by the same page, which then says what a browser without that session is told. Never an error page.

    A sign-out: the browser is told to delete cached pages and storage. Never cookies: those of a trusted device, and of
    other services of the domain, would be deleted too.

    An unknown key: the cookie stays. The request may have been under way when another tab's got a new key for the
    browser, and the response would delete that one.

    Device cookies from before their names had the prefix `__Host-` are read, and renamed in the browser.
    """

    def process_request(self, request: HttpRequest) -> None:
        devices.read_old_cookie_names(request)
        super().process_request(request)

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response = self._saved(request, response)
        if isinstance(request.session, SessionStore):
            request.session.note_use()
        if getattr(request, "signed_out", False):
            response["Clear-Site-Data"] = '"cache", "storage"'
        devices.rename_old_cookies(request, response)
        return response

    def _saved(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            response = super().process_response(request, response)
        except SessionInterrupted:
            return response if 300 <= response.status_code < 400 else redirect(request.get_full_path())
        if getattr(request.session, "unknown", False) and request.session.is_empty():
            response.cookies.pop(settings.SESSION_COOKIE_NAME, None)
        return response
