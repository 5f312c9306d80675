"""The empty first page is written once for each language: it is the wizard's own, and shown only to who comes without
anything."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import Session
from common import maintenance
from registration.texts import sentence
from registration.views import first_page
from tests.support.accounts import citizen
from tests.support.entrances import sign_in
from tests.support.journeys import MATCHES, URL, Browser, hidden, step_shown

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN, NONCE = "csrfmiddlewaretoken", "mobile-draft"


@pytest.fixture
def asked(monkeypatch):
    """The pages for which the wizard was asked, by whether they are the one that is kept."""
    seen: list[bool] = []
    real = first_page._comes_without_anything

    def watched(request: Any) -> bool:
        seen.append(real(request))
        return seen[-1]

    monkeypatch.setattr(first_page, "_comes_without_anything", watched)
    return seen


def ordinary(monkeypatch, client: Client, **more: Any) -> Any:
    """The page as the wizard makes it."""
    with monkeypatch.context() as patch:
        patch.setattr(first_page, "_comes_without_anything", lambda _request: False)
        return client.get(URL, **more)


def without_holes(response: Any) -> bytes:
    """The page without what differs each time: the token and the nonce."""
    content: bytes = response.content
    for name in (TOKEN, NONCE):
        content, count = re.subn(rf'(name="{name}" value=")[^"]+'.encode(), rb"\1", content)
        assert count == 1, name
    return content


def cookies(response: Any) -> dict[str, dict[str, Any]]:
    """Names and properties; the values differ."""
    return {name: {key: of[key] for key in of if key != "expires"} for name, of in response.cookies.items()}


@pytest.mark.parametrize("language", ["fa", "en"])
@pytest.mark.parametrize("https", [False, True])
def test_the_kept_page_is_the_wizards_byte_for_byte(monkeypatch, settings, language: str, https: bool) -> None:
    clients = [Client(), Client(), Client()]
    for client in clients:
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    first, second = (client.get(URL, secure=https) for client in clients[:2])
    wizards = ordinary(monkeypatch, clients[2], secure=https)

    assert without_holes(first) == without_holes(second) == without_holes(wizards)
    assert first.status_code == wizards.status_code == 200
    assert list(first.headers.items()) == list(wizards.headers.items())
    assert first["Content-Language"] == language
    assert cookies(first) == cookies(wizards)
    assert set(first.cookies) == {settings.CSRF_COOKIE_NAME}


def test_each_page_has_a_token_and_a_nonce_of_its_own() -> None:
    pages = [Client().get(URL), Client().get(URL)]
    same = Client()
    pages += [same.get(URL), same.get(URL)]
    assert len({hidden(page, TOKEN) for page in pages}) == 4
    assert len({hidden(page, NONCE) for page in pages}) == 4
    assert all(len(hidden(page, TOKEN)) == 64 and len(hidden(page, NONCE)) >= 22 for page in pages)


def test_it_is_shown_without_statement_or_session(asked, django_assert_num_queries) -> None:
    client = Client()
    with django_assert_num_queries(0):
        client.get(URL)
        client.get(URL)
    assert asked == [True, True]
    assert not Session.objects.exists()


def test_what_it_sends_is_taken() -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get(URL)
    fields = {TOKEN: hidden(page, TOKEN), NONCE: hidden(page, NONCE), "registration_wizard-current_step": "mobile"}
    typed = {"mobile-national_id": MATCHES.national_id, "mobile-operator": "mci", "mobile-mobile": MATCHES.mobile}
    assert client.post(URL, typed | fields | {TOKEN: "x" * 64}).status_code == 403
    assert client.post(URL, fields | typed)["Location"] == URL
    assert step_shown(client.get(URL)) == "code"


def test_who_has_begun_is_shown_where_they_are(asked) -> None:
    browser = Browser()
    browser.get(URL)
    browser.step_one()
    assert step_shown(browser.get(URL)) == "code"
    assert asked == [True, False, False]


def test_a_message_is_shown(asked) -> None:
    browser = Browser()
    browser.post(URL, {"registration_wizard-current_step": "nonsense"})
    assert sentence("page_old") in unescape(browser.get(URL).content.decode())
    assert sentence("page_old") not in unescape(browser.get(URL).content.decode())
    assert sentence("page_old") not in unescape(Client().get(URL).content.decode())
    assert asked[1] is False


def test_who_is_signed_in_gets_a_page_of_their_own(asked) -> None:
    citizen()
    client = Client()
    sign_in(client)
    asked.clear()
    page = client.get(URL)
    assert asked == [False]
    assert hidden(page, "page_of")
    assert not hidden(Client().get(URL), "page_of")


@pytest.mark.parametrize("query", ["?next=/portal/home", "?ended", "?renewed", "?part=contact", "?x"])
def test_an_address_that_asks_for_something_is_the_wizards(asked, query: str) -> None:
    page = Client().get(URL + query)
    assert asked == [False]
    assert ("next=" in page.content.decode()) is ("next" in query)
    assert "next=" not in Client().get(URL).content.decode()


def test_the_language_is_each_ones_own(settings) -> None:
    english = Client()
    english.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    for _twice in range(2):
        assert 'lang="en"' in english.get(URL).content.decode()
        assert 'lang="fa"' in Client().get(URL).content.decode()


def test_what_is_given_back_stands_in_the_form() -> None:
    client = Client(enforce_csrf_checks=True)
    page = client.get(URL)
    ours = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
    typed = {"mobile-national_id": "۰۰۱۲۳", NONCE: hidden(page, NONCE), TOKEN: "x" * 64}
    came = client.post(URL, typed | {"registration_wizard-current_step": "mobile"}, headers=ours)
    assert "۰۰۱۲۳" in came.content.decode()
    assert "۰۰۱۲۳" not in Client().get(URL).content.decode()


def test_maintenance_goes_before_it() -> None:
    assert Client().get(URL).status_code == 200
    maintenance.begin(until=timezone.now() + timedelta(hours=1))
    maintenance.look()
    assert Client().get(URL).status_code == 503


def test_a_changed_setting_is_shown_at_once(settings) -> None:
    settings.HELP_PHONE = "1420"
    assert "tel:1420" in Client().get(URL).content.decode()
    settings.HELP_PHONE = "1421"
    page = Client().get(URL).content.decode()
    assert "tel:1421" in page
    assert "tel:1420" not in page


def test_a_request_that_only_asks_for_the_head_goes_to_the_wizard(asked) -> None:
    assert Client().head(URL).status_code == 200
    assert asked == [False]


def test_a_page_without_its_holes_is_never_kept() -> None:
    with pytest.raises(RuntimeError, match="0 holes"):
        first_page._write(lambda _request: _Rendered(b"<form></form>"))


class _Rendered(HttpResponse):
    def render(self) -> HttpResponse:
        return self
