"""The page of connected services in the profile: what it shows, and how a citizen ends a connection."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccountEvent, EventKind, Service, User
from common import limits
from openid.models import ConnectedService, Connection, Grant, LogoutNotice
from tests.support import openid
from tests.support.accounts import citizen
from tests.support.openid_browser import ask, signed_in, waits_at
from tests.support.pages import assert_fits_the_policy, text_of

pytestmark = pytest.mark.django_db
PAGE, END = "/portal/profile/services", "/portal/profile/services/disconnect"
BYE = "https://service.example.ir/bye"


@pytest.fixture
def bank() -> openid.Service:
    return openid.service(name="بانک نمونه", is_third_party=True, backchannel_logout_uri=BYE)


def test_the_profile_leads_to_a_page_that_says_what_each_service_is_told(account: User, bank: openid.Service):
    openid.tokens(bank, account, scope="openid phone")
    ConnectedService.objects.update(logo=b"a picture")
    client = signed_in(account)
    assert f'href="{PAGE}"' in client.get(reverse("profile")).content.decode()

    page = client.get(PAGE).content.decode()

    shown = text_of(page)
    for words in ("بانک نمونه", "شماره تلفن همراه شما", "آخرین استفاده"):
        assert words in shown, words
    assert "کد ملی شما" not in shown
    assert 'src="data:image/png;base64,YSBwaWN0dXJl"' in page
    assert_fits_the_policy(page)


def test_disconnecting_ends_every_token_tells_the_service_and_asks_anew(account: User, bank: openid.Service):
    other = openid.service(name="سوابق بیمه")
    tokens, others = openid.tokens(bank, account), openid.tokens(other, account)
    client = signed_in(account)

    answer = client.post(END, {"service": bank.client_id}, follow=True)

    assert "«بانک نمونه»" in text_of(answer.content.decode())
    assert not openid.is_active(bank, tokens["access_token"])
    assert bank.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert openid.is_active(other, others["access_token"])
    assert list(LogoutNotice.objects.values_list("service__name", "reason")) == [("بانک نمونه", "disconnected")]
    assert account.events.filter(kind=EventKind.SERVICE_DISCONNECTED).count() == 1
    assert "بانک نمونه" not in text_of(client.get(PAGE).content.decode())
    assert client.get(waits_at(ask(client, bank))).status_code == 200  # the page that asks; no code


def test_a_service_that_renews_its_tokens_was_used_then(account: User, bank: openid.Service, clock):
    token = openid.tokens(bank, account)["refresh_token"]
    used = []
    for _renewal in range(12):
        clock.sleep(600)
        token = bank.refresh(token).json()["refresh_token"]
        used.append(Connection.objects.get().last_used_at)

    assert len(set(used)) in (2, 3)  # written down once an hour
    assert timezone.now() - used[-1] < limits.OPENID_LAST_USED_EVERY


def test_a_second_press_changes_nothing(account: User, bank: openid.Service):
    openid.tokens(bank, account)
    client = signed_in(account)
    for _press in range(2):
        assert client.post(END, {"service": bank.client_id}).status_code == 302
    assert account.events.filter(kind=EventKind.SERVICE_DISCONNECTED).count() == 1
    assert LogoutNotice.objects.count() == 1


@pytest.mark.parametrize("named", ["", "nobody", "\0", "another's"])
def test_nobody_ends_what_is_not_theirs(account: User, bank: openid.Service, named: str):
    stranger = citizen(national_id="0499370899", mobile="+989350000001")
    openid.tokens(bank, stranger)
    named = bank.client_id if named == "another's" else named
    assert signed_in(account).post(END, {"service": named}).status_code == 404
    assert Grant.objects.filter(ended_at=None).count() == Connection.objects.filter(ended_at=None).count() == 1
    assert not AccountEvent.objects.filter(kind=EventKind.SERVICE_DISCONNECTED).exists()


def test_without_a_session_or_the_forms_own_secret_nothing_ends(account: User, bank: openid.Service):
    openid.tokens(bank, account)
    assert Client().get(PAGE).status_code == Client().post(END, {"service": bank.client_id}).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = signed_in(account).cookies
    assert strict.post(END, {"service": bank.client_id}).status_code == 403
    assert strict.get(END).status_code == 405
    assert Grant.objects.filter(ended_at=None).exists()


def test_who_has_no_connected_service_is_told_so(account: User):
    assert "هیچ سرویسی متصل نیست" in text_of(signed_in(account).get(PAGE).content.decode())


def test_an_entry_of_the_home_page_starts_the_service_and_says_whether_it_knows_the_citizen(account: User):
    home, start = "https://service.example.ir/", "https://service.example.ir/login"
    one = openid.service(home_page=home, initiate_login_uri=start)
    for number, link in enumerate((home, "https://other.example.ir/")):
        Service.objects.create(title=f"entry {number}", text="x", link=link, icon="record", order=number)
    client = signed_in(account)

    before = client.get("/portal/home").content.decode().split('<li class="card service">')[1:]
    openid.tokens(one, account)
    after = client.get("/portal/home").content.decode().split('<li class="card service">')[1:]

    assert [f'href="{start}?iss=' in card for card in before] == [True, False]
    assert ["متصل" in card for card in before + after] == [False, False, True, False]
    one.row.suspended_at = timezone.now()
    one.row.save()
    assert start not in client.get("/portal/home").content.decode()
