"""A citizen's browser on its way from a service to its answer."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from django.test import Client
from django.utils import timezone

from accounts.models import Session, User
from openid.models import AuthorizationRequest, ConnectedService
from tests.support import openid
from tests.support.accounts import PASSWORD

AUTHORIZE, PAR = "/openid/authorize", "/openid/par"


def ask(client: Client, service: openid.Service, **changes: str | None) -> Any:
    """The service sends its citizen."""
    return client.get(AUTHORIZE, openid.asked(service, **changes))


def signed_in(user: User) -> Client:
    """A browser in which this citizen has signed in."""
    client = Client()
    sign_in(client, user)
    return client


def sign_in(client: Client, user: User, page: str = "/portal/") -> Any:
    response = client.post(page, {"national_id": user.national_id, "password": PASSWORD})
    assert response.status_code == 302, response.content.decode()
    return response


def waits_at(response: Any) -> str:
    """The address of ours where the request goes on after the page to which this answer leads."""
    address = urlsplit(response["Location"])
    if address.path.startswith(AUTHORIZE):
        return response["Location"]
    return parse_qs(address.query)["next"][0]


def answer_at(address: str) -> dict[str, str]:
    """What the service gets; the address is its own."""
    assert address.startswith(openid.CALLBACK + "?"), address
    return dict(parse_qsl(urlsplit(address).query))


def redirected(response: Any) -> dict[str, str]:
    """What the service gets by a redirect."""
    assert response.status_code == 302, response.content.decode()
    return answer_at(response["Location"])


def handed_over(response: Any) -> dict[str, str]:
    """What the service gets by the page that leads on by itself."""
    assert response.status_code == 200, response
    assert "Refresh" in response, response.content.decode()
    return answer_at(response["Refresh"].removeprefix("0;url="))


def press(client: Client, page: str, said: str, **changes: str) -> Any:
    """Press a button on the page that waits there; returns what comes after the redirect."""
    return client.get(post(client, page, said, **changes)["Location"])


def post(client: Client, page: str, said: str, **changes: str) -> Any:
    mark = re.search(r'name="page" value="(\w+)"', client.get(page).content.decode())
    assert mark, "the page asks nothing"
    return client.post(page, {"page": mark[1], "said": said} | changes)


def age_sign_in(client: Client, by: timedelta = timedelta(minutes=10)) -> None:
    """The password was typed so long ago."""
    row = Session.objects.get(session_key=client.cookies["sessionid"].value)
    data = row.get_decoded()
    data["password_at"] -= by.total_seconds()
    Session.objects.filter(pk=row.pk).update(session_data=row.get_session_store_class()().encode(data))


def with_code(client: Client) -> None:
    """A code by SMS was right in this session."""
    row = Session.objects.get(session_key=client.cookies["sessionid"].value)
    data = row.get_decoded() | {"code_at": timezone.now().timestamp()}
    Session.objects.filter(pk=row.pk).update(session_data=row.get_session_store_class()().encode(data))


def suspend(service: openid.Service) -> None:
    ConnectedService.objects.filter(pk=service.row.pk).update(suspended_at=timezone.now())


def let_requests_pass(by: timedelta) -> None:
    """All requests came so much earlier."""
    for row in AuthorizationRequest.objects.all():
        row.created_at -= by
        row.expires_at -= by
        row.used_at = row.used_at and row.used_at - by
        row.save()
