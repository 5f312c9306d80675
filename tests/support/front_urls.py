"""One page for tests/live/test_front.py: what the portal believes about a request."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.urls import path


def believed(request: HttpRequest) -> JsonResponse:
    address = request.client_address  # type: ignore[attr-defined]
    told = request.headers.get("X-Forwarded-For", "")
    return JsonResponse({"address": address, "told": told, "secure": request.is_secure(), "host": request.get_host()})


urlpatterns = [path("believed", believed)]
