"""The discovery document and the public keys."""

from __future__ import annotations

import pytest
from django.conf import settings as configured
from django.test import Client
from django.urls import resolve

from openid import discovery
from openid.claims import SCOPE_OF

PAGES = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/openid/jwks"]


@pytest.mark.parametrize("page", PAGES)
def test_programs_read_it_without_cookie_or_database(page: str):  # the mark `django_db` is missing on purpose
    response = Client().get(page)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "public, max-age=3600"
    assert not response.cookies


def test_both_addresses_say_the_same():
    first, second = (Client().get(page).json() for page in PAGES[:2])
    assert first == second == discovery.document()


def test_the_issuer_is_where_the_document_is():
    document = Client().get(PAGES[0]).json()
    host = configured.PUBLIC_HOST
    assert document["issuer"] == f"http://{host}"
    assert document["jwks_uri"] == f"http://{host}/openid/jwks"


@pytest.mark.parametrize("name", discovery.ENDPOINTS)
def test_every_address_leads_somewhere(name: str):
    assert resolve(discovery.ENDPOINTS[name]).func


def test_nothing_unsafe_is_offered():
    document = discovery.document()
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert "none" not in document["id_token_signing_alg_values_supported"]
    assert document["subject_types_supported"] == ["pairwise"]
    assert document["request_uri_parameter_supported"] is False  # its default is true
    assert document["backchannel_logout_supported"] is document["backchannel_logout_session_supported"] is True
    assert set(SCOPE_OF) < set(document["claims_supported"])


@pytest.mark.parametrize("page", PAGES)
def test_without_keys_in_the_settings_there_is_no_such_page(settings, page: str):
    settings.OPENID_KEYS = ""
    assert Client().get(page).status_code == 404


def test_jwks_are_the_published_keys():
    kinds = [(key["kty"], key["alg"]) for key in Client().get("/openid/jwks").json()["keys"]]
    assert sorted(kinds) == [("EC", "ES256"), ("RSA", "RS256")]
