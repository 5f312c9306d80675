"""Guards pages that are for signed-in citizens only, and tells a browser when its session is gone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.sessions import given_back
from accounts.sessions import texts as session_texts

View = Callable[..., HttpResponse]


def is_citizen(user: Any) -> bool:
    """Whether `user` (perhaps anonymous) is a signed-in citizen; staff are not."""
    return isinstance(user, User) and bool(user.national_id)


def citizen_required(view: View) -> View:
    """Decorator: the page is for signed-in citizens; others are sent to the sign-in. Never cached."""

    @wraps(view)
    @never_cache
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not is_citizen(request.user):
            return _to_sign_in(request)
        return view(request, *args, **kwargs)

    return guarded


def next_of(request: HttpRequest) -> str:
    """The page of the portal that the person wanted before the sign-in came between; "" for none, and for an address of
    somebody else's."""
    wanted = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    if not wanted:
        return ""
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return str(wanted) if ours else ""


def query_of(next_page: str) -> str:
    """`?next=…` for behind an address; "" for none."""
    return f"?{urlencode({REDIRECT_FIELD_NAME: next_page})}" if next_page else ""


def say_session_over(request: HttpRequest) -> None:
    """Tell a browser that its session is gone. A browser that never had one is told nothing, nor one that was told the
    reason."""
    had_one = bool(request.COOKIES.get(settings.SESSION_COOKIE_NAME))
    if had_one and request.session.session_key is None and not getattr(request, "session_elsewhere", False):
        messages.info(request, session_texts.sentence("session_over"))


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to the sign-in, and from there back to the page. What was typed in a form is given back."""
    if request.method == "POST" and (response := given_back.answer_signed_out(request)):
        return response
    say_session_over(request)
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    return redirect("sign_in")
