"""Compresses pages for the phones that read them; docs/decisions/0041-compressing-pages.md says which, and why.

How well a page compresses tells whether two parts of it are alike (BREACH): whoever makes a page repeat what they
chose, beside something secret, and sees how many bytes come back, can guess the secret letter by letter.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

KINDS = ("text/html", "text/plain", "application/json")
NOT_COMPRESSED = "/admin/"  # staff's lists repeat what is searched for, beside other people's data
OWN_PAGES = ("same-origin", "none")  # Sec-Fetch-Site: a page of ours, or the person's own hand


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
    all by which another site could choose what a page repeats.
    """
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if kind not in KINDS or request.path.startswith(NOT_COMPRESSED):
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if not request.META.get("HTTP_COOKIE") or site in OWN_PAGES:
        return True
    return site is None and not request.META.get("QUERY_STRING")
