"""Checks an ID token as a careful service does: with nothing but the published keys."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from common.links import absolute
from openid.models import ConnectedService, Level


def faults(token: str, jwks: dict[str, Any], *, service: ConnectedService, nonce: str) -> tuple[dict[str, Any], str]:
    """The claims of the ID token, and the names of what is wrong with it; empty for nothing."""
    try:
        decoded = jwt.decode(token, KeySet.import_key_set(jwks), algorithms=[service.id_token_algorithm])  # type: ignore[arg-type]
    except (JoseError, ValueError, KeyError, TypeError):
        return {}, "signature"
    claims, now = decoded.claims, timezone.now().timestamp()
    known = claims.get("acr") in Level.values
    right = {
        "iss": claims.get("iss") == absolute(""),
        "aud": claims.get("aud") == service.client_id,
        "exp": isinstance(claims.get("exp"), int) and claims["exp"] > now,
        "nonce": claims.get("nonce") == nonce,
        "sub": bool(claims.get("sub")),
        "sid": bool(claims.get("sid")),
        "acr": known and Level(claims["acr"]).rank >= Level(service.required_level).rank,
    }
    return claims, " ".join(name for name, is_right in right.items() if not is_right)
