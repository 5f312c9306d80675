"""How services prove that they are themselves: a secret, a key of their own, or nothing."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import time

import pytest
from django.utils import timezone
from joserfc import jwk

from common import limits
from common.links import absolute
from openid import credentials
from openid.models import AuthenticationFailure, AuthMethod, UsedAssertion
from tests.support import openid
from tests.support.accounts import citizen
from tests.support.openid import assertion, exchange_by_key

pytestmark = pytest.mark.django_db


def keyed(key) -> openid.Service:
    return openid.service(method=AuthMethod.KEY, jwks={"keys": [key.as_dict(private=False)]})


@pytest.fixture
def key():
    return jwk.ECKey.generate_key("P-256", {"kid": "its-key"})


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


@pytest.mark.parametrize(
    "audience", [absolute(""), absolute("/openid/token"), [absolute(""), absolute("/openid/token")]]
)
def test_a_key_of_its_own_signs_once(key, audience):
    service, account = keyed(key), citizen()
    proof = assertion(service, key, aud=audience)

    assert exchange_by_key(service, openid.code(service, account), proof).status_code == 200

    again = exchange_by_key(service, openid.code(service, account), proof)
    assert again.status_code == 401
    assert again.json()["error"] == "invalid_client"
    assert UsedAssertion.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example.ir"},
        {"aud": [absolute(""), "https://other.ir"]},  # the other one could use it here
        {"aud": None},
        {"aud": 7},
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"sub": 7},
        {"jti": None},
        {"jti": 7},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 10**400},
        {"iat": float("nan")},
    ],
    ids=str,
)
def test_an_assertion_that_says_something_else_is_refused(key, changes):
    service = keyed(key)
    code = openid.code(service, citizen())

    refused = exchange_by_key(service, code, assertion(service, key, **changes))

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert exchange_by_key(service, code, assertion(service, key)).status_code == 200


@pytest.mark.parametrize(
    "proof", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\u06f1.\u06f2.\u06f3", "x" * 9_000, "."]
)
def test_nonsense_is_no_assertion(key, proof):
    service = keyed(key)

    assert exchange_by_key(service, openid.code(service, citizen()), proof).status_code in (400, 401)


def test_a_foreign_key_and_a_shared_secret_are_refused(key):
    service = keyed(key)
    code = openid.code(service, citizen())
    foreign = jwk.ECKey.generate_key("P-256", {"kid": "its-key"})
    body = assertion(service, key).split(".")[1]
    head = encoded(b'{"alg":"HS256","kid":"its-key"}')
    by_public_key = encoded(hmac.digest(key.as_pem(private=False), f"{head}.{body}".encode(), "sha256"))

    for proof in (
        assertion(service, foreign),
        assertion(service, key, header={"kid": "another"}),
        f"{head}.{body}.{by_public_key}",
        encoded(b'{"alg":"none"}') + f".{body}.",
    ):
        assert exchange_by_key(service, code, proof).status_code == 401
    assert exchange_by_key(service, code, assertion(service, key)).status_code == 200


@pytest.mark.parametrize(
    ("minutes", "status"), [(-5, 200), (-1, 200), (1, 200), (5, 401)], ids=lambda value: str(value)
)
def test_a_clock_that_differs(key, minutes, status):
    """A clock that is behind harms nobody while the assertion lives; one that is far ahead is told so."""
    service = keyed(key)
    now = int(time.time()) + minutes * 60 - 5

    answer = exchange_by_key(service, openid.code(service, citizen()), assertion(service, key, iat=now, exp=now + 600))

    assert answer.status_code == status
    if status == 401:
        assert "clock" in answer.json()["error_description"]


def test_an_assertion_that_expired_or_would_live_for_ever_is_refused_with_the_reason(key):
    service, now = keyed(key), int(time.time())
    code = openid.code(service, citizen())

    for ends in (now - 61, now + int(limits.OPENID_ASSERTION.total_seconds()) + 90):
        refused = exchange_by_key(service, code, assertion(service, key, exp=ends))
        assert refused.status_code == 401
        assert "clock" in refused.json()["error_description"]


def test_a_wrong_secret_is_refused_with_the_scheme_that_is_expected():
    service = openid.service()
    code, right = openid.code(service, citizen()), service.secret
    service.secret = "wrong"

    refused = service.exchange(code)

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused["WWW-Authenticate"].startswith("Basic")
    service.secret = right
    assert service.exchange(code).status_code == 200


def test_the_earlier_secret_works_until_its_time(clock):
    service, account = openid.service(), citizen()
    old, new = service.secret, credentials.new()
    service.row.earlier_secret_hash = service.row.secret_hash
    service.row.secret_hash = credentials.hash_of(credentials.CLIENT_SECRET, new)
    service.row.earlier_secret_until = timezone.now() + dt.timedelta(hours=1)
    service.row.save()
    codes = [openid.code(service, account) for _number in range(2)]
    for secret, code in zip((old, new), codes, strict=True):
        service.secret = secret
        assert service.exchange(code).status_code == 200

    clock.sleep((dt.timedelta(hours=1)).total_seconds())

    service.secret = old
    assert service.exchange(openid.code(service, account)).status_code == 401


@pytest.mark.parametrize("method", [AuthMethod.SECRET, AuthMethod.KEY])
def test_only_a_public_client_comes_without_a_proof(key, method):
    service = openid.service(method=method, jwks={"keys": [key.as_dict(private=False)]})
    code, service.secret = openid.code(service, citizen()), ""

    refused = service.exchange(code)

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


def test_a_service_with_a_key_cannot_use_a_secret_and_one_with_a_secret_no_key(key):
    with_key, with_secret = keyed(key), openid.service(jwks={"keys": [key.as_dict(private=False)]})
    with_key.row.secret_hash = credentials.hash_of(credentials.CLIENT_SECRET, "left over")
    with_key.row.save()
    code = openid.code(with_key, citizen())
    with_key.secret = "left over"
    assert with_key.exchange(code).status_code == 401

    code = openid.code(with_secret, citizen(national_id="0012345687"))
    proof, with_secret.secret = assertion(with_secret, key), ""
    assert exchange_by_key(with_secret, code, proof).status_code == 401


def test_two_proofs_at_once_or_two_names_are_refused(key):
    service, other = openid.service(), openid.service()
    code = openid.code(service, citizen())

    assert exchange_by_key(service, code, assertion(service, key)).json()["error"] == "invalid_request"
    assert service.exchange(code, client_secret=service.secret).json()["error"] == "invalid_request"
    assert service.exchange(code, client_id=other.client_id).status_code == 401
    assert service.exchange(code, client_id=service.client_id).status_code == 200


def test_the_secret_in_the_form_is_not_taken():
    service = openid.service()
    code, secret = openid.code(service, citizen()), service.secret
    service.secret = ""

    assert service.exchange(code, client_secret=secret).status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic x",
        "Basic ====",
        "Basic /////w==",
        "Bearer x",
        "Basic Og==",
        "Digest x",
        "",
        "Basic AAA6AAA=",
        "Basic ",
        "Basic é",
    ],
)
def test_nonsense_in_the_header_is_refused(header):
    service = openid.service()
    body = openid.encoded({"grant_type": "authorization_code", "code": "x"})

    answer = service.browser.post(openid.TOKEN, body, content_type=openid.FORM, headers={"Authorization": header})

    assert answer.status_code == 401


def test_failures_are_told_to_wait_and_the_real_service_never(monkeypatch):
    monkeypatch.setattr(limits, "OPENID_FAILURES_PER_SERVICE", 3)
    service, other = openid.service(), openid.service()
    code, right = openid.code(service, citizen()), service.secret
    service.secret = "wrong"

    answers = [service.exchange(code) for _number in range(5)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 60
    assert answers[-1].json()["error"] == "invalid_client"
    service.secret, other.secret = right, "wrong"
    assert service.exchange(code).status_code == 200
    assert other.exchange("x").status_code == 401  # each has its own count


def test_an_address_that_fails_in_many_names_is_told_to_wait(monkeypatch):
    monkeypatch.setattr(limits, "OPENID_FAILURES_PER_ADDRESS", 3)
    services = [openid.service() for _number in range(5)]
    for service in services:
        service.secret = "wrong"

    assert [service.exchange("x").status_code for service in services] == [401, 401, 401, 429, 429]


def test_names_that_nobody_has_fill_no_table():
    service = openid.service()
    for number in range(5):
        service.row.client_id = f"nobody-{number}"
        assert service.exchange("x").status_code == 401

    assert AuthenticationFailure.objects.values("who").distinct().count() == 2  # the address, and all of these names


def test_a_service_with_many_citizens_is_not_braked_by_its_address(monkeypatch):
    monkeypatch.setattr(limits, "POSTS_PER_ADDRESS", 1)
    service = openid.service()

    assert {service.exchange("x").status_code for _number in range(4)} == {400}
