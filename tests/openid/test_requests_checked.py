"""What an authorization request must be, and where its errors go: to a registered address, or to nobody."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2 import OAuth2Error
from django.utils import timezone

from common.links import absolute
from openid.models import AuthMethod
from openid.protocol import server
from tests.support import openid
from tests.support.accounts import citizen

pytestmark = pytest.mark.django_db


def refused(service: openid.Service, **changes: str | list[str] | None) -> OAuth2Error:
    values = {name: [value] for name, value in openid.asked(service).items()}
    for name, value in changes.items():
        values[name] = value if isinstance(value, list) else [value] if value is not None else []
    with pytest.raises(OAuth2Error) as caught:
        server.check(values)
    return caught.value


def told(error: OAuth2Error) -> dict[str, list[str]]:
    """What the service reads of an error."""
    address = server.address_of_error(error)
    assert address is not None
    assert address.startswith(openid.CALLBACK + "?")
    return parse_qs(urlsplit(address).query)


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "https://service.example.ir/Callback",
        "https://Service.example.ir/callback",
        "HTTPS://service.example.ir/callback",
        "http://service.example.ir/callback",
        "https://service.example.ir/callback/",
        "https://service.example.ir:443/callback",
        "https://service.example.ir:8443/callback",
        "https://service.example.ir./callback",
        "https://user@service.example.ir/callback",
        "https://service.example.ir@evil.example/callback",
        "https://service.example.ir/callback#fragment",
        "https://service.example.ir/callback?next=x",
        "https://service.example.ir/callback?",
        "https://service.example.ir/x/../callback",
        "https://service.example.ir/%63allback",
        "https://service.example.ir/callback%00",
        "https://service.example.ir\\@evil.example/callback",
        "https://s\u0435rvice.example.ir/callback",  # a Cyrillic letter
        "https://service.example.ir/callback\n",
        " https://service.example.ir/callback",
        "https://service.example.ir/callback\x00",
        "https://service.example.ir.evil.example/callback",
        "//service.example.ir/callback",
        "javascript:alert(1)",
        "https://[::1/callback",
        'https://service.example.ir/callback"',
    ],
)
def test_an_address_nearly_the_same_gets_no_code_and_no_error(address):
    error = refused(openid.service(), redirect_uri=address)

    assert error.error == "invalid_request"
    assert server.address_of_error(error) is None


@pytest.mark.parametrize("name", ["redirect_uri", "client_id", "scope", "state", "response_type"])
def test_nothing_is_said_twice(name):
    service = openid.service()
    error = refused(service, **{name: ["https://evil.example/", openid.asked(service)[name]]})

    assert server.address_of_error(error) is None


@pytest.mark.parametrize("client_id", [None, "", "unknown", "x" * 99, "\x00", '"\u06f1'])
def test_an_unknown_service_gets_nothing(client_id):
    error = refused(openid.service(), client_id=client_id)

    assert server.address_of_error(error) is None


def test_a_suspended_service_gets_nothing():
    service = openid.service()
    service.row.suspended_at = timezone.now()
    service.row.save()

    assert server.address_of_error(refused(service)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge_method": None},  # that would mean "plain"
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": "x" * 42},
        {"code_challenge": "x" * 43 + "\n"},
        {"code_challenge": None, "code_challenge_method": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", [AuthMethod.SECRET, AuthMethod.PUBLIC])
def test_nobody_comes_without_pkce(method, changes):
    said = told(refused(openid.service(method=method), **changes))

    assert said["error"] == ["invalid_request"]
    assert said["state"] == ["state-1"]
    assert said["iss"] == [absolute("")]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": 'x"\\\u06f1'}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"request": "a.b.c"}, "request_not_supported"),
        ({"nonce": "x" * 301}, "invalid_request"),
        ({"nonce": "\x00"}, "invalid_request"),
        ({"nonce": ["one", "two"]}, "invalid_request"),
        ({"claims": "nonsense"}, "invalid_request"),
        ({"claims": "[]"}, "invalid_request"),
        ({"claims": '{"userinfo": []}'}, "invalid_request"),
        ({"claims": "[" * 3_000}, "invalid_request"),
        ({"claims": r'{"userinfo": {"a\u0000": null}}'}, "invalid_request"),  # no database takes these in JSON
        ({"claims": r'{"userinfo": {"\ud800": null}}'}, "invalid_request"),
        ({"claims": '{"userinfo": {"a": [1e999, NaN]}}'}, "invalid_request"),
    ],
    ids=str,
)
def test_other_errors_go_back_with_state_and_issuer(changes, error):
    said = told(refused(openid.service(), **changes))

    assert said["error"] == [error]
    assert said["state"] == ["state-1"]
    assert said["iss"] == [absolute("")]
    assert "code" not in said


def test_state_and_nonce_may_be_missing_because_pkce_never_is():
    service = openid.service()

    answer = openid.answered(service, citizen(), state=None, nonce=None)

    assert set(answer) == {"code", "iss"}
    assert service.exchange(answer["code"]).status_code == 200


def test_unknown_scopes_and_those_of_others_are_left_out():
    service = openid.service(scopes={"profile": "to greet"})

    tokens = openid.tokens(service, citizen(), scope="openid national_id profile offline_access openid x\u06f1")

    assert tokens["scope"] == "openid profile"


def test_an_app_on_the_citizens_machine_listens_on_any_port():
    registered = ["http://127.0.0.1/callback", "http://[::1]/callback"]
    app = openid.service(method=AuthMethod.PUBLIC, redirect_uris=registered)
    good = ["http://127.0.0.1:53123/callback", "http://[::1]:8000/callback", *registered]
    bad = [
        "http://127.0.0.1:53123/other",
        "http://localhost:53123/callback",
        "https://127.0.0.1:53123/callback",
        "http://127.0.0.1:53123@evil.example/callback",
        "http://user@127.0.0.1:53123/callback",
        "http://127.0.0.1:x/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.2:53123/callback",
        "http://127.0.0.1:053123/callback",
    ]

    for address in good:
        assert server.check({name: [value] for name, value in openid.asked(app, redirect_uri=address).items()})
    for address in bad:
        assert server.address_of_error(refused(app, redirect_uri=address)) is None
    on_a_server = openid.service(redirect_uris=registered)
    assert server.address_of_error(refused(on_a_server, redirect_uri=good[0])) is None
