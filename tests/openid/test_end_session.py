"""A service leads its citizen to the sign-out: the page that asks, who is led back and where to, and who is not."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Session
from openid import key_files, keys
from openid.models import EndReason, Grant, LogoutNotice
from tests.support import openid
from tests.support.entrances import sign_in, signed_in

pytestmark = pytest.mark.django_db

PAGE, CONFIRM, SIGNED_OUT = "/openid/end-session", "/openid/end-session/confirm", "/openid/signed-out"
BACK = "https://service.example.ir/goodbye?from=portal"
HEARS = "https://service.example.ir/logout"


@pytest.fixture
def browser(account):
    """A browser in which the citizen is signed in to the portal."""
    client = Client()
    sign_in(client)
    assert signed_in(client)
    return client


@pytest.fixture
def service():
    return openid.service(post_logout_redirect_uris=[BACK], backchannel_logout_uri=HEARS)


def portal_sid(browser):
    return Session.objects.get(session_key=browser.session.session_key).portal_sid


def hint_of(service, account, sid="5e" * 16):
    """The ID token of a sign-in."""
    return openid.tokens(service, account, portal_sid=sid)["id_token"]


def press(browser, page, said="sign_out"):
    """Press a button of the page that asks; the answer to the last redirect within the portal."""
    return browser.post(CONFIRM, {"asked": page.context["sealed"], "said": said}, follow=True)


def led_to(response):
    """Where the browser goes from here by itself."""
    if 300 <= response.status_code < 400:
        return response["Location"]
    return response.get("Refresh", "").partition("url=")[2]


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_citizen_is_asked_signed_out_everywhere_and_led_back_with_the_state(method, browser, account, service):
    other = openid.service(backchannel_logout_uri="https://other.example.ir/logout")
    hint = hint_of(service, account, portal_sid(browser))
    openid.tokens(other, account, portal_sid=portal_sid(browser))
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": BACK, "state": "a b&c", "client_id": service.client_id}

    page = getattr(browser, method)(PAGE, asked, follow=True)

    assert page.status_code == 200
    assert "سوابق بیمه" in page.content.decode()
    assert hint not in page.content.decode()
    assert hint not in page.redirect_chain[-1][0]
    assert signed_in(browser)  # nothing has happened yet
    assert not Grant.objects.exclude(ended_at=None).exists()

    done = press(browser, page)

    address = urlsplit(led_to(done))
    assert address._replace(query="").geturl() == "https://service.example.ir/goodbye"
    assert parse_qs(address.query) == {"from": ["portal"], "state": ["a b&c"]}
    assert led_to(done) in done.content.decode().replace("&amp;", "&")  # a link, where the header is not followed
    assert not signed_in(browser)
    assert set(Grant.objects.values_list("end_reason", flat=True)) == {EndReason.SIGNED_OUT}
    assert {notice.service_id for notice in LogoutNotice.objects.all()} == {service.row.pk, other.row.pk}


def test_who_stays_stays(browser, account, service):
    page = browser.get(
        PAGE, {"id_token_hint": hint_of(service, account), "post_logout_redirect_uri": BACK}, follow=True
    )
    done = press(browser, page, said="stay")
    assert done.redirect_chain[-1][0] == "/portal/home"
    assert signed_in(browser)
    assert not LogoutNotice.objects.exists()


def test_a_browser_without_a_session_is_led_back_at_once_and_the_services_session_ends(account, service):
    """The portal's idleness ends no service's session: so the sign-out often comes after it."""
    mine, on_the_phone = hint_of(service, account), hint_of(service, account, "0f" * 16)
    elsewhere = openid.service(backchannel_logout_uri=HEARS)
    openid.tokens(elsewhere, account)

    asked = {"id_token_hint": mine, "post_logout_redirect_uri": BACK, "state": "s"}
    answer = Client().get(PAGE, asked, follow=False)
    answer = Client().get(answer["Location"])

    assert answer.status_code == 302
    assert answer["Location"] == f"{BACK}&state=s"
    assert on_the_phone
    still_open = Grant.objects.filter(ended_at=None)
    assert {(grant.service_id, grant.portal_sid) for grant in still_open} == {
        (service.row.pk, "0f" * 16),
        (elsewhere.row.pk, "5e" * 16),  # an ID token of one service ends nothing at another
    }

    answer = Client().get(PAGE, {name: asked[name] for name in asked if name != "state"})
    assert Client().get(answer["Location"])["Location"] == BACK


def test_without_a_hint_the_citizen_is_asked_and_led_nowhere(browser, account):
    page = browser.get(PAGE, {"state": "s"}, follow=True)
    assert page.status_code == 200
    done = press(browser, page)
    assert led_to(done) == ""
    assert not signed_in(browser)


def test_without_a_hint_and_without_a_session_it_is_said_that_one_is_signed_out():
    answer = Client().get(PAGE, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == SIGNED_OUT
    assert led_to(answer) == ""


def test_a_hint_that_is_over_is_good_and_so_is_one_by_a_key_that_signs_no_more(account, service, settings, tmp_path):
    settings.OPENID_KEYS, now = str(tmp_path / "keys"), timezone.now()
    first = key_files.make(tmp_path / "keys", "ES256", now - timedelta(days=60))
    claims, long_ago = keys.verified(hint_of(service, account)), int((now - timedelta(days=20)).timestamp())
    old = keys.sign(claims | {"iat": long_ago, "exp": long_ago + 600}, "ES256")
    key_files.make(tmp_path / "keys", "ES256", now - timedelta(days=20))
    keys.look_again()
    assert first.kid not in [key["kid"] for key in keys.public_jwks()["keys"]]

    answer = Client().get(PAGE, {"id_token_hint": old, "post_logout_redirect_uri": BACK})

    assert led_to(Client().get(answer["Location"])) == BACK


# ── open redirects


NEARLY = [
    "https://service.example.ir/goodbye",
    "https://service.example.ir/goodbye?from=portal&",
    "https://service.example.ir/goodbye?from=portal#x",
    "https://service.example.ir/Goodbye?from=portal",
    "https://SERVICE.example.ir/goodbye?from=portal",
    "https://service.example.ir:443/goodbye?from=portal",
    "https://service.example.ir/goodbye/?from=portal",
    "https://service.example.ir/%67oodbye?from=portal",
    "https://service.example.ir@evil.example/goodbye?from=portal",
    "https://service.example.ir.evil.example/goodbye?from=portal",
    "//service.example.ir/goodbye?from=portal",
    "http://service.example.ir/goodbye?from=portal",
    "https://evil.example/",
    "javascript:alert(1)",
    " https://service.example.ir/goodbye?from=portal",
    "https://service.example.ir/goodbye?from=portal\r\nX: y",
    openid.CALLBACK,  # registered, but for something else
]


@pytest.mark.parametrize("address", NEARLY)
def test_an_address_nearly_the_same_leads_nowhere(address, browser, account, service):
    hint = hint_of(service, account)
    asked = {"id_token_hint": hint, "post_logout_redirect_uri": address}
    for client in (browser, Client()):
        page = client.get(PAGE, asked, follow=True)
        assert page.status_code == 400
        assert led_to(page) == ""
        assert all(urlsplit(each).netloc in ("", "testserver") for each, _ in page.redirect_chain)
        assert "evil.example" not in page.content.decode()
    done = press(browser, browser.get(PAGE, asked, follow=True))
    assert led_to(done) == ""
    assert not signed_in(browser)  # who wants to sign out can, all the same


def test_without_proof_of_the_service_nobody_is_led_to_its_address(browser, account, service):
    other = openid.service(name="دیگر", post_logout_redirect_uris=["https://other.example.ir/"])
    good = hint_of(service, account)
    head, claims, signature = good.split(".")
    logout_token = keys.sign(keys.verified(good) | {"events": {}}, "ES256", "logout+jwt")
    foreign = keys.sign(keys.verified(good) | {"iss": "https://another.example.ir"}, "ES256")
    for asked in (
        {"post_logout_redirect_uri": BACK},
        {"post_logout_redirect_uri": BACK, "client_id": service.client_id},
        {"post_logout_redirect_uri": BACK, "id_token_hint": "x"},
        {"post_logout_redirect_uri": BACK, "id_token_hint": "\0"},
        {"post_logout_redirect_uri": BACK, "id_token_hint": f"{head}.{claims}.{signature[::-1]}"},
        {"post_logout_redirect_uri": BACK, "id_token_hint": f"{head}.{claims}."},
        {"post_logout_redirect_uri": BACK, "id_token_hint": logout_token},
        {"post_logout_redirect_uri": BACK, "id_token_hint": foreign},
        {"post_logout_redirect_uri": BACK, "id_token_hint": good, "client_id": other.client_id},
        {"post_logout_redirect_uri": BACK, "id_token_hint": hint_of(other, account)},
        {"post_logout_redirect_uri": [BACK, BACK], "id_token_hint": good},
    ):
        page = browser.get(PAGE, asked, follow=True)
        assert (page.status_code, led_to(page)) == (400, ""), asked
        assert led_to(Client().get(PAGE, asked, follow=True)) == "", asked


def test_a_suspended_service_leads_nobody_anywhere(browser, account, service):
    asked = {"id_token_hint": hint_of(service, account), "post_logout_redirect_uri": BACK}
    page = browser.get(PAGE, asked, follow=True)
    assert page.status_code == 200
    service.row.suspended_at = timezone.now()
    service.row.save()
    assert led_to(press(browser, page)) == ""  # in mid-flow
    assert browser.get(PAGE, asked, follow=True).status_code == 400


def test_what_the_page_holds_cannot_be_written_by_anybody_else_nor_used_for_another_end(browser, account, service):
    page = browser.get(
        PAGE, {"id_token_hint": hint_of(service, account), "post_logout_redirect_uri": BACK}, follow=True
    )
    sealed = page.context["sealed"]
    for text in (sealed, sealed[:-1], "", "x:y:z"):
        answer = Client().get(SIGNED_OUT, {"asked": text})
        assert (answer.status_code, led_to(answer)) == (200, "")


# ── CSRF, frames


def test_no_other_site_signs_anybody_out(account, service):
    client = Client(enforce_csrf_checks=True)
    client.force_login(account, backend="accounts.backends.CitizenBackend")
    page = client.post(PAGE, {"id_token_hint": hint_of(service, account)}, follow=True)  # a service's form may come
    assert signed_in(client)
    answer = client.post(CONFIRM, {"asked": page.context["sealed"], "said": "sign_out"})
    assert answer.status_code == 403
    assert signed_in(client)


def test_a_page_that_asks_shows_in_no_frame_and_is_kept_nowhere(browser, account, service):
    page = browser.get(PAGE, {"id_token_hint": hint_of(service, account)}, follow=True)
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert "no-store" in page["Cache-Control"]


def test_a_press_after_the_session_has_ended_still_leads_back(browser, account, service):
    asked = {"id_token_hint": hint_of(service, account, portal_sid(browser)), "post_logout_redirect_uri": BACK}
    page = browser.get(PAGE, asked, follow=True)
    Session.objects.all().delete()
    done = press(browser, page)
    assert led_to(done) == BACK
    assert not Grant.objects.filter(ended_at=None).exists()
