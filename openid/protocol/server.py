"""The authorization server: Authlib's, with our tables. Its functions are what views and flows call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import AuthorizationServer as AuthlibServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidRequestError,
    UnsupportedGrantTypeError,
    UnsupportedResponseTypeError,
)
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc9207 import IssuerParameter

from common import limits
from common.errors import PortalError
from common.links import absolute
from openid import credentials, tokens, usage
from openid.granting import SignIn
from openid.protocol import authenticating
from openid.protocol.clients import Client, client_of
from openid.protocol.endpoints import Introspection, Revocation, Userinfo
from openid.protocol.grants import AUTH_METHODS, AuthorizationCodeGrant, Pkce, RefreshTokenGrant, refuse_suspended
from openid.protocol.id_tokens import IdToken
from openid.protocol.messages import Answer, Message

logger = logging.getLogger(__name__)


class AuthorizationServer(AuthlibServer):
    def __init__(self) -> None:
        super().__init__()
        self.register_client_auth_method("client_secret_basic", authenticating.by_secret)
        self.register_client_auth_method("private_key_jwt", authenticating.by_key)
        self.register_client_auth_method("none", authenticating.by_nothing)

    def query_client(self, client_id: str) -> Client | None:
        return client_of(client_id)

    def save_token(self, token: dict[str, Any], asked: Message) -> None:
        """Nothing is kept yet: the statement that uses the code or the refresh token keeps them, last of all."""
        kept = asked.authorization_code or asked.refresh_token
        asked.made = tokens.Made(
            access=token["access_token"],
            refresh=token["refresh_token"],
            access_scope=token["scope"],
            refresh_scope=kept.get_scope(),  # a narrower access token narrows no later one (RFC 6749, 6)
        )

    def authenticate_client(self, asked: Message, methods: list[str], endpoint: str = "token") -> Client:
        authenticating.only_one_way(asked)
        try:
            client: Client = super().authenticate_client(asked, methods, endpoint)
            authenticating.no_other_name(asked, client)
        except InvalidClientError:
            authenticating.failed(asked)
            raise
        asked.client = client
        refuse_suspended(client)
        return client

    def get_authorization_grant(self, asked: Message) -> AuthorizationCodeGrant:
        """Authlib's own repeats the response type in the error, and fails when it holds odd characters."""
        if asked.payload.response_type == "code":
            return super().get_authorization_grant(asked)
        client = client_of(asked.payload.client_id or "")
        if client is None:
            raise InvalidClientError("The client does not exist.")
        address = AuthorizationCodeGrant.validate_authorization_redirect_uri(asked, client)
        raise UnsupportedResponseTypeError("", "Only the response type 'code' is supported.", redirect_uri=address)

    def get_token_grant(self, asked: Message) -> AuthorizationCodeGrant | RefreshTokenGrant:
        if asked.payload.grant_type not in (AuthorizationCodeGrant.GRANT_TYPE, RefreshTokenGrant.GRANT_TYPE):
            raise UnsupportedGrantTypeError("")
        return super().get_token_grant(asked)

    def create_oauth2_request(self, asked: Message) -> Message:
        return asked

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> Answer:
        return Answer(status, body, dict(headers))

    def send_signal(self, name: str, *_values: Any, **_named: Any) -> None:
        """Nobody listens."""


class Issuer(IssuerParameter):
    """Every answer of the authorization endpoint names who gives it (RFC 9207): against mix-up."""

    def get_issuer(self) -> str:
        return absolute("")


def _server() -> AuthorizationServer:
    made = AuthorizationServer()
    made.register_extension(Issuer())
    made.register_grant(AuthorizationCodeGrant, [Pkce(required=True), IdToken()])
    made.register_grant(RefreshTokenGrant)
    made.register_endpoint(Introspection)
    made.register_endpoint(Revocation)
    made.register_token_generator(
        "default",
        BearerTokenGenerator(
            access_token_generator=lambda **_for: credentials.new(),
            refresh_token_generator=lambda **_for: credentials.new(),
            expires_generator=int(limits.OPENID_ACCESS_TOKEN.total_seconds()),
        ),
    )
    return made


