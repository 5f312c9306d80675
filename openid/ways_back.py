"""The way back to a service: its request in this very browser, else where the service begins a fresh one.

A service has one address of ours for that, `/openid/authorize/` with a short key, which says nothing of any request:
which one goes on there is decided when it is opened, by the browser's own cookie. See docs/decisions/0054.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from authlib.common.urls import add_params_to_uri
from django.urls import reverse

from accounts.sign_in.destinations import WayBack
from common.links import absolute
from openid import requests
from openid.models import ConnectedService

GO_ON = "/openid/authorize/"  # `next` of our own pages: followed by a request's handle, or by a service's key
_KEY_LENGTH = 8
_KEY = re.compile(rf"[A-Za-z0-9_-]{{1,{_KEY_LENGTH}}}")  # shorter than any handle


def way_back(service: ConnectedService) -> str:
    """The address that starts a sign-in there (OpenID Connect Core, 4), else its home page; empty where it has
    neither."""
    if service.initiate_login_uri:
        address: str = add_params_to_uri(service.initiate_login_uri, [("iss", absolute(""))])
        return address
    return service.home_page


def key_of(service: ConnectedService) -> str:
    """The beginning of its client ID: short enough for an SMS, and, as IDs are random, not to be counted through."""
    return service.client_id[:_KEY_LENGTH]


def service_by(key: str) -> ConnectedService | None:
    """The service with this key. None: there is none, it is suspended, or another one has the same key."""
    if not _KEY.fullmatch(key):
        return None
    services = ConnectedService.objects.select_related("sector")
    is_whole = len(key) < _KEY_LENGTH  # an ID that is a word; a part of another one's key is none
    rows = services.filter(client_id=key) if is_whole else services.filter(client_id__startswith=key)
    found = [row for row in rows if key_of(row) == key]  # SQLite compares the beginning whatever its case
    return found[0] if len(found) == 1 and found[0].suspended_at is None else None


def has_key_of_another(client_id: str) -> bool:
    """Whether a new service with this ID would have the same key as another one, and both no address."""
    others = ConnectedService.objects.exclude(client_id=client_id)
    return others.filter(client_id__startswith=client_id[:_KEY_LENGTH]).exists()


def name_of(next_page: str) -> str:
    """The name of the service to which this address of ours leads; empty for none. For the pages of the sign-in."""
    service = service_of(next_page)
    return service.name if service else ""


def service_of(next_page: str) -> ConnectedService | None:
    """The service to which this address of ours leads; None: it is another address, the request was forgotten, or the
    service is suspended."""
    if not next_page.startswith(GO_ON):
        return None
    named = next_page.removeprefix(GO_ON)
    row = requests.find(named)
    if row is None:
        return service_by(named)
    return row.service if row.service.suspended_at is None else None


def came_from(*, next_page: str, cookies: Mapping[str, str]) -> str:
    """The client ID of the service whose request leads the browser with these cookies to `next_page`. Empty: no request
    does, it is another browser's, or the service is suspended."""
    service, browser = service_of(next_page), requests.browser_in(cookies)
    if service is None:
        return ""
    row = requests.find(next_page.removeprefix(GO_ON))
    is_its = requests.is_of(row=row, browser=browser) if row else requests.newest(service=service, browser=browser)
    return service.client_id if is_its else ""


def ways_back(*, client_ids: Collection[str], cookies: Mapping[str, str]) -> dict[str, WayBack]:
    """Where those of these services are gone on with to which a way leads: not to a suspended one, nor to one without
    an address of its own, unless its request waits in the browser with these cookies. By client ID."""
    browser = requests.browser_in(cookies)
    return {
        service.client_id: WayBack(
            name=service.name,
            path=reverse("openid_go_on", args=[key_of(service)]),
            short=reverse("openid_to_service", args=[key_of(service)]),
        )
        for service in ConnectedService.objects.filter(client_id__in=client_ids, suspended_at=None)
        if way_back(service) or requests.newest(service=service, browser=browser)
    }
