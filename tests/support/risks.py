"""Browsers, strangers and trusted devices, for the tests of the risk at the sign-in."""

from __future__ import annotations

from typing import Any

from django.test import Client

from accounts.models import SignInFailures
from tests.support.entrances import CODE, MOBILE, OUT, PAGE, WRONG, errors, sign_in, signed_in, type_code
from tests.support.journeys import code_on


def browser(**more: Any) -> Client:
    """A browser that has seen the page, as every browser has that posts its form."""
    opened = Client(**more)
    opened.get(PAGE)
    return opened


def fail(client: Client, times: int = 1) -> None:
    for _ in range(times):
        assert sign_in(client, password=WRONG).status_code == 200
        SignInFailures.objects.all().delete()  # as if the pauses had been waited


def strangers_fail(times: int) -> None:
    """Each in a browser, and at an address, of their own."""
    for number in range(times):
        fail(browser(REMOTE_ADDR=f"10.{number}.0.1"))


def asks(client: Client) -> bool:
    """Whether the right password leads to the page of the code; it is no more than weighed."""
    answer = sign_in(client)
    assert answer.status_code == 302, errors(answer)
    return bool(answer["Location"] == CODE)


def trusted_device() -> Client:
    client = browser()
    assert sign_in(client, remember="on").status_code in (200, 302)
    if not signed_in(client):
        type_code(client, code_on(MOBILE))
    client.post(OUT)
    return client
