"""Middleware of the shell: pages are compressed, and citizens see a page about it while the portal is worked on.

How well a page compresses tells whether two parts of it are alike (BREACH): whoever makes a page repeat what they
chose, beside something secret, and sees how many bytes come back, can guess the secret letter by letter. Which pages
are compressed nevertheless, and why: docs/decisions/0041-compressing-pages.md.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import render

from common import limits, maintenance
from common.logs import RECEIPTS
from common.middleware import STILL_HERE

STAFF = "/admin/"
KINDS = ("text/html", "text/plain", "application/json")
OWN_PAGES = ("same-origin", "none")  # Sec-Fetch-Site: a page of ours, or the person's own hand
# Open during maintenance: the staff's pages and "I am still here", which they send too; what SMS gateways push; health;
# pages that need neither the database nor a person.
OPEN = (
    STAFF,
    STILL_HERE,
    RECEIPTS,
    "/static/",
    "/healthz",
    "/readyz",
    "/.well-known/",
    "/portal/guide",
    "/portal/help/",
)


class CompressedPages(GZipMiddleware):
    """Gzips pages, except where another site may have caused the request and it carries cookies.

    The length of each varies by up to `max_random_bytes`, so that one answer tells nothing. Static files are not its
    business: they are compressed once, when they are collected.
    """

    max_random_bytes = 100

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if isinstance(response, HttpResponse) and may_be_compressed(request, response):
            return super().process_response(request, response)
        return response


def may_be_compressed(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether the length of this answer tells nobody anything.

    Without cookies there is nothing secret in it. An old browser does not say which site caused a request; a query is
    all by which another site could choose what a page repeats. Staff's lists repeat what is searched for, beside other
    people's data.
    """
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if kind not in KINDS or request.path.startswith(STAFF):
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if not request.META.get("HTTP_COOKIE") or site in OWN_PAGES:
        return True
    return site is None and not request.META.get("QUERY_STRING")


class MaintenancePage:
    """While maintenance is on, citizens get a page that says until when, and nothing else happens: no query, no
    session. What is `OPEN` goes on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        standing = maintenance.standing()
        if standing is None or request.path == STAFF.rstrip("/") or request.path.startswith(OPEN):
            return self.get_response(request)
        context = {"standing": standing, "was_sent": request.method == "POST"}
        response = render(request, "portal/maintenance.html", context, status=503)
        again = max(standing.left, limits.MAINTENANCE_COME_BACK)
        response["Retry-After"] = str(int(again.total_seconds()))
        return response
