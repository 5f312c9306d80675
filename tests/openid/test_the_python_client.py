"""The Python client of docs/connect-a-service.md, which is the demo's service too: what it takes from the portal, and
what it refuses. Only the network is left out."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from common.links import absolute
from openid import credentials, keys
from openid.logout.calling import EVENT
from tests.support import openid, openid_browser
from tests.support.demo_service import URL, Browser, Service, connected

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(account) -> tuple[openid.Service, Service]:
    return connected(absolute(""))


@pytest.fixture
def row(service) -> openid.Service:
    return service[0]


@pytest.fixture
def browser(service, account) -> Browser:
    """The citizen's, signed in to the portal."""
    return Browser(service[1], openid_browser.signed_in(account))


def logout_claims(browser: Browser, row: openid.Service, **changes) -> dict[str, object]:
    """What the portal says when the session ends in which `browser` signed in. A change to None leaves one out."""
    said = browser.service.sessions.find(browser.cookie.partition("=")[2]).sign_in.said
    now = int(time.time())
    claims = {
        "iss": absolute(""),
        "aud": row.client_id,
        "sub": said["sub"],
        "sid": said["sid"],
        "iat": now,
        "exp": now + 120,
        "jti": credentials.new(),
        "events": {EVENT: {}},
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def by_a_foreign_key(browser: Browser, row: openid.Service) -> str:
    """A logout token that is right but for its key."""
    foreign = ECKey.generate_key("P-256", auto_kid=True)
    header = {"alg": "ES256", "typ": "logout+jwt", "kid": foreign.kid}
    return jwt.encode(header, logout_claims(browser, row), foreign)


def told(browser: Browser, token: str) -> int:
    """What the service answers to a logout token."""
    caller = Browser(browser.service, browser.citizen)
    caller.ask("/backchannel-logout", {"logout_token": token})
    return caller.status


def test_it_shows_who_came_and_how_sure_and_goes_when_the_portal_says_so(browser, row):
    page = browser.sign_in()
    for shown in ("سلام رضا کریمی", "۱۷ مرداد ۱۳۷۰", "۰۹۱۲", "۰۰۱۲۳۴۵۶۷۹", "با گذرواژه"):
        assert shown in page
    token = keys.sign(logout_claims(browser, row), "ES256", "logout+jwt")
    assert told(browser, token) == 200
    assert "از سامانه ثبت نام خارج شدید" in browser.ask("/")
    assert told(browser, token) == 200, "again: it is over already"
    assert "سلام" in browser.sign_in()


def test_its_records_need_a_code_and_lead_to_one(browser, account):
    browser.sign_in()
    browser.ask("/records")
    assert parse_qs(urlsplit(browser.location).query)["acr_values"] == ["urn:tamin:acr:code"]
    openid_browser.with_code(browser.citizen)
    earlier = browser.cookie
    assert "کارگاه نمونه" in browser.sign_in("/records")
    assert "پیامک شد" in browser.ask("/")
    browser.cookie = earlier
    assert "سلام" not in browser.ask("/"), "a session from before the newest sign-in is over"


def test_an_answer_that_was_not_asked_for_signs_nobody_in(browser, service, account):
    """Another browser's, one of another provider, one with another state, and the right one a second time."""
    browser.ask("/login")
    right = browser.at_the_portal()
    stranger = Browser(service[1], openid_browser.signed_in(account))
    stranger.ask("/login")
    stranger.ask(right)
    assert stranger.status == 400
    assert "سلام" not in stranger.ask("/")

    for wrong in (right.replace("iss=", "iss=https%3A%2F%2Felsewhere&was="), right.replace("state=", "state=x")):
        browser.ask("/login")
        browser.ask(wrong)
        assert browser.status == 400
        assert "سلام" not in browser.ask("/")

    browser.sign_in()
    browser.ask("/login")
    right = browser.at_the_portal()
    browser.ask(right)
    assert browser.status == 303
    browser.ask(right)
    assert browser.status == 400


def test_a_no_at_the_portal_is_said_in_persian(browser):
    browser.ask("/login")
    state = parse_qs(urlsplit(browser.location).query)["state"][0]
    page = browser.ask(f"/callback?error=access_denied&state={state}&iss={absolute('')}")
    assert "شما نپذیرفتید" in page


def test_without_a_font_its_style_asks_for_none(browser, tmp_path):
    assert "font-face" not in browser.ask("/style.css")
    font = tmp_path / "font.woff2"
    font.write_bytes(b"a font")
    browser.service = Service(browser.service.portal, url=URL, font=font)
    assert "font-face" in browser.ask("/style.css")


def test_a_sign_in_begins_for_its_own_portal_only(browser):
    browser.ask(f"/login?iss={absolute('')}")
    assert browser.status == 303
    browser.ask("/login?iss=https://elsewhere.example")
    assert browser.status == 400


def test_what_is_no_logout_token_of_this_portal_for_this_service_ends_nothing(browser, row):
    browser.sign_in()
    now = int(time.time())
    wrong = [
        keys.sign(logout_claims(browser, row, **change), "ES256", "logout+jwt")
        for change in (
            {"iss": "https://elsewhere.example"},
            {"aud": "another"},
            {"exp": now - 120},
            {"iat": now + 120},
            {"events": None},
            {"nonce": "n"},
            {"sid": None, "sub": None},
        )
    ]
    wrong.append(keys.sign(logout_claims(browser, row), "ES256"))  # an ID token's type
    foreign = ECKey.generate_key("P-256", auto_kid=True)
    wrong.append(
        jwt.encode({"alg": "ES256", "typ": "logout+jwt", "kid": foreign.kid}, logout_claims(browser, row), foreign)
    )
    for token in [*wrong, "", "no token"]:
        assert told(browser, token) == 400, token
    assert "سلام" in browser.ask("/")
    assert told(browser, keys.sign(logout_claims(browser, row, sid=None), "ES256", "logout+jwt")) == 200
    assert "سلام" not in browser.ask("/")


def test_an_unknown_key_makes_it_read_the_keys_again_but_not_each_time(browser, row, monkeypatch):
    browser.sign_in()
    web, token = browser.service.portal._web, by_a_foreign_key(browser, row)
    monkeypatch.setattr("portal_client.READ_AGAIN_AFTER", 0)
    for _again in range(2):
        told(browser, token)
    assert web.reads.count("/openid/jwks") == 3
    monkeypatch.setattr("portal_client.READ_AGAIN_AFTER", 60)
    told(browser, token)
    assert web.reads.count("/openid/jwks") == 3


def test_its_buttons_sign_out_here_or_lead_on_to_the_portal_and_only_its_own_pages_press_them(browser):
    browser.sign_in()
    browser.ask("/logout", {"form_key": "guessed"})
    assert "سلام" in browser.ask("/")
    browser.press("/logout")
    assert "سلام" not in browser.ask("/")

    browser.sign_in()
    browser.press("/logout-everywhere")
    asked = parse_qs(urlsplit(browser.location).query)
    assert asked["post_logout_redirect_uri"] == [f"{URL}/signed-out"]
    assert "سوابق بیمه" in browser.citizen.get(browser.location, follow=True).content.decode()
    assert "سلام" not in browser.ask("/")


def test_what_the_portal_says_is_text_on_its_pages(browser, account):
    account.first_name = "<b>رضا"
    account.save(update_fields=["first_name"])
    page = browser.sign_in()
    assert "&lt;b&gt;رضا" in page
    assert "<b>رضا" not in page


def test_strangers_who_begin_very_many_sign_ins_end_no_citizens_session(service, browser, monkeypatch):
    browser.sign_in()
    monkeypatch.setattr("service_sessions.MOST", 3)
    for _ in range(5):
        Browser(service[1], browser.citizen).ask("/login")
    assert "سلام" in browser.ask("/")
