"""Signs citizens in with their portal account: the part of a service that speaks OpenID Connect.

By Authlib, joserfc and the standard library. It knows nothing of pages and sessions, so it fits any web framework:
`begin` and `finish` are the two halves of a sign-in, `read_logout` checks what comes to the address for sign-outs.
"""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

SCOPE = "openid profile phone national_id"
BY_PASSWORD, BY_CODE = "urn:tamin:acr:password", "urn:tamin:acr:code"
ALGORITHMS = ["ES256", "RS256"]
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
KEEP = 24 * 3600  # seconds: the portal's addresses and keys may be kept for a day
READ_AGAIN_AFTER = 60  # seconds: a token with an unknown key makes us read the keys again, but not more often
CLOCKS_DIFFER = 60  # seconds
ANSWERS_WITHIN = 10  # seconds

Claims = dict[str, Any]


class SignInFailed(Exception):
    """There is no sign-in. `code` is the portal's error, like access_denied, or `refused`: what came is not what was
    asked for."""

    def __init__(self, code: str, why: str = "") -> None:
        super().__init__(f"{code}: {why}")
        self.code = code


class PortalAway(Exception):
    """The portal does not answer, or not as it should. Try again later."""


@dataclass(frozen=True)
class Waiting:
    """What is kept in the browser's session while the citizen is at the portal."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class SignIn:
    """A checked sign-in. `said`: who, when and how sure, from the ID token; `citizen`: the claims of userinfo."""

    id_token: str
    said: Claims
    citizen: Claims


class Portal:
    """The portal, as one service sees it. May be shared by threads."""

    def __init__(self, *, issuer: str, client_id: str, client_secret: str, redirect_uri: str, web: Any = None) -> None:
        self.issuer, self.client_id, self.redirect_uri = issuer, client_id, redirect_uri
        self._secret, self._web = client_secret, web or Web()
        self._read: dict[str, tuple[float, Any]] = {}  # address → when it was read, what it said

    def begin(self, **asked: str) -> tuple[str, Waiting]:
        """Where to lead the browser, and what to keep for `finish`. `asked`: prompt, max_age, acr_values … Raises
        PortalAway."""
        waiting = Waiting(*(secrets.token_urlsafe(48) for _ in range(3)))
        address, _state = self._client().create_authorization_url(
            self._address("authorization_endpoint"),
            state=waiting.state,
            nonce=waiting.nonce,
            code_verifier=waiting.verifier,
            **asked,
        )
        return address, waiting

    def finish(self, answer: str, waiting: Waiting) -> SignIn:
        """The sign-in that `answer` brings, the whole address at which the browser came back. Raises SignInFailed,
        PortalAway."""
        given = dict(parse_qsl(urlsplit(answer).query))
        if given.get("iss") != self.issuer:  # another provider's answer, slipped in (RFC 9207)
            raise SignInFailed("refused", "iss")
        if not secrets.compare_digest(given.get("state", "").encode(), waiting.state.encode()):
            raise SignInFailed("refused", "state")
        if "error" in given:
            raise SignInFailed(given["error"], given.get("error_description", ""))
        try:
            tokens = self._client().fetch_token(
                self._address("token_endpoint"),
                authorization_response=answer,
                state=waiting.state,
                code_verifier=waiting.verifier,
            )
            said = self._checked_id_token(tokens, waiting.nonce)
        except AuthlibBaseError as error:
            raise SignInFailed(error.error or "refused", error.description) from None
        except (JoseError, ValueError, KeyError) as error:
            raise SignInFailed("refused", str(error)) from None
        citizen = self._web.read(self._address("userinfo_endpoint"), token=tokens["access_token"])
        if citizen.get("sub") != said["sub"]:
            raise SignInFailed("refused", "sub")
        return SignIn(tokens["id_token"], said, citizen)

    def sign_out_address(self, id_token: str, *, back_to: str, state: str) -> str:
        """Where to lead the browser to sign out of the portal too. Raises PortalAway."""
        asked = {"id_token_hint": id_token, "post_logout_redirect_uri": back_to, "state": state}
        return f"{self._address('end_session_endpoint')}?{urlencode(asked)}"

    def read_logout(self, token: str) -> Claims:
        """The claims of a logout token: end the sessions with its `sid`, or with its `sub` where it has none. Raises
        SignInFailed, PortalAway."""
        try:
            header, claims = self._decoded(token)
        except (JoseError, ValueError) as error:
            raise SignInFailed("refused", str(error)) from None
        now = time.time()
        audience = claims.get("aud")
        right = {
            "typ": header.get("typ") == "logout+jwt",  # an ID token is none
            "iss": claims.get("iss") == self.issuer,
            "aud": self.client_id in (audience if isinstance(audience, list) else [audience]),
            "exp": isinstance(claims.get("exp"), int) and now < claims["exp"] + CLOCKS_DIFFER,
            "iat": isinstance(claims.get("iat"), int) and claims["iat"] < now + CLOCKS_DIFFER,
            "events": isinstance(claims.get("events"), dict) and LOGOUT_EVENT in claims["events"],
            "nonce": "nonce" not in claims,
            "sid": bool(claims.get("sid") or claims.get("sub")),
        }
        if wrong := [name for name, is_right in right.items() if not is_right]:
            raise SignInFailed("refused", " ".join(wrong))
        return claims

    def _client(self) -> OAuth2Client:
        """A fresh one for each use: it keeps the tokens of the one before."""
        return OAuth2Client(
            self._web,
            self.client_id,
            self._secret,
            scope=SCOPE,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
        )

    def _checked_id_token(self, tokens: Claims, nonce: str) -> Claims:
        header, claims = self._decoded(tokens["id_token"])
        said = CodeIDToken(
            claims,
            header,
            options={
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self.client_id},
                "nonce": {"essential": True},
                "acr": {"essential": True},
                "auth_time": {"essential": True},
            },
            params={"nonce": nonce, "client_id": self.client_id, "access_token": tokens["access_token"]},
        )
        said.validate(leeway=CLOCKS_DIFFER)
        return dict(said)

    def _decoded(self, token: str) -> tuple[Claims, Claims]:
        """The header and the claims of a token that the portal signed."""
        address = self._address("jwks_uri")
        try:
            found = jwt.decode(token, KeySet.import_key_set(self._kept(address)), algorithms=ALGORITHMS)
        except InvalidKeyIdError:  # a new key, perhaps
            keys = KeySet.import_key_set(self._kept(address, keep=READ_AGAIN_AFTER))
            found = jwt.decode(token, keys, algorithms=ALGORITHMS)
        return found.header, found.claims

    def _address(self, name: str) -> str:
        """The address of one of the portal's endpoints, by the name that discovery has for it."""
        document = self._kept(f"{self.issuer}/.well-known/openid-configuration")
        if document.get("issuer") != self.issuer:
            raise PortalAway(f"the issuer calls itself {document.get('issuer')}")
        return str(document[name])

    def _kept(self, address: str, keep: float = KEEP) -> Any:
        """What stands at `address`; read again when it is older than `keep` seconds."""
        read_at, said = self._read.get(address, (0.0, None))
        if said is None or time.monotonic() - read_at > keep:
            said = self._web.read(address)
            self._read[address] = (time.monotonic(), said)
        return said


@dataclass(frozen=True)
class Answer:
    """What Authlib reads of an answer."""

    status_code: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise PortalAway(f"HTTP {self.status_code}")


class Web:
    """What Authlib takes for a session of `requests`, by the standard library. Raises PortalAway."""

    def post(self, url: str, *, data: dict[str, str], headers: dict[str, str], auth: Any) -> Answer:
        url, headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return self._ask(urllib.request.Request(url, body.encode(), headers))  # noqa: S310 - from the portal's discovery

    def read(self, address: str, token: str = "") -> Any:
        """The JSON at `address`."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self._ask(urllib.request.Request(address, headers=headers))  # noqa: S310 - from the portal's discovery
        answer.raise_for_status()
        try:
            return answer.json()
        except ValueError:
            raise PortalAway("no JSON") from None

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with _opener.open(request, timeout=ANSWERS_WITHIN) as answer:
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read())
        except OSError as error:
            raise PortalAway(str(error)) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A secret goes nowhere but to the address that discovery names."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)
