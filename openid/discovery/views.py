"""The discovery document and the public keys: for programs, without session, cookie or query."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from common import limits
from openid import discovery, keys


@require_safe
def configuration(_request: HttpRequest) -> JsonResponse:
    """The discovery document; 404 where no service can be connected."""
    return _public(discovery.document())


@require_safe
def jwks(_request: HttpRequest) -> JsonResponse:
    """The public keys (RFC 7517); 404 where no service can be connected."""
    return _public(keys.public_jwks() if keys.is_configured() else {})


def _public(body: dict[str, Any]) -> JsonResponse:
    if not keys.is_configured():
        raise Http404
    response = JsonResponse(body)
    response["Cache-Control"] = f"public, max-age={int(limits.OPENID_KEYS_CACHED.total_seconds())}"
    return response
