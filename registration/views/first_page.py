"""The address where a registration begins. Who comes without anything gets the empty first page, which is written once
for each language; everybody else goes to the wizard.

The page has two holes: the token against forged forms, and the nonce that tells its sendings apart
(`Journey.asker_of_page`). See docs/decisions/0062-forms-and-pages-made-once.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import reverse

from accounts.sessions import given_back
from accounts.sessions.store import SessionStore
from common.once import OncePerLanguage
from registration.session import new_nonce

_View = Callable[..., Any]
_HOLES = re.compile(rb'(?<=name="csrfmiddlewaretoken" value=")[^"]+|(?<=name="mobile-draft" value=")[^"]+')
_pages: OncePerLanguage[tuple[bytes, ...]] = OncePerLanguage()


def written_once(wizard: _View) -> _View:
    """Decorator of the wizard: its empty first page is not made anew for everybody."""

    @wraps(wizard)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not _comes_without_anything(request):
            return wizard(request, *args, **kwargs)
        before, between, after = _pages.get("first page", lambda: _write(wizard))
        page = (before, get_token(request).encode(), between, new_nonce().encode(), after)
        response = HttpResponse(b"".join(page))
        response["Cache-Control"] = "no-cache"  # as the wizard has it
        return response

    return answered


def _comes_without_anything(request: HttpRequest) -> bool:
    """Whether nothing that the page could say depends on this request: no session, so nobody is signed in and nothing
    was begun; nothing asked for in the address; no form given back; no message of the page before."""
    return (
        request.method == "GET"
        and not request.META.get("QUERY_STRING")
        and settings.SESSION_COOKIE_NAME not in request.COOKIES
        and given_back.refused(request) is None
        and not len(messages.get_messages(request))
    )


def _write(wizard: _View) -> tuple[bytes, ...]:
    """The page as the wizard answers a request that nobody sent, cut at its holes."""
    request = HttpRequest()
    request.method, request.path = "GET", reverse("registration")
    request.session, request.user = SessionStore(), AnonymousUser()
    pieces = _HOLES.split(wizard(request).render().content)
    if len(pieces) != 3:
        raise RuntimeError(f"the first page has {len(pieces) - 1} holes instead of two")
    return tuple(pieces)
