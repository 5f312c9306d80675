"""Introspection, revocation and userinfo."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import MissingAuthorizationError, ResourceProtector
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, UnsupportedTokenTypeError
from authlib.oauth2.rfc6750 import BearerTokenValidator, InvalidTokenError
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint

from common.links import absolute
from openid import claims, subjects, tokens
from openid.models import ConnectedService, TokenKind
from openid.protocol.clients import Client
from openid.protocol.grants import AUTH_METHODS, Kept, find_first
from openid.protocol.messages import Message


class Introspection(IntrospectionEndpoint):
    """For the service's own tokens only; of any other it learns that it is not active. A public client proves nothing,
    so it learns nothing (RFC 7662, 2.1)."""

    CLIENT_AUTH_METHODS = ["client_secret_basic", "private_key_jwt"]

    def authenticate_endpoint_client(self, asked: Message) -> Client:
        find_first(asked, tokens.find, "token")
        return super().authenticate_endpoint_client(asked)

    def authenticate_token(self, asked: Message, client: Client) -> Kept | None:
        found = _named(asked)
        return found if found and found.check_client(client) else None

    def introspect_token(self, kept: Kept) -> dict[str, Any]:
        token, grant = kept.token, kept.grant
        service: ConnectedService = grant.service
        return {
            "scope": token.scope,
            "client_id": service.client_id,
            "token_type": "Bearer" if token.kind == TokenKind.ACCESS else "refresh_token",
            "exp": int(token.expires_at.timestamp()),
            "iat": int(token.created_at.timestamp()),
            "sub": subjects.subject_of(account=grant.account, service=service),
            "aud": service.client_id,
            "iss": absolute(""),
            "sid": grant.sid,
            "acr": grant.acr,
            "auth_time": int(grant.auth_time.timestamp()),
        }


class Revocation(RevocationEndpoint):
    """A refresh token takes the whole family with it, an access token only itself."""

    CLIENT_AUTH_METHODS = AUTH_METHODS

    def authenticate_endpoint_client(self, asked: Message) -> Client:
        find_first(asked, tokens.find, "token")
        return super().authenticate_endpoint_client(asked)

    def authenticate_token(self, asked: Message, client: Client) -> Kept | None:
        found = _named(asked)
        if found and not found.check_client(client):
            raise InvalidGrantError("The token is of another client.")
        return found

    def revoke_token(self, kept: Kept, _asked: Message) -> None:
        tokens.revoke(kept.token)


class Bearer(BearerTokenValidator):
    def authenticate_token(self, secret: str) -> Kept | None:
        found = tokens.find(secret)
        return Kept(found) if found and found.kind == TokenKind.ACCESS else None


class Userinfo:
    """Claims for who holds an access token, which is taken from the header alone."""

    def __init__(self) -> None:
        self.protector = ResourceProtector()
        self.protector.register_token_validator(Bearer(realm="openid"))

    def claims(self, asked: Message) -> dict[str, Any]:
        """The claims. Raises OAuth2Error."""
        try:
            kept: Kept = self.protector.validate_request(["openid"], asked)
        except (MissingAuthorizationError, UnsupportedTokenTypeError):
            raise InvalidTokenError("An access token is needed in the header.", realm="openid") from None
        grant = kept.grant
        asked.client = Client(grant.service)
        said = claims.claims_of(
            account=grant.account,
            service=grant.service,
            scope=kept.get_scope(),
            requested=grant.claims.get("userinfo") or {},
        )
        return said | {"sub": subjects.subject_of(account=grant.account, service=grant.service)}


def _named(asked: Message) -> Kept | None:
    """The token in the form. What kind it is said to be does not matter: it is found by its hash alone."""
    if "token" not in asked.form:
        raise InvalidRequestError("Missing 'token' in request.")
    return Kept(asked.found) if asked.found else None
