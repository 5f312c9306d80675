"""A service of another organisation: the citizen sees once, field by field, what it is told, and may say no."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import AccountEvent, EventKind, User
from openid import connections
from openid.models import ConnectedService, Connection, Grant
from sms.models import Message
from tests.support import openid
from tests.support.accounts import citizen
from tests.support.openid_browser import (
    ask,
    handed_over,
    post,
    press,
    redirected,
    sign_in,
    signed_in,
    waits_at,
)
from tests.support.pages import assert_fits_the_policy, text_of

pytestmark = pytest.mark.django_db
ALL = "openid profile phone email national_id"


@pytest.fixture
def bank() -> openid.Service:
    return openid.service(name="بانک نمونه", is_third_party=True)


def test_the_page_shows_each_field_with_its_value_and_why(user: User, bank: openid.Service):
    ConnectedService.objects.update(logo=b"a picture")
    client = signed_in(user)

    page = client.get(waits_at(ask(client, bank, scope=ALL))).content.decode()

    shown = text_of(page)
    for words in (
        *("بانک نمونه", "رضا کریمی", "۱۳۷۰/۰۵/۱۷", "مرد", "۰۹۱۲۱۲۳۴۵۶۷", "reza@example.com", "۰۰۱۲۳۴۵۶۷۹"),
        *("it needs it", "این سرویس متعلق به سازمان دیگری است"),
    ):
        assert words in shown, words
    assert 'src="data:image/png;base64,YSBwaWN0dXJl"' in page
    assert_fits_the_policy(page)


def test_in_english_dates_and_persian_words_read_as_they_should(user: User, bank: openid.Service, settings):
    client = signed_in(user)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"

    page = client.get(waits_at(ask(client, bank, scope=ALL))).content.decode()

    assert "17 Mordad 1370 (8 August 1991)" in text_of(page)
    assert "<bdi>it needs it</bdi>" in page  # an administrator's words, in Persian


def test_only_what_is_asked_is_shown(user: User, bank: openid.Service):
    client = signed_in(user)

    shown = text_of(client.get(waits_at(ask(client, bank, scope="openid phone"))).content.decode())

    assert "۰۹۱۲۱۲۳۴۵۶۷" in shown
    assert "۰۰۱۲۳۴۵۶۷۹" not in shown
    assert "۱۳۷۰/۰۵/۱۷" not in shown


def test_a_claim_asked_for_by_name_is_shown_too_and_agreed_to(user: User, bank: openid.Service):
    client, by_name = signed_in(user), '{"userinfo": {"national_id": null}}'
    press(client, waits_at(ask(client, bank, scope="openid profile")), "agree")

    page = waits_at(ask(client, bank, scope="openid profile", claims=by_name))

    assert "۰۰۱۲۳۴۵۶۷۹" in text_of(client.get(page).content.decode())


def test_after_yes_the_service_gets_its_answer_and_asks_no_more(user: User, bank: openid.Service):
    client = signed_in(user)

    answer = handed_over(press(client, waits_at(ask(client, bank)), "agree"))

    assert answer["state"] == "state-1"
    assert bank.exchange(answer["code"]).status_code == 200
    assert "code" in redirected(ask(client, bank))
    assert Connection.objects.get().scopes == ["openid", "profile"]


def test_after_no_the_service_hears_only_that(user: User, bank: openid.Service):
    client = signed_in(user)
    page = waits_at(ask(client, bank))

    answer = handed_over(press(client, page, "refuse"))

    assert answer == {"error": "access_denied", "state": "state-1", "iss": answer["iss"]}
    assert not Connection.objects.exists()
    assert not Grant.objects.exists()


def test_for_more_than_was_agreed_the_citizen_is_asked_again(user: User, bank: openid.Service):
    client = signed_in(user)
    press(client, waits_at(ask(client, bank)), "agree")

    assert "code" not in ask(client, bank, scope=ALL)["Location"]
    assert redirected(ask(client, bank, scope=ALL, prompt="none"))["error"] == "consent_required"


def test_once_disconnected_it_asks_anew(user: User, bank: openid.Service):
    client = signed_in(user)
    press(client, waits_at(ask(client, bank)), "agree")
    known = Connection.objects.get()
    Connection.objects.update(ended_at=known.since + timedelta(days=1))

    assert waits_at(ask(client, bank)).startswith("/openid/authorize/")


def test_what_was_agreed_before_a_disconnection_counts_no_more(user: User, bank: openid.Service):
    client = signed_in(user)
    press(client, waits_at(ask(client, bank, scope=ALL)), "agree")
    connections.disconnect(account=user, client_id=bank.client_id, browser="")
    press(client, waits_at(ask(client, bank, scope="openid profile")), "agree")

    assert redirected(ask(client, bank, scope=ALL, prompt="none"))["error"] == "consent_required"


def test_a_service_of_ours_asks_only_if_it_wants_to(user: User):
    ours, client = openid.service(), signed_in(user)

    assert "code" in redirected(ask(client, ours))
    page = waits_at(ask(client, ours, prompt="consent"))
    assert "code" in handed_over(press(client, page, "agree"))


def test_a_forged_answer_of_the_page_decides_nothing(user: User, bank: openid.Service):
    """CSRF: without the token of the form Django refuses it; without the page's own mark it is not taken either."""
    client = signed_in(user)
    page = waits_at(ask(client, bank))
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies

    assert strict.post(page, {"said": "agree", "page": "0" * 64}).status_code == 403
    assert client.post(page, {"said": "agree", "page": "0" * 64}).status_code == 303
    assert client.get(page, {"said": "agree"}).status_code == 200
    assert not Grant.objects.exists()
    assert not Connection.objects.exists()


