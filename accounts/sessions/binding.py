"""Binds a signed-in citizen's session to the engine of its browser, and ends it when another engine uses it (OWASP:
session binding)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from django_otp.middleware import OTPMiddleware

from accounts.models import User
from accounts.sessions import browsers, ending
from accounts.sessions import texts as session_texts
from accounts.sessions.keys import key_of_row


def bind_session(request: HttpRequest, **_said: Any) -> None:
    """Bind the session to this browser at a sign-in, of whatever kind. Called by the signal `user_logged_in`."""
    request.session[browsers.ENGINE] = browsers.engine(request)


class BoundSessionAuthentication(AuthenticationMiddleware):
    """Django's `request.user`, but a citizen's session ends when another engine uses it: the password is asked for
    again, and no alarm is raised (docs/decisions/0029).

    The user is also told who typed a one-time code in this session (django-otp; no query for citizens). A page that
    does not ask for `request.user` costs nothing more.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self._verified = OTPMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.user = SimpleLazyObject(lambda: _user(request))  # type: ignore[assignment]
        return self._verified(request)


def _user(request: HttpRequest) -> Any:
    user = get_user(request)
    if not isinstance(user, User) or not user.national_id:
        return user
    begun_on = request.session.get(browsers.ENGINE, "")
    if begun_on == browsers.engine(request):
        return user
    if begun_on:  # a session from before engines were kept is ended too, without a notice
        key = key_of_row(request.session)
        ending.end_used_elsewhere(account=user, session_key=key, browser=browsers.in_words(request))
        messages.info(request, session_texts.sentence("session_elsewhere"), fail_silently=True)
        request.session_elsewhere = True  # type: ignore[attr-defined]
    request.session.flush()
    request._cached_user = AnonymousUser()  # type: ignore[attr-defined]
    return request._cached_user  # type: ignore[attr-defined]
