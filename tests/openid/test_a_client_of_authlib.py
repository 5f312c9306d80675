"""A relying party that nobody here wrote: Authlib's client, joserfc, and what discovery says.

Only the network is left out: Django's client carries the requests.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from django.test import Client
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support import openid, openid_browser
from tests.support.accounts import citizen

pytestmark = pytest.mark.django_db
VERIFIER = "a-verifier-of-the-services-own-" * 2


class Web:
    """What Authlib takes for a session of `requests`."""

    def post(self, url: str, *, data: dict[str, str], headers: dict[str, str], auth: Any) -> Any:
        url, headers, body = auth.prepare("POST", url, dict(headers), openid.encoded(data))
        return Client().post(urlsplit(url).path, body, content_type=openid.FORM, headers=headers)


def read(address: str, **headers: str) -> dict[str, Any]:
    answer = Client().get(urlsplit(address).path, headers=headers)
    assert answer.status_code == 200
    said: dict[str, Any] = json.loads(answer.content)
    return said


def answer(address: str) -> str:
    """Where a browser is led that brings the request, and in which the citizen is signed in."""
    where = urlsplit(address)
    response = openid_browser.signed_in(citizen()).get(f"{where.path}?{where.query}")
    assert response.status_code == 302
    return str(response["Location"])


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_a_whole_sign_in_by_a_client_of_authlib(algorithm: str):
    service = openid.service(id_token_algorithm=algorithm)
    portal = read("/.well-known/openid-configuration")
    client = OAuth2Client(
        Web(),
        service.client_id,
        service.secret,
        scope="openid profile phone national_id",
        redirect_uri=openid.CALLBACK,
        code_challenge_method="S256",
    )
    request, state = client.create_authorization_url(
        portal["authorization_endpoint"], nonce="its-nonce", code_verifier=VERIFIER
    )

    back = answer(request)
    tokens = client.fetch_token(
        portal["token_endpoint"], authorization_response=back, state=state, code_verifier=VERIFIER
    )

    assert parse_qs(urlsplit(back).query)["iss"] == [portal["issuer"]]
    assert algorithm in portal["id_token_signing_alg_values_supported"]
    signed = jwt.decode(tokens["id_token"], KeySet.import_key_set(read(portal["jwks_uri"])), algorithms=[algorithm])
    said = CodeIDToken(
        signed.claims,
        signed.header,
        options={"iss": {"value": portal["issuer"]}, "aud": {"value": service.client_id}, "acr": {"essential": True}},
        params={"nonce": "its-nonce", "client_id": service.client_id, "access_token": tokens["access_token"]},
    )
    said.validate()
    citizens = read(portal["userinfo_endpoint"], Authorization=f"Bearer {tokens['access_token']}")
    assert citizens["sub"] == said["sub"]
    assert citizens["family_name"] == "کریمی"
    newer = client.refresh_token(portal["token_endpoint"], tokens["refresh_token"])
    assert newer["refresh_token"] != tokens["refresh_token"]
    with pytest.raises(OAuth2Error, match="invalid_grant"):
        client.refresh_token(portal["token_endpoint"], tokens["refresh_token"])
