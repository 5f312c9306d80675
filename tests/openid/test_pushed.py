"""Pushed authorization requests (RFC 9126)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from common import limits
from openid.models import AuthorizationRequest, Grant
from tests.support import openid
from tests.support.accounts import REZA
from tests.support.openid_browser import (
    AUTHORIZE,
    PAR,
    handed_over,
    let_requests_pass,
    press,
    redirected,
    sign_in,
    signed_in,
    suspend,
    waits_at,
)

pytestmark = pytest.mark.django_db


def push(service: openid.Service, **changes: str | None):
    return service.post(PAR, **openid.asked(service, **changes))


def bring(client: Client, service: openid.Service, uri: str, **more: str):
    return client.get(AUTHORIZE, {"client_id": service.client_id, "request_uri": uri} | more)


def test_a_pushed_request_is_brought_by_a_browser_and_answered(user: User):
    service = openid.service()

    pushed = push(service)

    assert pushed.status_code == 201
    assert pushed["Cache-Control"] == "no-store"
    said = pushed.json()
    assert said["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert said["expires_in"] == limits.OPENID_PUSHED.total_seconds()
    answer = redirected(bring(signed_in(user), service, said["request_uri"]))
    assert answer["state"] == "state-1"
    assert service.exchange(answer["code"]).status_code == 200


def test_it_waits_for_a_sign_in_and_the_page_may_be_loaded_again(user: User):
    service, client = openid.service(), Client()
    uri = push(service).json()["request_uri"]
    bring(client, service, uri)

    to_sign_in = bring(client, service, uri)

    after = sign_in(client, user, to_sign_in["Location"])
    assert after["Location"] == waits_at(to_sign_in)
    assert "code" in handed_over(client.get(after["Location"]))


def test_a_citizen_who_is_asked_first_may_agree(user: User):
    bank, client = openid.service(is_third_party=True), signed_in(user)
    uri = push(bank).json()["request_uri"]

    page = bring(client, bank, uri)["Location"]

    assert page.startswith(AUTHORIZE + "/")
    assert "code" in handed_over(press(client, page, "agree"))


def test_what_stands_beside_it_in_the_address_does_not_count(user: User):
    service = openid.service()

    answer = redirected(
        bring(signed_in(user), service, push(service).json()["request_uri"], state="other", scope="openid email")
    )

    assert answer["state"] == "state-1"
    assert Grant.objects.get().scope == "openid profile"


def test_only_the_browser_that_brings_it_first_may_go_on(user: User):
    service = openid.service()
    uri = push(service).json()["request_uri"]
    redirected(bring(signed_in(user), service, uri))

    assert bring(signed_in(user), service, uri).status_code == 410


def test_another_service_cannot_bring_it(user: User):
    service, other = openid.service(), openid.service()
    uri = push(service).json()["request_uri"]

    assert bring(signed_in(user), other, uri).status_code == 404
    assert not Grant.objects.exists()


def test_it_is_over_soon(user: User):
    service = openid.service()
    uri = push(service).json()["request_uri"]
    let_requests_pass(limits.OPENID_PUSHED + timedelta(seconds=1))

    assert bring(signed_in(user), service, uri).status_code == 410


def test_a_handle_nobody_made_is_refused(user: User):
    response = bring(signed_in(user), openid.service(), "urn:ietf:params:oauth:request_uri:" + "x" * 43)

    assert response.status_code == 404


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://service.example.ir/callback/"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:" + "x" * 43}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "x"}, "invalid_request"),
    ],
)
def test_what_is_wrong_is_told_to_the_service_at_once(changes: dict[str, str | None], error: str):
    response = push(openid.service(), **changes)

    assert response.status_code == 400
    assert response.json()["error"] == error
    assert "Location" not in response
    assert not AuthorizationRequest.objects.exists()


def test_who_does_not_prove_itself_pushes_nothing():
    service = openid.service()
    service.secret = "x" * 43

    response = push(service)

    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"


def test_a_service_pushes_nothing_for_another():
    service, other = openid.service(), openid.service()

    response = push(service, client_id=other.client_id)

    assert response.status_code in (400, 401)
    assert not AuthorizationRequest.objects.exists()


def test_a_suspended_service_pushes_nothing():
    service = openid.service()
    suspend(service)

    assert push(service).status_code == 401


def test_a_public_client_may_push_too(user: User):
    app = openid.service(method="none")

    assert "code" in redirected(bring(signed_in(user), app, push(app).json()["request_uri"]))


def test_strangers_cannot_fill_the_table_in_the_name_of_an_app(monkeypatch: pytest.MonkeyPatch):
    """Anybody can be a public client; a service that proves itself has thousands of citizens behind one address."""
    monkeypatch.setattr(limits, "OPENID_KEPT_PER_ADDRESS", 0)
    app, service = openid.service(method="none"), openid.service()

    refused = push(app)

    assert refused.status_code == 429
    assert refused.json()["error"] == "temporarily_unavailable"
    assert 0 < int(refused["Retry-After"]) <= 60
    assert push(service).status_code == 201
    assert AuthorizationRequest.objects.get().service == service.row


def test_a_hinted_national_id_is_kept_as_a_hash(user: User):
    service, client = openid.service(), Client()

    uri = push(service, login_hint=REZA).json()["request_uri"]

    assert REZA not in str(AuthorizationRequest.objects.values())
    other = bring(client, service, uri)
    assert REZA not in other["Location"]


def test_a_service_that_may_not_know_national_ids_cannot_try_them(user: User):
    """With `prompt=none` the answer would say whether the guess was right."""
    told, bank = openid.service(), openid.service(scopes={"profile": "to greet"})

    client = signed_in(user)

    def answer(service: openid.Service, number: str) -> dict[str, str]:
        uri = push(service, login_hint=number, prompt="none").json()["request_uri"]
        return redirected(bring(client, service, uri))

    right, wrong = user.national_id, "0070001014"
    assert "code" in answer(told, right)
    assert answer(told, wrong)["error"] == "login_required"
    assert "code" in answer(bank, right)
    assert "code" in answer(bank, wrong)


def test_no_secret_of_the_service_is_kept():
    service = openid.service()

    push(service, client_assertion_type="x", nonce="kept")

    assert service.secret not in str(AuthorizationRequest.objects.values())
