"""Middleware of every request: the client's address, security headers, refusal of unusual requests, the language, a
limit on POSTs."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.db import connection
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
    QueryDict,
)
from django.http.request import split_domain_port, validate_host
from django.middleware.security import SecurityMiddleware
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.encoding import escape_uri_path
from django.utils.http import escape_leading_slashes

from common import addresses, limits
from common.cookies import plainly_named
from common.languages import PARAMETER
from common.links import parts_of_address
from common.logs import RECEIPTS
from common.models import PostCount
from common.secrets import keyed_hash

Next = Callable[[HttpRequest], HttpResponse]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STILL_HERE = "/portal/session/"
SENT_BY_PAGES = (STILL_HERE, "/portal/registration/keep")  # by themselves, again and again
# Other services call these, thousands of citizens behind one address: `openid.throttling` counts their failures.
SERVICES = ("/openid/token", "/openid/par", "/openid/revoke", "/openid/introspect", "/openid/userinfo")
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "Cache-Control": "no-cache",
}
METHODS = ("GET", "HEAD", "POST", "OPTIONS")
ADMIN = "/admin"


class Entrance(SecurityMiddleware):
    """The first middleware, of pages, files, redirects and errors alike. On the way in, in this order: who calls, a
    receipt that came by an internal name, cookies of odd names, the way to HTTPS. On the way out: the headers.

    All of it is inside what turns an exception into an answer, as Django's own middleware is not: an answer that
    refuses a foreign host name has the headers too.
    """

    def __init__(self, get_response: Next) -> None:
        super().__init__(get_response)
        self._client_address = ClientAddress()
        self._inside = get_response
        self._answer: Next = convert_exception_to_response(self._let_in)  # type: ignore[assignment]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._with_headers(request, self._answer(request))

    def _let_in(self, request: HttpRequest) -> HttpResponse:
        self._client_address.note(request)
        take_in_receipt(request)
        drop_odd_cookies(request)
        return self._by_https(request) or self._inside(request)

    def _by_https(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Leads everything to HTTPS except what came by an internal name."""
        return None if getattr(request, "came_inside", False) else self.process_request(request)

    def _with_headers(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Sets `HEADERS` where the response says nothing else; with HTTPS also Django's HSTS. A response that says
        nothing about caching gets no-cache: any page may contain something personal."""
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return self.process_response(request, response) if request.is_secure() else response


def take_in_receipt(request: HttpRequest) -> None:
    """Takes receipts of a gateway that reaches the web by an internal name (`RECEIPT_HOSTS`, like http://web:8000/…):
    there is no TLS proxy on that way, and the name is none of the portal's.

    For the path of receipts alone, whose token is the proof. The request then counts as one to the portal's own name,
    and is not led to HTTPS; every other path under such a name is refused as any unknown one is.
    """
    if not request.path.startswith(RECEIPTS):
        return
    host, _port = split_domain_port(request.META.get("HTTP_HOST", ""))
    if host and validate_host(host, settings.RECEIPT_HOSTS):
        request.META["HTTP_HOST"] = settings.PUBLIC_HOST.lstrip(".")  # as ALLOWED_HOSTS may begin
        request.came_inside = True  # type: ignore[attr-defined]


def drop_odd_cookies(request: HttpRequest) -> None:
    """Drops cookies whose name is not printable ASCII: Django strips Unicode spaces from names, so another host of the
    domain could plant a cookie that the browser does not protect as `__Host-sessionid` but Django would read as that.
    """
    if "HTTP_COOKIE" in request.META:
        request.META["HTTP_COOKIE"] = plainly_named(request.META["HTTP_COOKIE"])


class OrdinaryRequests:
    """Refuses what no page of ours sends: other methods, another charset than UTF-8 (noticed in `tamin_portal.wsgi`), a
    body larger than any form. Django accepts files of any size although no form has one.

    Does not apply to receipts: a gateway may send anything, and the beginning of it is stored.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in METHODS:
            return HttpResponseNotAllowed(METHODS)
        if request.path.startswith(RECEIPTS):
            return self.get_response(request)
        if "portal.refused_charset" in request.META:
            return render(request, "400.html", status=400)
        length = str(request.META.get("CONTENT_LENGTH") or "0")
        if not length.isdecimal() or int(length) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
            return render(request, "413.html", status=413)
        return self.get_response(request)


class ChosenLanguage:
    """Answers in the language that the person chose by the link in the header, else in the portal's own, whatever the
    browser's `Accept-Language` says: many phones in Iran are set to English by people who read Persian.

    The link is the page's own address with `?language=`: it is answered with a cookie and that address without it. So
    there is no address to lead on to that somebody else could have written, and nothing is stored here.

    The desk and the admin are always in the portal's language: their words are not read by citizens, and at a computer
    that both use, a citizen's choice must not change a clerk's page.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response
        self.codes = frozenset(code for code, _name in settings.LANGUAGES)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith((RECEIPTS, ADMIN)):
            return self._answer(request, settings.LANGUAGE_CODE)
        asks = request.method == "GET" and f"{PARAMETER}=" in request.META.get("QUERY_STRING", "")
        if asks and request.GET.get(PARAMETER) in self.codes:
            return self._remember(request, request.GET[PARAMETER])
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        response = self._answer(request, chosen if chosen in self.codes else settings.LANGUAGE_CODE)
        patch_vary_headers(response, ("Cookie",))
        return response

    def _answer(self, request: HttpRequest, language: str) -> HttpResponse:
        with translation.override(language):  # and back: what is refused before us must not be in the last one's
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response

    @staticmethod
    def _remember(request: HttpRequest, language: str) -> HttpResponse:
        """Back to the page with the link, with what was asked for in its address. The browser says that address (the
        referrer): a page that repeated it in its link would repeat what a stranger's link asks for (decision 0041)."""
        others, came_from = request.GET.copy(), parts_of_address(request.headers.get("Referer", ""))
        if (came_from.netloc, came_from.path) == (request.get_host(), request.path):
            others = QueryDict(came_from.query, mutable=True)
        others.pop(PARAMETER, None)
        address = escape_leading_slashes(escape_uri_path(request.path))  # "//host/" would lead to another host
        response = HttpResponseRedirect(f"{address}?{others.urlencode()}" if others else address)
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=limits.LANGUAGE_KEPT,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response


class ClientAddress:
    """Says who calls: the peer, or what `TRUSTED_PROXIES` report as the client.

    Of an IPv6 address the /64 network: one customer has at least 2^64 addresses, and would look like that many clients.
    """

    def __init__(self) -> None:
        self.trusted = addresses.networks(settings.TRUSTED_PROXIES)

    def note(self, request: HttpRequest) -> None:
        """Sets `request.client_address`, and drops what a peer that is not trusted says about HTTPS."""
        if not self._is_trusted(_peer(request)):  # else whoever reaches us directly could claim to come by HTTPS
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        request.client_address = self.of(request)  # type: ignore[attr-defined]

    def of(self, request: HttpRequest) -> str:
        hops = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        address = _peer(request)
        while hops and self._is_trusted(address):
            address = hops.pop()
        return addresses.network_of(address[:64])

    def _is_trusted(self, address: str) -> bool:
        if not self.trusted:
            return False
        peer = addresses.parse(address)
        if peer is None:  # a UNIX socket has no address: the proxy is on this machine
            return address == "local"
        return any(peer in network for network in self.trusted)


def _peer(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR") or "local")


class PostBrake:
    """Limits POSTs of one address to `limits.POSTS_PER_ADDRESS` a minute, counted in the database.

    Does not apply to receipts: a gateway sends many more from one address, and a request without its token costs
    nothing. Nor to "I am still here" and to what is typed meanwhile: a thousand people who type behind one address
    send both every minute, and they cost less than a page. Nor to the endpoints of connected services.
    """

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        braked = request.method == "POST" and not request.path.startswith((RECEIPTS, *SENT_BY_PAGES, *SERVICES))
        if braked and self._count(request) > limits.POSTS_PER_ADDRESS:
            response = render(request, "429.html", {"wait": 60}, status=429)
            response["Retry-After"] = "60"
            return response
        return self.get_response(request)

    @staticmethod
    def _count(request: HttpRequest) -> int:
        minute = int(timezone.now().timestamp() // 60)
        address: str = request.client_address  # type: ignore[attr-defined]
        table = connection.ops.quote_name(PostCount._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (address, minute, posts, private) "  # noqa: S608 - the model's table
                "VALUES (%s, %s, 1, %s) "
                f"ON CONFLICT (address, minute) DO UPDATE SET posts = {table}.posts + 1 RETURNING posts",
                [keyed_hash("address", address), minute, addresses.is_private(address)],
            )
            return int(cursor.fetchone()[0])
