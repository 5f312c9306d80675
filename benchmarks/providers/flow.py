"""What is measured: a signed-in browser comes from a service with a request, the service exchanges its code and reads
the claims; and a service asks whether a token is good. The same requests to each provider."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from benchmarks.providers.browser import Answer, Browser, basic

CALLBACK = "https://service.example.ir/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PEOPLE = 20  # citizens who are signed in
CLAIMS = {"name": "رضا کریمی", "given_name": "رضا", "family_name": "کریمی", "email": "reza@example.com"}


@dataclass(frozen=True)
class Client:
    """A connected service: what it is called and its secret."""

    client_id: str
    secret: str


@dataclass(frozen=True)
class Addresses:
    authorize: str
    token: str
    userinfo: str
    introspect: str


class Flow:
    """`browsers`: of citizens who are signed in, who come in turn. `machine`: of the service, without cookies."""

    def __init__(self, addresses: Addresses, client: Client, browsers: list[Browser], machine: Browser) -> None:
        self.at, self.client, self.machine = addresses, client, machine
        self.browsers = itertools.cycle(browsers)
        self.proof = basic(client.client_id, client.secret)
        self.numbers = itertools.count()

    def sign_ins(self) -> Iterator[None]:
        """Each does it once. Every citizen knows the service already."""
        for _ in range(PEOPLE):
            self.sign_in()
        while True:
            self.sign_in()
            yield

    def sign_in(self) -> dict[str, Any]:
        """Authorize, token, userinfo; returns the tokens. Raises RuntimeError if anything is not as it should be."""
        number = str(next(self.numbers))
        answer = next(self.browsers).get(f"{self.at.authorize}?{urlencode(self.asked(number))}")
        address = urlsplit(answer.headers.get("location", ""))
        said = parse_qs(address.query)
        right(address._replace(query="").geturl() == CALLBACK and said.get("state") == [number], answer)
        tokens = self.exchange(said["code"][0])
        right(f'"{number}"' in str(body_of(tokens["id_token"])), answer)  # its nonce
        return tokens

    def asked(self, number: str) -> dict[str, str]:
        return {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email",
            "state": number,
            "nonce": number,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }

    def exchange(self, code: str) -> dict[str, Any]:
        """Token and userinfo."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        answer = self.machine.post(self.at.token, form, authorization=self.proof)
        right(answer.status == 200, answer)
        tokens: dict[str, Any] = json.loads(answer.body)
        right(all(tokens.get(name) for name in ("access_token", "refresh_token", "id_token")), answer)
        answer = self.machine.get(self.at.userinfo, authorization=f"Bearer {tokens['access_token']}")
        right(answer.status == 200 and CLAIMS.items() <= json.loads(answer.body).items(), answer)
        return tokens

    def introspections(self) -> Iterator[None]:
        """Each asks once whether a token is good."""
        token = self.sign_in()["access_token"]
        while True:
            answer = self.machine.post(self.at.introspect, {"token": token}, authorization=self.proof)
            right(answer.status == 200 and json.loads(answer.body)["active"] is True, answer)
            yield


def body_of(token: str) -> str:
    """The claims of a JWT, as text."""
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def right(found: object, answer: Answer) -> None:
    """What is quick because it fails is not measured."""
    if not found:
        raise RuntimeError(f"{answer.status} {answer.headers} {answer.body[:2000]!r}")
