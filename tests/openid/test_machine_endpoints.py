"""Introspection, revocation, userinfo; and what ends in the middle of it all."""

from __future__ import annotations

import logging

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from common import limits
from openid.models import AuthMethod, EndReason, Grant, Usage
from tests.support import openid
from tests.support.accounts import citizen

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> openid.Service:
    return openid.service()


def suspend(service: openid.Service, account: User) -> None:
    service.row.suspended_at = timezone.now()
    service.row.save()


def freeze(service: openid.Service, account: User) -> None:
    account.is_active = False
    account.save()


def end(service: openid.Service, account: User) -> None:
    Grant.objects.update(ended_at=timezone.now(), end_reason=EndReason.SIGNED_OUT)


# Introspection.


def test_introspection_tells_a_service_of_its_own_tokens(service, account):
    tokens = openid.tokens(service, account)

    said = service.post(openid.INTROSPECT, token=tokens["access_token"], token_type_hint="nonsense")

    assert said["Cache-Control"] == "no-store"
    facts = said.json()
    assert facts["active"] is True
    assert (facts["client_id"], facts["aud"], facts["token_type"]) == (service.client_id, service.client_id, "Bearer")
    assert facts["scope"] == "openid profile"
    assert 0 < facts["exp"] - facts["iat"] <= limits.OPENID_ACCESS_TOKEN.total_seconds()
    assert facts["sub"] == openid.userinfo(tokens["access_token"]).json()["sub"]
    assert len(facts["sid"]) == 32
    assert service.post(openid.INTROSPECT, token=tokens["refresh_token"]).json()["token_type"] == "refresh_token"


def test_of_a_foreign_token_a_service_learns_nothing(service, account):
    tokens, other = openid.tokens(service, account), openid.service()

    assert other.post(openid.INTROSPECT, token=tokens["access_token"]).json() == {"active": False}
    assert other.post(openid.INTROSPECT, token="nonsense").json() == {"active": False}


def test_introspection_needs_a_proof(service, account):
    tokens, public = openid.tokens(service, account), openid.service(method=AuthMethod.PUBLIC)
    own = openid.tokens(public, citizen(national_id="0012345687"))

    assert public.post(openid.INTROSPECT, token=own["access_token"]).status_code == 401
    service.secret = "wrong"
    assert service.post(openid.INTROSPECT, token=tokens["access_token"]).status_code == 401
    assert Client().get(openid.INTROSPECT).status_code == 405


@pytest.mark.parametrize("what", [freeze, end])
def test_a_token_is_inactive_at_once(service, account, what):
    tokens = openid.tokens(service, account)

    what(service, account)

    assert service.post(openid.INTROSPECT, token=tokens["access_token"]).json() == {"active": False}
    assert service.post(openid.INTROSPECT, token=tokens["refresh_token"]).json() == {"active": False}
    assert openid.userinfo(tokens["access_token"]).status_code == 401
    assert service.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("what", [freeze, end])
def test_a_code_is_worth_nothing_after_the_end(service, account, what):
    """Also: a citizen frozen between code and token."""
    code = openid.code(service, account)

    what(service, account)

    assert service.exchange(code).json()["error"] == "invalid_grant"


