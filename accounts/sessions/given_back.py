"""The answer to a POST that was refused because somebody signed in or out meanwhile, perhaps in another tab.

What was typed on our own page comes back, without secrets, on a fresh page that says why; nothing is carried out
without another press of its button. A POST that no page of ours sent gets nothing back. Nothing is stored: the words
are in the POST. See docs/decisions/0036.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from accounts.sessions.texts import sentence
from common import limits
from common.given_back import Typed, shown
from common.links import parts_of_address
from common.secrets import keyed_hash, keyed_hash_matches

MARK = "page_of"  # the hidden field of every form of a signed-in person: for whom the page was made, and when
_PURPOSE = "page of an account"
_View = Callable[..., Any]
_REDIRECTS = 2  # that are followed to the page with the form


def mark_of_page(request: HttpRequest) -> str:
    """For whom a page is made: a keyed hash of the account, and the time; empty where nobody is signed in."""
    account = request.session.get(SESSION_KEY) if hasattr(request, "session") else None
    return f"{keyed_hash(_PURPOSE, str(account))}.{int(timezone.now().timestamp())}" if account else ""


def came_from_our_page(request: HttpRequest) -> bool:
    """Whether a page of this portal sent the request, by what the browser says: no page can write these headers.

    `Sec-Fetch-Site` and `Origin` are both believed only if neither says otherwise; the referrer counts where both are
    missing. A request that says nothing did not come from a page of ours.
    """
    ours = f"{request.scheme}://{request.get_host()}"
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site != "same-origin":
        return False
    if origin is not None:
        return origin == ours or (site is not None and origin in settings.CSRF_TRUSTED_ORIGINS)
    return site is not None or _origin_of(request.headers.get("Referer", "")) == ours


@dataclass(frozen=True)
class Refused:
    """The POST that was refused, for the view whose fresh page gives it back."""

    posted: QueryDict
    typed: Typed

    def leave_out(self, *names: str) -> None:
        """These are not to come back: they were typed about something that has changed meanwhile."""
        for name in names:
            self.typed.posted.pop(name, None)

    def place_none(self) -> None:
        """The page that is open now is about somebody else: none of the words may stand in its form."""
        self.typed.places = False

    def keep_all(self) -> None:
        """The view has put the words into safety: they need not be on the page."""
        self.typed.all_kept = True


def refused(request: HttpRequest) -> Refused | None:
    """What was posted, where this GET of a page was made for a POST that was refused; else None."""
    return getattr(request, "refused", None)


def without_token(view: _View) -> _View:
    """Decorator of a view that the script of a page calls and that carries nothing out: a request of our own page is
    served even if its token is from before a sign-in in another tab."""

    @wraps(view)
    def served(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return view(request, *args, **kwargs)

    served.needs_no_token = True  # type: ignore[attr-defined]
    return served


def typed_on_our_page(request: HttpRequest) -> Typed | None:
    """What a person typed and sent by a form of ours, also if no check of its token was made; None for a script's
    request, another site's, and what is no POST."""
    navigates = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    if request.method != "POST" or not navigates or not came_from_our_page(request):
        return None
    return Typed(request.POST.copy())


def answer(request: HttpRequest, *, for_signed_in: bool = False) -> HttpResponse | None:
    """The page that gives back what was typed; None where a plain refusal is due: to a page that is not ours, and to a
    script. `for_signed_in`: the page is shown to nobody else, so whoever sent it was signed in."""
    if not came_from_our_page(request):
        return None
    match = request.resolver_match
    if match is not None and getattr(match.func, "needs_no_token", False):
        return cast(HttpResponse, match.func(request, *match.args, **match.kwargs))
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        return None
    typed, why = Typed(request.POST.copy()), _why(request, for_signed_in=for_signed_in)
    response = None if why == "page_of_another" else _fresh_page(request, typed, why)
    response = response or _list(request, typed, why)
    add_never_cache_headers(response)
    response["Cache-Control"] = "no-store"
    return response


def answer_signed_out(request: HttpRequest) -> HttpResponse | None:
    """The same for the POST of a page that asks for a sign-in first; None where nothing was typed."""
    return answer(request, for_signed_in=True) if Typed(request.POST).words() else None


