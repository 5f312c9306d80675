"""The token endpoint: a code becomes tokens, once; refresh tokens become their successors, once."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from common import limits
from openid.models import AuthMethod, EndReason, Grant, Token, TokenKind
from tests.support import openid
from tests.support.accounts import citizen

pytestmark = pytest.mark.django_db


def test_a_code_becomes_tokens_and_a_refresh_token_its_successor():
    service, account = openid.service(), citizen()
    answer = openid.answered(service, account)
    assert answer["state"] == "state-1"
    assert answer["iss"].startswith("http")

    first = service.exchange(answer["code"])

    assert first.status_code == 200
    assert first["Cache-Control"] == "no-store"
    assert not first.cookies
    tokens = first.json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["scope"] == "openid profile"
    assert tokens["expires_in"] == limits.OPENID_ACCESS_TOKEN.total_seconds()
    assert tokens["id_token"].count(".") == 2
    second = service.refresh(tokens["refresh_token"])
    assert second.status_code == 200
    assert second.json()["refresh_token"] != tokens["refresh_token"]
    assert openid.is_active(service, tokens["access_token"])
    assert openid.is_active(service, second.json()["access_token"])


def test_only_hashes_are_stored():
    service = openid.service()
    code = openid.code(service, citizen())
    tokens = service.exchange(code).json()

    stored = [*Grant.objects.values_list("code_hash", flat=True), *Token.objects.values_list("token_hash", flat=True)]

    assert len(stored) == 3
    secrets = {code, tokens["access_token"], tokens["refresh_token"]}
    assert not secrets & set(stored)
    assert all(len(secret) == 43 for secret in secrets)


@pytest.mark.parametrize("method", [AuthMethod.SECRET, AuthMethod.PUBLIC])
@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"code": "nonsense"}, "invalid_grant"),
        ({"code": ""}, "invalid_request"),
        ({"verifier": "w" * 43}, "invalid_grant"),
        ({"verifier": "v" * 42}, "invalid_request"),
        ({"verifier": openid.challenge()}, "invalid_grant"),  # as if it had been "plain"
        ({"code_verifier": ""}, "invalid_request"),
        ({"redirect_uri": openid.CALLBACK + "/"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
    ],
    ids=str,
)
def test_what_does_not_fit_the_request_gets_nothing_and_spoils_nothing(method, wrong, error):
    service = openid.service(method=method)
    code = openid.code(service, citizen())

    refused = service.exchange(**{"code": code} | wrong)

    assert refused.status_code == 400
    assert refused.json()["error"] == error
    assert service.exchange(code).status_code == 200


def test_a_code_lives_for_a_minute(clock):
    service = openid.service()
    good, late = openid.code(service, citizen()), openid.code(service, citizen(national_id="0012345687"))
    clock.sleep((limits.OPENID_CODE - dt.timedelta(seconds=1)).total_seconds())
    assert service.exchange(good).status_code == 200

    clock.sleep((dt.timedelta(seconds=1)).total_seconds())

    assert service.exchange(late).json()["error"] == "invalid_grant"


def test_a_code_used_again_ends_all_that_came_of_it():
    service, account = openid.service(), citizen()
    other = openid.tokens(service, account)
    code = openid.code(service, account)
    tokens = service.exchange(code).json()
    newer = service.refresh(tokens["refresh_token"]).json()

    replayed = service.exchange(code)

    assert replayed.status_code == 400
    assert replayed.json()["error"] == "invalid_grant"
    for token in (tokens["access_token"], newer["access_token"], newer["refresh_token"]):
        assert not openid.is_active(service, token)
    assert service.refresh(newer["refresh_token"]).json()["error"] == "invalid_grant"
    assert Grant.objects.get(end_reason=EndReason.REPLAYED).ended_at is not None
    assert openid.is_active(service, other["access_token"])


@pytest.mark.parametrize("method", [AuthMethod.SECRET, AuthMethod.PUBLIC])
def test_a_code_from_another_client_is_refused_and_stays_good_for_its_own(method):
    service, thief = openid.service(), openid.service(method=method)
    code = openid.code(service, citizen())

    assert thief.exchange(code).json()["error"] == "invalid_grant"

    tokens = service.exchange(code)
    assert tokens.status_code == 200
    assert thief.exchange(code).json()["error"] == "invalid_grant"  # nor does a stranger end anything
    assert openid.is_active(service, tokens.json()["access_token"])


def test_a_refresh_token_used_again_ends_the_family():
    service, account = openid.service(), citizen()
    first = openid.tokens(service, account)
    second = service.refresh(first["refresh_token"]).json()

    again = service.refresh(first["refresh_token"])

    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"
    assert not openid.is_active(service, second["access_token"])
    assert service.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_refresh_token_of_another_client_is_refused_and_nothing_ends():
    service, thief, account = openid.service(), openid.service(), citizen()
    first = openid.tokens(service, account)
    assert thief.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    second = service.refresh(first["refresh_token"]).json()

    assert thief.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"

    assert openid.is_active(service, second["access_token"])


def test_an_access_token_is_no_refresh_token_and_a_code_is_neither():
    service, account = openid.service(), citizen()
    tokens, code = openid.tokens(service, account), openid.code(service, account)

    assert service.refresh(tokens["access_token"]).json()["error"] == "invalid_grant"
    assert service.refresh(code).json()["error"] == "invalid_grant"
    assert service.exchange(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert openid.userinfo(tokens["refresh_token"]).status_code == 401


def test_a_family_ends_even_if_it_is_used_all_the_time(clock):
    service = openid.service()
    tokens = openid.tokens(service, citizen())
    begun = timezone.now()
    while timezone.now() - begun < limits.OPENID_GRANT - limits.OPENID_REFRESH_TOKEN:
        clock.sleep((limits.OPENID_REFRESH_TOKEN - dt.timedelta(minutes=1)).total_seconds())
        tokens = service.refresh(tokens["refresh_token"]).json()
    last = Token.objects.filter(kind=TokenKind.REFRESH).order_by("pk").last()

    assert last.expires_at <= begun + limits.OPENID_GRANT + dt.timedelta(seconds=5)

    clock.sleep((last.expires_at - timezone.now()).total_seconds())
    assert service.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_refresh_may_ask_for_less_and_never_for_more():
    service = openid.service()
    first = openid.tokens(service, citizen(), scope="openid profile phone")

    more = service.refresh(first["refresh_token"], scope="openid profile email")
    assert more.json()["error"] == "invalid_scope"
    less = service.refresh(first["refresh_token"], scope="openid phone").json()
    assert less["scope"] == "openid phone"
    assert service.refresh(less["refresh_token"]).json()["scope"] == "openid profile phone"


def test_a_scope_that_was_taken_from_the_service_is_not_in_its_next_token():
    service = openid.service()
    first = openid.tokens(service, citizen(), scope="openid profile national_id")
    del service.row.scopes["national_id"]
    service.row.save()

    assert service.refresh(first["refresh_token"]).json()["scope"] == "openid profile"


@pytest.mark.parametrize("grant_type", ["password", "implicit", "client_credentials", "", 'x"\\\u06f1'])
def test_no_other_grant(grant_type):
    service = openid.service()

    refused = service.post(openid.TOKEN, grant_type=grant_type, username="0012345679", password="x")

    assert refused.status_code == 400
    assert refused.json()["error"] == "unsupported_grant_type"


def test_a_parameter_twice_in_the_address_or_not_in_a_form_is_refused():
    service = openid.service()
    code = openid.code(service, citizen())
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": openid.CALLBACK,
        "code_verifier": openid.VERIFIER,
    }
    body, browser, headers = openid.encoded(form), service.browser, service.basic()

    twice = browser.post(openid.TOKEN, f"{body}&code={code}", content_type=openid.FORM, headers=headers)
    in_address = browser.post(f"{openid.TOKEN}?{body}", headers=headers)
    other_type = browser.post(openid.TOKEN, form, headers=headers)  # multipart

    assert [answer.status_code for answer in (twice, in_address, other_type)] == [400, 400, 400]
    assert browser.get(f"{openid.TOKEN}?{body}", headers=headers).status_code == 405
    assert service.exchange(code).status_code == 200
