"""How a service proves that it is itself: a secret, a key of its own, or, as a public client, nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.authenticate_client import authenticate_client_secret_basic, authenticate_none
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from django.utils import timezone
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from common import limits
from common.links import absolute
from openid import credentials, sql, throttling, usage
from openid.protocol.clients import Client, client_of
from openid.protocol.messages import Message

Query = Callable[[str], Client | None]
ALGORITHMS = ["ES256", "RS256", "PS256"]
LEEWAY = 60  # seconds that a service's clock may differ (FAPI 2.0 security profile, 5.3.2.1); RFC 7523 names no number
LONGEST_ASSERTION = 8_000  # characters
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class TooManyError(OAuth2Error):
    """`wait`: seconds."""

    status_code = 429

    def __init__(self, description: str, *, error: str, wait: int) -> None:
        super().__init__(description, error=error)
        self.wait = wait

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Retry-After", str(self.wait))]


def by_secret(query_client: Query, asked: Message) -> Client | None:
    """`client_secret_basic`. Authlib's own fails at a header that is not UTF-8, not ASCII, or ends after "Basic"."""
    try:
        return authenticate_client_secret_basic(asked.known_or(query_client), asked)
    except ValueError:
        return None


def by_nothing(query_client: Query, asked: Message) -> Client | None:
    """`none`: a public client says its name."""
    if "Authorization" in asked.headers or "client_assertion" in asked.form:
        return None
    return authenticate_none(asked.known_or(query_client), asked)


def by_key(query_client: Query, asked: Message) -> Client | None:
    """`private_key_jwt`."""
    return _ByKey()(query_client, asked)


class _ByKey(JWTBearerClientAssertion):
    """RFC 7523: signed by one of the service's keys, for us, used once, and short-lived. Made anew for each request."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self) -> None:
        super().__init__(leeway=LEEWAY)
        self.client: Client

    def __call__(self, query_client: Query, asked: Message) -> Client | None:
        if "client_assertion" not in asked.form:
            return None
        assertion = asked.form["client_assertion"]
        if asked.form.get("client_assertion_type") != TYPE or len(assertion) > LONGEST_ASSERTION:
            raise InvalidClientError("The client assertion is of an unknown type, or too long.", status_code=401)
        try:
            return super().__call__(asked.known_or(query_client), asked)
        except OAuth2Error as error:
            error.status_code = 401
            raise
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:  # of a token made to be odd
            raise InvalidClientError("The client assertion cannot be read.", status_code=401) from error

    def resolve_client_public_key(self, client: Client) -> KeySet:
        if not client.check_endpoint_auth_method(self.CLIENT_AUTH_METHOD, "token") or not client.service.jwks:
            raise InvalidClientError("The client has no keys.")
        self.client = client
        return KeySet.import_key_set(client.service.jwks)

    def process_assertion_claims(self, assertion: str, keys: KeySet) -> dict[str, Any]:
        try:
            claims = jwt.decode(assertion, keys, algorithms=ALGORITHMS).claims
        except JoseError as error:
            raise InvalidClientError("The signature of the client assertion is not right.") from error
        self.verify_claims(claims)
        return claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        """What Authlib checks, in words that name the clock; and no assertion for ever."""
        now = timezone.now().timestamp()
        for name, late in (("iat", LEEWAY), ("nbf", LEEWAY), ("exp", limits.OPENID_ASSERTION.total_seconds() + LEEWAY)):
            moment = claims.get(name, now)
            if isinstance(moment, bool) or not isinstance(moment, int | float) or not moment <= now + late:
                raise InvalidClientError(f"The client assertion's '{name}' is too far in the future. Check the clock.")
        if claims.get("exp", now) < now - LEEWAY:
            raise InvalidClientError("The client assertion has expired. Check the clock.")
        named = claims.get("aud")
        if isinstance(named, list) and not all(one in self.get_audiences() for one in named):
            raise InvalidClientError("The client assertion's 'aud' names others too. Name the issuer alone.")
        super().verify_claims(claims)

    def get_audiences(self) -> list[str]:
        """The issuer, as FAPI 2.0 wants it, and the token endpoint, which many libraries name; both are taken, but
        nobody else beside them: another server that has got such a proof could use it here."""
        return [absolute(""), absolute("/openid/token")]

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
        """Called last of all: an assertion that is refused for another reason is not used up."""
        expires = timezone.now() + limits.OPENID_ASSERTION + timedelta(seconds=2 * LEEWAY)
        digest = credentials.hash_of(credentials.ASSERTION, jti)
        return sql.use_assertion(self.client.service.pk, digest, expires)


def claimed(asked: Message) -> str:
    """The client ID that a request claims, as far as it is plain."""
    try:
        name, _secret = extract_basic_authorization(asked.headers)
    except ValueError:
        name = None
    return str(name or asked.form.get("client_id") or "")[:40]


def only_one_way(asked: Message) -> None:
    """Raises InvalidRequestError if the request proves itself in more than one way (RFC 6749, 2.3)."""
    ways = ("Authorization" in asked.headers, "client_assertion" in asked.form, "client_secret" in asked.form)
    if sum(ways) > 1:
        raise InvalidRequestError("Prove who you are in one way only.")


def no_other_name(asked: Message, client: Client) -> None:
    """Raises InvalidClientError if the form names another client than the one that proved itself."""
    if asked.form.get("client_id", client.client_id) != client.client_id:
        raise InvalidClientError("The 'client_id' is of another client.", status_code=401)


def failed(asked: Message) -> None:
    """Count a failed proof. Raises TooManyError over the limit."""
    client = client_of(claimed(asked))
    # Names that nobody has are counted as one: else a stranger would make a row by each.
    wait = throttling.failed(client_id=client.client_id if client else "", address=asked.address)
    if wait:
        what = "Too many failures. Check the credentials of the service, and wait."
        raise TooManyError(what, error="invalid_client", wait=wait)
    if client is not None:
        usage.count(client.service, "error:invalid_client")
