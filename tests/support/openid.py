"""Connected services for tests: one made in one call, and its whole way with a citizen in one call."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.test import Client
from django.utils import timezone
from joserfc import jwt

from accounts.models import User
from common.links import absolute
from openid import credentials
from openid.granting import SignIn
from openid.models import AuthMethod, ConnectedService, Level, Sector
from openid.protocol import server

CALLBACK = "https://service.example.ir/callback"
SCOPES = ("openid", "profile", "phone", "email", "national_id")
PORTAL_SID = "5e" * 16
TOKEN, INTROSPECT, REVOKE, USERINFO = (f"/openid/{name}" for name in ("token", "introspect", "revoke", "userinfo"))
FORM = "application/x-www-form-urlencoded"
VERIFIER = "v" * 43
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Service:
    """A connected service as its developer has it: the row, and the secret."""

    row: ConnectedService
    secret: str = ""
    browser: Client = field(default_factory=Client)  # of its machine

    @property
    def client_id(self) -> str:
        return self.row.client_id

    def basic(self) -> dict[str, str]:
        """The header of client_secret_basic; none for a public client."""
        if not self.secret:
            return {}
        said = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return {"Authorization": f"Basic {said}"}

    def post(self, address: str, **form: str) -> Any:
        """A POST to an endpoint of machines, as this service."""
        if not self.secret:
            form.setdefault("client_id", self.client_id)
        return self.browser.post(address, encoded(form), content_type=FORM, headers=self.basic())

    def exchange(self, code: str, *, verifier: str = "", redirect_uri: str = CALLBACK, **form: str) -> Any:
        """The answer of the token endpoint to a code."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return self.post(TOKEN, **asked | {"code_verifier": verifier or VERIFIER} | form)

    def refresh(self, token: str, **form: str) -> Any:
        """The answer of the token endpoint to a refresh token."""
        return self.post(TOKEN, grant_type="refresh_token", refresh_token=token, **form)


def encoded(form: dict[str, str]) -> str:
    """The body of a POST."""
    return urlencode(form)


def challenge(verifier: str = VERIFIER) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def service(*, name: str = "سوابق بیمه", sector: str = "", method: str = AuthMethod.SECRET, **changes: Any) -> Service:
    """A service of ours that may have every scope and goes back to `CALLBACK`."""
    secret = credentials.new() if method == AuthMethod.SECRET else ""
    facts = {
        "redirect_uris": [CALLBACK],
        "scopes": dict.fromkeys(SCOPES[1:], "it needs it"),
        "auth_method": method,
        "secret_hash": credentials.hash_of(credentials.CLIENT_SECRET, secret) if secret else "",
    }
    row = ConnectedService.objects.create(
        name=name,
        sector=Sector.objects.get_or_create(name=sector or secrets.token_hex(4))[0],
        **(facts | changes),
    )
    return Service(row, secret)


def asked(service: Service, **changes: str | None) -> dict[str, str]:
    """The parameters of an authorization request; None leaves one out."""
    parameters = {
        "response_type": "code",
        "client_id": service.client_id,
        "redirect_uri": CALLBACK,
        "scope": "openid profile",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
    } | changes
    return {name: value for name, value in parameters.items() if value is not None}


def answered(service: Service, account: User, *, portal_sid: str = PORTAL_SID, **changes: str | None) -> dict[str, str]:
    """What the service gets back after its citizen signed in and agreed; without the pages in between."""
    grant = server.check({name: [value] for name, value in asked(service, **changes).items()})
    sign_in = SignIn(account=account, portal_sid=portal_sid, acr=Level.PASSWORD, auth_time=timezone.now())
    return dict(parse_qsl(urlsplit(server.answer(grant, sign_in)).query))


def code(service: Service, account: User, **changes: str | None) -> str:
    """A code for this service and citizen."""
    return answered(service, account, **changes)["code"]


def tokens(service: Service, account: User, **changes: str | None) -> dict[str, Any]:
    """The tokens of a whole sign-in: access_token, refresh_token, id_token, scope, expires_in."""
    response = service.exchange(code(service, account, **changes))
    assert response.status_code == 200, response.content
    return response.json()


def is_active(service: Service, token: str) -> bool:
    """What introspection says of a token to the service that it was made for."""
    response = service.post(INTROSPECT, token=token)
    assert response.status_code == 200, response.content
    return response.json()["active"]


def userinfo(token: str) -> Any:
    """The answer of the userinfo endpoint to a token in the header."""
    return Client().get(USERINFO, headers={"Authorization": f"Bearer {token}"})


def assertion(service: Service, key: Any, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """The JWT by which a service proves itself with its `key`. A change to None leaves the claim out."""
    now = int(time.time())
    claims = {
        "iss": service.client_id,
        "sub": service.client_id,
        "aud": absolute(""),
        "iat": now,
        "exp": now + 300,
        "jti": credentials.new(),
    } | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode({"alg": "ES256", "kid": "its-key"} | (header or {}), claims, key)


def exchange_by_key(service: Service, code: str, proof: str, **form: str) -> Any:
    """The answer of the token endpoint to a code, of a service that proves itself by `assertion`."""
    return service.exchange(code, client_assertion=proof, client_assertion_type=ASSERTION_TYPE, **form)