server = _server()
userinfo = Userinfo()


# For the authorization endpoint.


def check(values: Mapping[str, Sequence[str]]) -> AuthorizationCodeGrant:
    """Check an authorization request; `values` are its parameters, each with all its values.

    The grant holds `.client.service`, `.redirect_uri`, `.request.scope` (what the service may have of what it asked),
    `.request.claims` (its parameter `claims`, read) and `.request.payload.data`. Raises OAuth2Error:
    `address_of_error` says where it goes, if it may go anywhere.
    """
    return server.get_consent_grant(Message(method="GET", values=values))


def answer(grant: AuthorizationCodeGrant, sign_in: SignIn) -> str:
    """The address to which the citizen is led, with a new code, `state` and `iss`."""
    grant.request.sign_in = sign_in
    return server.create_authorization_response(grant.request, sign_in.account, grant).location


def refuse(grant: AuthorizationCodeGrant, error: OAuth2Error) -> str:
    """The address to which the citizen is led with an error about a request that was in order, such as login_required
    or access_denied."""
    error.redirect_uri, error.state = grant.redirect_uri, grant.request.payload.state
    return address_of_error(error) or ""


def address_of_error(error: OAuth2Error) -> str | None:
    """The registered address with this error, `state` and `iss`; None: it is for our own page."""
    if not error.redirect_uri:
        return None
    return add_params_to_uri(error.redirect_uri, [*error.get_body(), ("iss", absolute(""))])


# For the endpoints of machines.


def token_response(asked: Message) -> Answer:
    """The answer of the token endpoint."""
    what = "refresh" if asked.payload.grant_type == RefreshTokenGrant.GRANT_TYPE else "token"
    return counted(asked, _checked(asked, server.create_token_response), what)


def introspection_response(asked: Message) -> Answer:
    """The answer of the introspection endpoint (RFC 7662)."""
    answer = _checked(asked, lambda known: server.create_endpoint_response(Introspection.ENDPOINT_NAME, known))
    return counted(asked, answer, "introspection")


def revocation_response(asked: Message) -> Answer:
    """The answer of the revocation endpoint (RFC 7009)."""
    answer = _checked(asked, lambda known: server.create_endpoint_response(Revocation.ENDPOINT_NAME, known))
    return counted(asked, answer)


def userinfo_response(asked: Message) -> Answer:
    """The answer of the userinfo endpoint (OpenID Connect Core, 5.3)."""
    return counted(asked, _done(asked, _userinfo), "userinfo")


def _userinfo(asked: Message) -> Answer:
    try:
        return Answer(200, userinfo.claims(asked))
    except OAuth2Error as error:
        return server.handle_error_response(asked, error)


def authenticate(asked: Message) -> Client:
    """The service that sends this request, proven as at the token endpoint. Raises OAuth2Error."""
    return server.authenticate_client(asked, AUTH_METHODS)


def error_response(asked: Message, error: OAuth2Error) -> Answer:
    """The answer of an endpoint of machines that refuses."""
    return server.handle_error_response(asked, error)


def _checked(asked: Message, work: Callable[[Message], Answer]) -> Answer:
    """`work`, for a form that names nothing twice (RFC 6749, 3.2)."""
    if any(len(given) > 1 for given in asked.payload.datalist.values()):
        return server.handle_error_response(asked, InvalidRequestError("A parameter is given more than once."))
    return _done(asked, work)


def _done(asked: Message, work: Callable[[Message], Answer]) -> Answer:
    """What `work` answers. What the organisation has to mend, such as a missing key, is logged."""
    try:
        return work(asked)
    except PortalError as error:
        logger.error("An endpoint of connected services cannot answer: %s", error.code)
        return server.handle_error_response(
            asked, OAuth2Error("Try again later.", error="temporarily_unavailable", status_code=503)
        )


def counted(asked: Message, answer: Answer, what: str = "") -> Answer:
    """The answer, counted for the service that has proven itself or whose token it is."""
    error = answer.body.get("error") if answer.status >= HTTPStatus.BAD_REQUEST else None
    if asked.client is not None and (error or what):
        usage.count(asked.client.service, f"error:{error}" if error else what)
    return answer
