"""From a service's redirect to its code: answered at once, or after a sign-in in the same browser."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

import pytest
from django.test import Client

from accounts.models import User
from openid import usage
from openid.models import AuthorizationRequest, Grant
from tests.support import openid
from tests.support.accounts import REZA
from tests.support.openid_browser import (
    AUTHORIZE,
    answer_at,
    ask,
    handed_over,
    redirected,
    sign_in,
    signed_in,
    waits_at,
)

pytestmark = pytest.mark.django_db


def test_who_is_signed_in_goes_on_without_a_page_and_nothing_is_kept(user: User):
    service = openid.service()

    response = ask(signed_in(user), service)

    answer = redirected(response)
    assert answer["state"] == "state-1"
    assert answer["iss"].startswith("http")
    tokens = service.exchange(answer["code"])
    assert tokens.status_code == 200
    assert not AuthorizationRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_sign_ins_and_errors_are_counted(user: User):
    service, client = openid.service(), signed_in(user)

    ask(client, service)
    ask(client, service, scope="profile")
    ask(client, service, redirect_uri="https://evil.example/")
    ask(client, service, client_id="nobody")

    (counts,) = usage.of(service.row, days=1).values()
    assert counts == {"sign_in": 1, "error:invalid_scope": 1, "error:invalid_request": 1}


def test_what_nobody_knows_here_and_another_order_do_no_harm(user: User):
    service = openid.service()

    response = ask(signed_in(user), service, scope="profile openid", display="popup", extra="1" * 500)

    assert service.exchange(redirected(response)["code"]).json()["scope"] == "profile openid"
    assert not [name for name in response.headers if name.startswith("Access-Control-")]  # of CORS: no page reads it


def test_who_is_not_signed_in_signs_in_once_and_goes_on(user: User):
    service, client = openid.service(), Client()

    to_sign_in = ask(client, service)

    page = to_sign_in["Location"]
    assert urlsplit(page).path == "/portal/"
    back = waits_at(to_sign_in)
    assert back.startswith("/openid/authorize/")
    assert not {"state-1", "nonce-1", service.client_id} & set(page.replace("/", " ").split())
    after = sign_in(client, user, page)
    assert after["Location"] == back
    page = client.get(back)
    assert "no-store" in page["Cache-Control"]  # it holds the code,
    assert page["Referrer-Policy"] == "no-referrer"  # and so would the address that it leads to
    answer = handed_over(page)
    assert answer["state"] == "state-1"
    assert service.exchange(answer["code"]).status_code == 200


def test_the_request_goes_on_only_in_its_browser(user: User):
    service, owner = openid.service(), Client()
    back = waits_at(ask(owner, service))
    stranger = signed_in(user)

    response = stranger.get(back)

    assert response.status_code == 410
    assert "state-1" not in response.content.decode()
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "https://service.example.ir/callback/",
        "https://service.example.ir/Callback",
        "https://SERVICE.example.ir/callback",
        "https://service.example.ir:443/callback",
        "https://service.example.ir:8443/callback",
        "https://user@service.example.ir/callback",
        "https://service.example.ir/callback#fragment",
        "https://service.example.ir/callback?more=1",
        "https://service.example.ir/%63allback",
        "https://service.example.ir/a/../callback",
        "https://service.example.ir/callback%00",
        "https://service.example.ir/callback\n",
        " https://service.example.ir/callback",
        "https://service.example.ir./callback",
        "https://ſervice.example.ir/callback",
        "https://xn--ervice-i60c.example.ir/callback",
        "https://service.example.ir\\@evil.example/callback",
        "http://service.example.ir/callback",
        "//service.example.ir/callback",
        "javascript:alert(1)",
        "",
    ],
)
def test_an_address_nearly_the_same_is_refused_on_our_page(user: User, address: str):
    response = ask(signed_in(user), openid.service(), redirect_uri=address)

    assert response.status_code == 400
    assert "ورود به سرویس ادامه پیدا نمی‌کند" in response.content.decode()
    assert not Grant.objects.exists()


def test_a_loopback_address_of_an_app_may_have_any_port(user: User):
    app = openid.service(method="none", redirect_uris=["http://127.0.0.1/done", "http://[::1]:1/done"])
    machine = openid.service(redirect_uris=["http://127.0.0.1/done"])
    client = signed_in(user)

    def asks(service: openid.Service, address: str) -> int:
        return ask(client, service, redirect_uri=address).status_code

    assert asks(app, "http://127.0.0.1:51004/done") == 302
    assert asks(app, "http://[::1]:51004/done") == 302
    assert asks(app, "http://127.0.0.1:51004/done/") == 400
    assert asks(app, "http://127.0.0.1.example.ir:51004/done") == 400
    assert asks(app, "http://a@127.0.0.1:51004/done") == 400
    assert asks(app, "https://127.0.0.1:51004/done") == 400
    assert asks(machine, "http://127.0.0.1:51004/done") == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://service.example.ir/request.jwt"}, "request_uri_not_supported"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"claims": "no json"}, "invalid_request"),
        ({"login_hint": REZA}, "invalid_request"),
        ({"login_hint": "۰۰۱۲۳۴۵۶۷۹"}, "invalid_request"),
        (
            {"claims": '{"id_token": {"acr": {"essential": true, "values": ["urn:x"]}}}'},
            "unmet_authentication_requirements",
        ),
    ],
)
def test_an_error_goes_back_to_the_registered_address_with_state_and_issuer(changes: dict[str, str | None], error: str):
    response = ask(Client(), openid.service(), **changes)

    answer = redirected(response)
    assert answer["error"] == error
    assert answer["state"] == "state-1"
    assert answer["iss"].startswith("http")
    assert "code" not in answer


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "nonce", "scope", "prompt", "code_challenge"])
def test_a_parameter_given_twice_is_refused(user: User, name: str):
    service = openid.service()
    pairs = [*openid.asked(service, prompt="login").items(), (name, openid.asked(service, prompt="login")[name])]

    response = signed_in(user).get(f"{AUTHORIZE}?{urlencode(pairs)}")

    if response.status_code == 302:
        assert answer_at(response["Location"])["error"] == "invalid_request"
    else:
        assert response.status_code == 400
    assert not Grant.objects.exists()
