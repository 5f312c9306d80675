"""This portal: flows of citizens who are signed in, and sign-ins from the first page on, to it and to a service."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from benchmarks.providers.browser import Answer, Browser
from benchmarks.providers.flow import CALLBACK, PEOPLE, Addresses, Client, Flow, right

ADDRESSES = Addresses("/openid/authorize", "/openid/token", "/openid/userinfo", "/openid/introspect")
SIGN_IN = "/portal/"


def works() -> dict[str, Any]:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from tamin_portal.wsgi import application

    connection.settings_dict |= {
        "CONN_MAX_AGE": 3600,
        "CONN_HEALTH_CHECKS": True,
    }  # not as in tests; a run is one connection
    settings.OPENID_USAGE_WRITTEN_WITHIN = 5
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    call_command("migrate", verbosity=0)
    machine = Browser(application, scheme="http", sends={})
    people = citizens(application)
    browsers = [next(people) for _ in range(PEOPLE)]
    for browser in browsers:
        signed_in(browser, SIGN_IN)
    done: dict[str, Any] = {}
    for algorithm in ("ES256", "RS256"):
        flow = Flow(ADDRESSES, service(algorithm), browsers, machine)
        done |= {f"flow-{algorithm}": flow.sign_ins(), f"introspection-{algorithm}": flow.introspections()}
    for hasher in ("cheap", "argon2"):
        flow = Flow(ADDRESSES, service("ES256"), browsers, machine)
        done |= {
            f"{way.__name__}-{hasher}": again(way, hasher, people, flow)
            for way in (to_portal, to_service, to_service_and_tokens)
        }
    return done


def service(algorithm: str) -> Client:
    from tests.support import openid

    made = openid.service(name=algorithm, redirect_uris=[CALLBACK], id_token_algorithm=algorithm)
    return Client(made.client_id, made.secret)


@contextmanager
def hashing(cost: str) -> Iterator[None]:
    """Argon2id as configured, or "cheap"."""
    from accounts.passwords.hashers import PortalArgon2Hasher as Hasher

    whole = Hasher.memory_cost, Hasher.time_cost
    if cost == "cheap":
        Hasher.memory_cost, Hasher.time_cost = 64, 1
    try:
        yield
    finally:
        Hasher.memory_cost, Hasher.time_cost = whole


def again(way: Callable[..., Any], cost: str, people: Iterator[Citizen], flow: Flow) -> Iterator[None]:
    """Each step is a sign-in of the next citizen."""
    while True:
        with hashing(cost):
            way(people, flow)
        yield


class Citizen(Browser):
    """A citizen's browser, and the national ID that they type."""

    def __init__(self, application: Any, number: int) -> None:
        from tests.support.citizens import national_id

        super().__init__(
            application, scheme="http", address=f"10.{number // 62500}.{number // 250 % 250}.{number % 250}"
        )
        self.national_id = national_id(number)


def citizens(application: Any) -> Iterator[Citizen]:
    """New citizens, each with a browser and an address of their own: nobody is slowed down by others."""
    from django.db import connection

    from tests.support.accounts import citizen
    from tests.support.citizens import mobile

    for number in itertools.count():
        browser = Citizen(application, number)
        citizen(national_id=browser.national_id, mobile="+98" + mobile(number)[1:])
        connection.queries_log.clear()  # they are no part of what is measured
        yield browser


def signed_in(browser: Citizen, page: str) -> Answer:
    """The page of the sign-in, filled in and sent; returns the redirect."""
    from tests.support.accounts import PASSWORD

    answer = browser.get(page)
    fields = (
        dict(re.findall(r'(\w+)="([^"]*)"', field)) for field in re.findall("<input [^>]*>", answer.body.decode())
    )
    hidden = {field["name"]: field.get("value", "") for field in fields if field.get("type") == "hidden"}
    answer = browser.post(page, hidden | {"national_id": browser.national_id, "password": PASSWORD})
    right(answer.status == 302 and "sessionid" in browser.cookies, answer)
    return answer


def to_portal(people: Iterator[Citizen], _flow: Flow) -> None:
    """The page of the sign-in, the password, the home page."""
    browser = next(people)
    home = browser.get(signed_in(browser, SIGN_IN).headers["location"])
    right(home.status == 200, home)


def to_service(people: Iterator[Citizen], flow: Flow) -> str:
    """From the service to the page of the sign-in, the password, and back to the service; returns the code."""
    browser = next(people)
    asked = browser.get(f"{flow.at.authorize}?{urlencode(flow.asked('0'))}")
    waits = signed_in(browser, asked.headers["location"]).headers["location"]
    led = browser.get(waits)
    address = led.headers.get("refresh", "").removeprefix("0;url=")
    right(led.status == 200 and address.startswith(CALLBACK), led)
    return dict(parse_qsl(urlsplit(address).query))["code"]


def to_service_and_tokens(people: Iterator[Citizen], flow: Flow) -> None:
    """The same, and the service exchanges the code and reads the claims."""
    flow.exchange(to_service(people, flow))