def test_the_page_cannot_be_put_into_a_frame(user: User, bank: openid.Service):
    client = signed_in(user)

    page = client.get(waits_at(ask(client, bank)))

    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"
    assert "no-store" in page["Cache-Control"]


def test_a_double_click_agrees_once_and_gets_the_answer(user: User, bank: openid.Service):
    client = signed_in(user)
    page = waits_at(ask(client, bank))
    assert post(client, page, "agree").status_code == 303
    answers = [handed_over(client.get(page)) for _click in range(2)]

    assert Connection.objects.count() == 1
    assert AccountEvent.objects.filter(kind=EventKind.SERVICE_CONNECTED).count() == 1
    assert bank.exchange(answers[1]["code"]).status_code == 200


def test_the_agreement_of_one_is_not_that_of_another_who_signs_in_meanwhile(user: User, bank: openid.Service):
    other = citizen(national_id="0070001014", mobile="+989120000101")
    client = signed_in(user)
    page = waits_at(ask(client, bank))
    post(client, page, "agree")
    sign_in(client, other)

    response = client.get(page)

    assert "Refresh" not in response
    assert not Grant.objects.exists()
    assert "بانک نمونه" in text_of(response.content.decode())


def test_a_page_made_for_another_decides_nothing(user: User, bank: openid.Service):
    """Two tabs: the page was opened by one, and sent after another signed in."""
    other = citizen(national_id="0070001014", mobile="+989120000101")
    client = signed_in(user)
    page = waits_at(ask(client, bank))
    mark = re.search(r'name="page" value="(\w+)"', client.get(page).content.decode())
    sign_in(client, other)

    client.post(page, {"said": "agree", "page": mark[1] if mark else ""})

    assert "Refresh" not in client.get(page)
    assert not Grant.objects.exists()


def test_a_page_that_told_less_decides_nothing(user: User):
    """The service is given another scope while the citizen reads: what was not on the page was not agreed to."""
    bank, client = openid.service(is_third_party=True, scopes={"profile": "to greet"}), signed_in(user)
    page = waits_at(ask(client, bank, scope=ALL))
    mark = re.search(r'name="page" value="(\w+)"', client.get(page).content.decode())
    ConnectedService.objects.update(scopes=bank.row.scopes | {"national_id": "by law"})

    client.post(page, {"said": "agree", "page": mark[1] if mark else ""})

    assert "۰۰۱۲۳۴۵۶۷۹" in text_of(client.get(page).content.decode())
    assert not Grant.objects.exists()
    assert "code" in handed_over(press(client, page, "agree"))


def test_the_owner_is_told_of_the_first_sign_in_only(user: User, bank: openid.Service):
    client = signed_in(user)
    press(client, waits_at(ask(client, bank)), "agree")
    ask(client, bank)

    assert AccountEvent.objects.filter(kind=EventKind.SERVICE_CONNECTED).count() == 1
    told = Message.objects.filter(dedupe_key__startswith="account:").get()
    assert "بانک نمونه" in told.text
    assert "بانک نمونه" in client.get("/portal/profile/history").content.decode()


def test_of_a_service_of_ours_nobody_is_told(user: User):
    ask(signed_in(user), openid.service())

    assert not AccountEvent.objects.filter(kind=EventKind.SERVICE_CONNECTED).exists()
