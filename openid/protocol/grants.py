"""The two grants of the token endpoint, and the authorization request: code with PKCE, and refresh tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, TokenMixin, grants
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc7636 import CodeChallenge

from accounts.models import User
from common import limits
from common.storable_text import can_be_stored
from openid import granting, tokens
from openid.models import EndReason, Grant, Level, Token, TokenKind
from openid.protocol.clients import Client
from openid.protocol.messages import Message

AUTH_METHODS = ["client_secret_basic", "private_key_jwt", "none"]
PLACES = ("id_token", "userinfo")
S256 = re.compile(r"[A-Za-z0-9_-]{43}")
LONGEST = {"nonce": 300, "redirect_uri": 300, "claims": 4_000}  # characters, as the table keeps them
METHODS = {Level.PASSWORD: ["pwd"], Level.CODE: ["pwd", "sms", "mfa"]}  # `amr` (RFC 8176)


class Code(AuthorizationCodeMixin):
    """A grant as Authlib's authorization code."""

    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.code_challenge = grant.code_challenge

    def get_redirect_uri(self) -> str:
        return self.grant.redirect_uri

    def get_scope(self) -> str:
        return self.grant.scope

    def get_nonce(self) -> str:
        return self.grant.nonce

    def get_auth_time(self) -> int:
        return int(self.grant.auth_time.timestamp())

    def get_acr(self) -> str:
        return self.grant.acr

    def get_amr(self) -> list[str]:
        return METHODS.get(Level(self.grant.acr), [])


class Kept(TokenMixin):
    """A row as Authlib's token."""

    def __init__(self, token: Token) -> None:
        self.token = token
        self.grant = token.grant

    def check_client(self, client: Client) -> bool:
        return self.grant.service_id == client.service.pk

    def get_scope(self) -> str:
        return self.token.scope

    def is_expired(self) -> bool:
        return False  # `is_revoked` says all

    def is_revoked(self) -> bool:
        return not tokens.is_good(self.token)


