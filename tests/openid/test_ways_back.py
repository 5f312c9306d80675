"""The way back to a service by its own short address: its request in this very browser, else a fresh one there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.sign_in import destinations
from common import limits
from openid.models import AuthorizationRequest, ConnectedService, Grant
from openid.ways_back import key_of
from tests.support import openid
from tests.support.openid_browser import (
    AUTHORIZE,
    ask,
    handed_over,
    let_requests_pass,
    post,
    press,
    sign_in,
    signed_in,
    suspend,
    waits_at,
)
from tests.support.pages import text_of

pytestmark = pytest.mark.django_db
START = "https://service.example.ir/start"


def address_of(service: openid.Service) -> str:
    return f"{AUTHORIZE}/{key_of(service.row)}"


def begins_anew(response: Any) -> bool:
    """The page leads to where the service begins a fresh request, and says nothing of an old one."""
    page = response.content.decode()
    assert "state-1" not in page + response["Refresh"]
    return response.status_code == 200 and response["Refresh"].startswith(f"0;url={START}?iss=http")


@pytest.fixture
def service(db: None) -> openid.Service:
    return openid.service(initiate_login_uri=START)


def test_in_its_browser_the_newest_request_goes_on_through_the_sign_in(user: User, service: openid.Service):
    client = Client()
    for state in ("of-the-first-tab", "of-the-second"):
        ask(client, service, state=state)

    to_sign_in = client.get(address_of(service))

    assert f"«{service.row.name}»" in text_of(client.get(to_sign_in["Location"]).content.decode())
    after = sign_in(client, user, to_sign_in["Location"])
    assert after["Location"] == address_of(service)
    first, again = (handed_over(client.get(address_of(service))) for _click in range(2))  # a double click
    assert first["state"] == again["state"] == "of-the-second"
    assert service.exchange(again["code"]).status_code == 200


@pytest.mark.parametrize("over", ["its time", "answered", "refused"])
def test_what_is_over_is_never_answered_again(user: User, service: openid.Service, over: str):
    client = Client()
    ask(client, service)
    if over == "its time":
        let_requests_pass(limits.OPENID_REQUEST)
    else:
        columns = {"answered": "used_at", "refused": "refused_at"}
        now = timezone.now() - limits.OPENID_ANSWER_AGAIN
        AuthorizationRequest.objects.update(**{columns[over]: now})
    sign_in(client, user)

    assert begins_anew(client.get(address_of(service)))
    assert not Grant.objects.exists()


def test_in_another_browser_the_service_begins_anew(user: User, service: openid.Service):
    ask(Client(), service)

    assert begins_anew(Client().get(address_of(service)))
    assert begins_anew(signed_in(user).get(address_of(service)))
    assert not Grant.objects.exists()


def test_the_short_address_of_an_sms_leads_to_the_same(service: openid.Service):
    assert Client().get(f"/to/{key_of(service.row)}")["Location"] == address_of(service)


def test_a_service_whose_id_is_a_word_has_an_address_too(service: openid.Service):
    """As the demo's has."""
    for named in ("insurance-records-demo", "demo"):
        service.row.client_id = named
        service.row.save()
        assert begins_anew(Client().get(address_of(service)))
    openid.service(client_id="demo0123456789")
    assert begins_anew(Client().get(address_of(service)))  # another one's beginning takes nothing from it
    assert Client().get(f"{AUTHORIZE}/dem").status_code == 404  # a part of it is a guess


def test_a_service_without_an_address_says_where_to_begin():
    bare = openid.service()

    page = Client().get(address_of(bare))

    assert page.status_code == 410
    assert "سرویسی که آمده‌اید دوباره شروع کنید" in text_of(page.content.decode())


def test_to_a_suspended_or_ambiguous_or_unknown_service_no_way_leads(service: openid.Service):
    twin = openid.service(initiate_login_uri=START)
    ConnectedService.objects.filter(pk=twin.row.pk).update(client_id=key_of(service.row) + "0" * 16)
    assert Client().get(address_of(service)).status_code == 404
    twin.row.delete()
    assert Client().get(address_of(service)).status_code == 200
    suspend(service)

    for address in (address_of(service), f"{AUTHORIZE}/00000000"):
        page = Client().get(address)
        assert page.status_code == 404
        assert service.row.name not in page.content.decode()
    assert service.row.name not in Client().get("/portal/", {"next": address_of(service)}).content.decode()


def test_the_page_of_an_older_request_agrees_to_no_newer_one(user: User):
    """Both wait at the same address: the page's mark says which of them was read."""
    third = openid.service(initiate_login_uri=START, is_third_party=True)
    client = signed_in(user)
    ask(client, third, scope="openid")
    address = address_of(third)

    def newer_meanwhile() -> Any:
        answer = client.get(address)
        ask(client, third, scope="openid phone", state="state-2")
        return answer

    mark = newer_meanwhile().content.decode().split('name="page" value="')[1].split('"')[0]
    client.post(address, {"page": mark, "said": "agree"})

    assert not AuthorizationRequest.objects.exclude(agreed_by=None).exists()
    assert handed_over(press(client, address, "agree"))["state"] == "state-2"


def test_who_says_no_and_comes_again_begins_anew(user: User):
    third = openid.service(initiate_login_uri=START, is_third_party=True)
    client = signed_in(user)
    ask(client, third)

    post(client, address_of(third), "refuse")

    assert begins_anew(client.get(address_of(third)))


def test_only_a_request_of_this_very_browser_says_where_somebody_came_from(user: User, service: openid.Service):
    client, stranger = Client(), Client()
    page = waits_at(ask(client, service))
    waits_at(ask(stranger, openid.service()))
    here, there = ({name: morsel.value for name, morsel in each.cookies.items()} for each in (client, stranger))

    assert destinations.came_from(page, here) == service.client_id
    assert destinations.came_from(address_of(service), here) == service.client_id
    for cookies in (there, {}):
        assert not destinations.came_from(page, cookies)
        assert not destinations.came_from(address_of(service), cookies)
    for elsewhere in (
        "",
        "https://evil.example/",
        f"https://evil.example{page}",
        AUTHORIZE,
        f"{page}x",
        "/portal/home",
    ):
        assert not destinations.came_from(elsewhere, here)

    let_requests_pass(limits.OPENID_REQUEST + timedelta(seconds=1))  # who read for an hour came from there all the same
    assert destinations.came_from(page, here) == service.client_id
    suspend(service)
    assert not destinations.came_from(page, here)


def test_a_way_leads_to_a_service_with_an_address_or_with_a_request_here(service: openid.Service):
    bare, client = openid.service(), Client()
    ask(client, bare)
    here = {name: morsel.value for name, morsel in client.cookies.items()}
    both = [service.client_id, bare.client_id]

    assert set(destinations.ways_back([*both, "", "nobody"])) == {service.client_id}
    assert set(destinations.ways_back(both, here)) == set(both)
    suspend(service)
    assert destinations.way_back(service.client_id, here) is None