def test_a_service_suspended_in_mid_flow_gets_nothing(service, account):
    tokens, code = openid.tokens(service, account), openid.code(service, account)

    suspend(service, account)

    for answer in (
        service.exchange(code),
        service.refresh(tokens["refresh_token"]),
        service.post(openid.INTROSPECT, token=tokens["access_token"]),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert "suspended" in answer.json()["error_description"]
    assert openid.userinfo(tokens["access_token"]).status_code == 401


def test_only_who_proves_itself_learns_that_a_service_is_suspended(service, account):
    suspend(service, account)
    service.secret = "wrong"

    assert "suspended" not in service.exchange("x").json()["error_description"]


# Revocation.


def test_a_revoked_refresh_token_takes_the_family_and_an_access_token_only_itself(service, account):
    tokens = openid.tokens(service, account)
    newer = service.refresh(tokens["refresh_token"]).json()

    assert service.post(openid.REVOKE, token=tokens["access_token"]).status_code == 200
    assert not openid.is_active(service, tokens["access_token"])
    assert openid.is_active(service, newer["access_token"])

    assert service.post(openid.REVOKE, token=newer["refresh_token"]).status_code == 200
    assert not openid.is_active(service, newer["access_token"])
    assert service.refresh(newer["refresh_token"]).json()["error"] == "invalid_grant"
    assert Grant.objects.get().end_reason == EndReason.REVOKED


def test_a_public_client_may_revoke_its_own(account):
    public = openid.service(method=AuthMethod.PUBLIC)
    tokens = openid.tokens(public, account)

    assert public.post(openid.REVOKE, token=tokens["refresh_token"]).status_code == 200
    assert openid.userinfo(tokens["access_token"]).status_code == 401


def test_revoking_what_is_not_ones_own_does_nothing(service, account):
    tokens, other = openid.tokens(service, account), openid.service()

    assert other.post(openid.REVOKE, token=tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert other.post(openid.REVOKE, token="unknown").status_code == 200
    assert other.post(openid.REVOKE).json()["error"] == "invalid_request"
    other.secret = "wrong"
    assert other.post(openid.REVOKE, token=tokens["refresh_token"]).status_code == 401

    assert openid.is_active(service, tokens["access_token"])


# Userinfo.


def test_userinfo_by_get_and_post_with_the_header_alone(service, account):
    token = openid.tokens(service, account)["access_token"]
    header = {"Authorization": f"Bearer {token}"}

    got, posted = openid.userinfo(token), Client().post(openid.USERINFO, headers=header)

    assert got.status_code == posted.status_code == 200
    assert got.json() == posted.json()
    assert got["Cache-Control"] == "no-store"
    assert not got.cookies
    for answer in (
        Client().get(openid.USERINFO, {"access_token": token}),
        Client().post(openid.USERINFO, {"access_token": token}),
        Client().get(openid.USERINFO),
        Client().get(openid.USERINFO, headers={"Authorization": "Bearer"}),
        Client().get(openid.USERINFO, headers={"Authorization": f"Basic {token}"}),
        openid.userinfo("nonsense"),
    ):
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert token not in answer.content.decode()


def test_an_access_token_ends_with_its_time(service, account, clock):
    token = openid.tokens(service, account)["access_token"]
    clock.sleep(limits.OPENID_ACCESS_TOKEN.total_seconds() - 1)
    assert openid.userinfo(token).status_code == 200

    clock.sleep(1)

    assert openid.userinfo(token).status_code == 401
    assert not openid.is_active(service, token)


# All of them.


def test_no_answer_sets_a_cookie_or_needs_csrf(service, account):
    strict = Client(enforce_csrf_checks=True)
    code = openid.code(service, account)
    service.browser = strict

    answers = [
        service.exchange(code),
        service.post(openid.INTROSPECT, token="x"),
        service.post(openid.REVOKE, token="x"),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not strict.cookies


def test_logs_hold_no_token_code_secret_or_claim(service, account, caplog):
    with caplog.at_level(logging.DEBUG):
        code = openid.code(service, account, scope=" ".join(openid.SCOPES))
        tokens = service.exchange(code).json()
        newer = service.refresh(tokens["refresh_token"]).json()
        claims = openid.userinfo(newer["access_token"]).json()
        openid.is_active(service, newer["access_token"])
        service.exchange(code)
        service.post(openid.REVOKE, token=newer["refresh_token"])
        right, service.secret = service.secret, "wrong" * 9
        service.exchange(code)

    logged = "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records)
    secrets = [code, right, "wrong" * 9, openid.VERIFIER, *tokens.values(), *newer.values()]
    assert not [secret for secret in secrets if isinstance(secret, str) and len(secret) > 40 and secret in logged]
    for name in ("sub", "national_id", "phone_number", "email", "family_name", "birthdate"):
        assert claims[name] not in logged
    assert logging.getLogger("authlib.oauth2.rfc6749").getEffectiveLevel() >= logging.WARNING


def test_uses_and_errors_are_counted_for_the_service(service, account, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        tokens = openid.tokens(service, account)
        newer = service.refresh(tokens["refresh_token"]).json()
        openid.userinfo(newer["access_token"])
        openid.is_active(service, newer["access_token"])
        service.refresh("unknown")
        service.post("/openid/par", **openid.asked(service, scope="profile"))
        service.secret = "wrong"
        service.refresh("unknown")

    counted = dict(Usage.objects.filter(service=service.row).values_list("what", "count"))

    errors = {"error:invalid_grant": 1, "error:invalid_client": 1, "error:invalid_scope": 1}
    ours = ("token", "refresh", "userinfo", "introspection", *errors)
    assert {what: counted.get(what) for what in ours} == dict.fromkeys(ours, 1)
