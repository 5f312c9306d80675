"""ID tokens of ours that a service shows again: to say whom it means, or who signs out (`id_token_hint`)."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError

from common.links import absolute
from common.storable_text import can_be_stored
from openid import keys
from openid.models import ConnectedService


def read(token: str) -> dict[str, Any] | None:
    """The claims of an ID token of ours, also of one that is over; None: it is none. A logout token is none: it has
    gone over the network by itself."""
    claims = keys.verified(token) if can_be_stored(token) else None
    is_one = claims is not None and claims.get("iss") == absolute("") and "events" not in claims
    return claims if is_one and claims is not None and isinstance(claims.get("aud"), str) else None


def subject(token: str, *, service: ConnectedService) -> str:
    """Whom the ID token means, which was given to this `service`; "" for no token (OpenID Connect Core, 3.1.2.1).

    Raises InvalidRequestError.
    """
    if not token:
        return ""
    claims = read(token)
    if claims is None or claims["aud"] != service.client_id:
        raise InvalidRequestError("The 'id_token_hint' is no ID token that this client was given.")
    return str(claims.get("sub", ""))