def _why(request: HttpRequest, *, for_signed_in: bool) -> str:
    """The code of the sentence that names the reason."""
    mark, _dot, made_at = request.POST.get(MARK, "").partition(".")
    if request.user.is_authenticated:
        if not mark:
            return "page_before_sign_in"
        mine = mark.isascii() and keyed_hash_matches(_PURPOSE, str(request.user.pk), mark)
        return "page_of_earlier_sign_in" if mine else "page_of_another"
    if mark or for_signed_in:
        return "page_after_end" if _is_over(request, made_at) else "page_after_sign_out"
    return "page_before_sign_in_and_out" if request.META.get("CSRF_COOKIE") else "page_without_cookies"


def _is_over(request: HttpRequest, made_at: str) -> bool:
    """The session ended by itself or elsewhere: a sign-out in this browser would have deleted its cookie."""
    if getattr(request.session, "unknown", False) or getattr(request, "session_elsewhere", False):
        return True
    age = timezone.now().timestamp() - int(made_at) if made_at.isdecimal() and len(made_at) < 12 else 0
    return age > limits.SESSION_LONGEST.total_seconds()


def _fresh_page(request: HttpRequest, typed: Typed, why: str) -> HttpResponse | None:
    """The page with the form, as whoever is here now gets it, with the words in it; None where they found no place."""
    with shown(typed):
        for address in (request.get_full_path(), _path_of(request.headers.get("Referer", ""))):
            response = _get(request, address, typed, why) if address else None
            if response is not None and not typed.left():
                return response
    return None


def _get(request: HttpRequest, address: str, typed: Typed, why: str) -> HttpResponse | None:
    """What a GET of `address` answers. Nothing that was posted reaches the view, so nothing is carried out."""
    for _redirect in range(_REDIRECTS + 1):
        path, _mark, query = address.partition("?")
        again = copy(request)
        again.method, again.path, again.path_info = "GET", path, path
        again.GET, again.POST = QueryDict(query), QueryDict()
        again.refused = Refused(posted=request.POST, typed=typed)  # type: ignore[attr-defined]
        try:
            again.resolver_match = resolve(path)
            _say_only(again, why)
            response = again.resolver_match.func(again, *again.resolver_match.args, **again.resolver_match.kwargs)
            if hasattr(response, "render") and not response.is_rendered:
                response.render()
        except (Http404, PermissionDenied, Resolver404):
            return None
        if response.status_code not in (301, 302):
            return response if response.status_code == 200 else None
        address = _path_of(response["Location"])
        if not address:
            return None
    return None


def _list(request: HttpRequest, typed: Typed, why: str) -> HttpResponse:
    """The page with the words alone, where that of the form cannot be shown: to copy them, or to take them along."""
    _say_only(request, "")
    signed_out = why in ("page_after_sign_out", "page_after_end")
    context: dict[str, Any] = {
        "why": sentence(why),
        "words": typed.words(),
        "again": _sent(request, typed) if signed_out else [],
        "address": request.get_full_path(),
        "sign_in": "admin:login" if request.path.startswith("/admin/") else "sign_in",
    }
    return render(request, "accounts/given_back.html", context)


def _sent(request: HttpRequest, typed: Typed) -> list[tuple[str, str]]:
    """The words as they were posted, and the mark of the page."""
    pairs = [(word.name, text) for word in typed.words() for text in request.POST.getlist(word.name)]
    return [*pairs, (MARK, request.POST.get(MARK, ""))]


def _say_only(request: HttpRequest, why: str) -> None:
    """Let the page say this, and nothing that pages on the way to it had to say."""
    for _message in messages.get_messages(request):
        pass
    if why:
        messages.warning(request, sentence(why))


def _origin_of(address: str) -> str:
    parts = parts_of_address(address)
    return f"{parts.scheme}://{parts.netloc}"


def _path_of(address: str) -> str:
    """Path and query of an address of ours, whose origin was checked; empty for none."""
    parts = parts_of_address(address)
    return f"{parts.path}?{parts.query}".rstrip("?") if parts.path.startswith("/") else ""