class Pkce(CodeChallenge):
    """PKCE of everybody, and only S256: no plain, which would be the default of a request that names no method."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        asked = grant.request.payload
        if asked.data.get("code_challenge_method") != "S256" or not S256.fullmatch(
            asked.data.get("code_challenge", "")
        ):
            raise InvalidRequestError("PKCE is required: 'code_challenge', with 'code_challenge_method=S256'.")

    def get_authorization_code_challenge_method(self, _code: Code) -> str:
        return "S256"


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    redirect_uri: str | None

    # The authorization request.

    @staticmethod
    def validate_authorization_redirect_uri(asked: Any, client: Client) -> str:
        """The address, if it is a registered one. What else is said of the request goes back only there."""
        if client.service.suspended_at is not None:
            raise UnauthorizedClientError("The service is suspended.")
        length = sum(len(name) + sum(map(len, given)) for name, given in asked.payload.datalist.items())
        if length > limits.OPENID_REQUEST_LONGEST:
            raise InvalidRequestError("The request is too long.")  # nor is its `state` repeated in an address
        address: str = asked.payload.redirect_uri or ""
        if len(asked.payload.datalist["redirect_uri"]) != 1 or not client.check_redirect_uri(address):
            raise InvalidRequestError("The 'redirect_uri' is missing or not registered.")
        return address

    def validate_authorization_request(self) -> str:
        address: str = self.redirect_uri or super().validate_authorization_request()  # Authlib asks twice
        self.redirect_uri = address
        return address

    def validate_requested_scope(self) -> None:
        """What is wrong with the rest of the request goes back to its address, which is a registered one."""
        asked = self.request.payload
        if any(len(given) > 1 for given in asked.datalist.values()):
            raise InvalidRequestError("A parameter is given more than once.")
        for name, value in asked.data.items():
            if not can_be_stored(value) or len(value) > LONGEST.get(name, len(value)):
                raise InvalidRequestError("A parameter is too long, or holds characters that cannot be kept.")
        if "request" in asked.data:
            raise OAuth2Error(error="request_not_supported")
        if "request_uri" in asked.data:  # one that was pushed is taken before this
            raise OAuth2Error(error="request_uri_not_supported")
        if asked.data.get("response_mode", "query") != "query":
            raise InvalidRequestError("Only the response mode 'query' is supported.")
        if "openid" not in (asked.scope or "").split():
            raise InvalidScopeError("The scope 'openid' is required.")
        self.request.claims = claims_parameter(asked.data.get("claims"))

    def generate_authorization_code(self) -> str:
        """The code, of a grant that is kept at once."""
        asked, sign_in = self.request, self.request.sign_in
        parameters = asked.payload.data | {"scope": asked.scope, "claims": asked.claims}
        return granting.grant(
            account=sign_in.account,
            service=asked.client.service,
            parameters=parameters,
            portal_sid=sign_in.portal_sid,
            acr=sign_in.acr,
            auth_time=sign_in.auth_time,
        )

    def save_authorization_code(self, code: str, _asked: Any) -> None:
        """It is kept already."""

    # The token endpoint.

    def authenticate_token_endpoint_client(self) -> Client:
        find_first(self.request, tokens.find_code, "code")
        return super().authenticate_token_endpoint_client()

    def query_authorization_code(self, _code: str, client: Client) -> Code | None:
        grant: Grant | None = self.request.found
        if grant is None or grant.service_id != client.service.pk:
            return None
        if grant.code_used_at is not None:
            _end(grant)
        return Code(grant) if tokens.code_is_good(grant) else None

    def authenticate_user(self, code: Code) -> User:
        return code.grant.account

    def delete_authorization_code(self, code: Code) -> None:
        tokens.use_code(code.grant, self.request.made)

    def create_token_response(self) -> Any:
        try:
            return super().create_token_response()
        except tokens.AlreadyUsedError as error:
            _end(error.grant)


class RefreshTokenGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_token_endpoint_client(self) -> Client:
        find_first(self.request, tokens.find, "refresh_token")
        return super().authenticate_token_endpoint_client()

    def _validate_request_token(self, client: Client) -> Kept:
        """The refresh token, if it is this client's. One that was used before ends the family."""
        if "refresh_token" not in self.request.form:
            raise InvalidRequestError("Missing 'refresh_token' in request.")
        token: Token | None = self.request.found
        if token is None or token.kind != TokenKind.REFRESH or token.grant.service_id != client.service.pk:
            raise InvalidGrantError("The refresh token is not valid.")
        if token.used_at is not None:
            _end(token.grant)
        if not tokens.is_good(token):
            raise InvalidGrantError("The refresh token is not valid.")
        return Kept(token)

    def authenticate_user(self, token: Kept) -> User:
        return token.grant.account

    def revoke_old_credential(self, token: Kept) -> None:
        tokens.rotate(token.token, self.request.made)

    def create_token_response(self) -> Any:
        try:
            return super().create_token_response()
        except tokens.AlreadyUsedError as error:
            _end(error.grant)


def claims_parameter(text: str | None) -> dict[str, dict[str, Any]]:
    """The request's parameter `claims` (OpenID Connect Core, 5.5): what it wants in the ID token and at userinfo.

    Raises InvalidRequestError if it is not what it should be.
    """
    try:
        wanted = json.loads(text) if text else {}
        # By escapes it may hold what databases do not take in JSON: NUL, half characters, infinite numbers.
        stored = json.dumps(wanted, ensure_ascii=False, allow_nan=False)
        if "\\u0000" in stored or not can_be_stored(stored):
            wanted = None
    except (ValueError, RecursionError):
        wanted = None
    parts = [wanted.get(name, {}) for name in PLACES] if isinstance(wanted, dict) else [None]
    if not all(isinstance(part, dict) for part in parts):
        raise InvalidRequestError("The parameter 'claims' cannot be read.")
    return {name: part for name, part in zip(PLACES, parts, strict=True) if part}


def find_first(asked: Message, find: Callable[[str], Grant | Token | None], name: str) -> None:
    """Read what the request names before its service is proven, together with the service that it belongs to: one
    statement less for nearly every request."""
    secret = asked.form.get(name)
    asked.found = find(secret) if secret else None
    if asked.found is not None:
        asked.service = asked.found.service if isinstance(asked.found, Grant) else asked.found.grant.service


def refuse_suspended(client: Client) -> None:
    """Raises InvalidClientError if the service, which has proven who it is, is suspended."""
    if client.service.suspended_at is not None:
        raise InvalidClientError("The service is suspended.", status_code=401)


def _end(grant: Grant) -> NoReturn:
    """What was used twice was stolen, or its answer was: nobody keeps anything of it (RFC 9700, 4.14.2)."""
    tokens.end_family(grant, EndReason.REPLAYED)
    raise InvalidGrantError("It was used before. All that came of it has ended.")
