"""Citizens at the sign-in page: what they post, and what they are told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from accounts.codes import challenges
from accounts.models import EventKind
from tests.support.accounts import PASSWORD, REZA
from tests.support.journeys import code_on

PAGE, HOME, OUT = "/portal/", "/portal/home", "/portal/sign-out"
BY_CODE, CODE, RESEND = "/portal/sign-in/by-code", "/portal/sign-in/code", "/portal/sign-in/resend"
WRONG = "Wrong1234"
UNKNOWN = "0123456789"
MOBILE = "09121234567"  # of `tests.support.accounts.citizen`


def sign_in(client: Client, national_id: str = REZA, password: str = PASSWORD, **more: str) -> Any:
    return client.post(PAGE, {"national_id": national_id, "password": password, **more})


def signed_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def errors(response: Any) -> list[str]:
    """What the form of a page says is wrong."""
    return [str(message) for messages in response.context["form"].errors.values() for message in messages]


def told(response: Any) -> list[str]:
    """What a redirect gives the next page to say."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def ask_for_code(client: Client, national_id: str = REZA, **more: str) -> str:
    """Go on by code; the newest code on the account's phone, once the workers have looked."""
    response = client.post(BY_CODE, {"national_id": national_id, **more})
    assert (response.status_code, response["Location"].partition("?")[0]) == (302, CODE)
    challenges.send_due()
    return code_on(MOBILE)


def type_code(client: Client, code: str, **more: str) -> Any:
    return client.post(CODE, {"code": code, **more})


def proven(client: Client) -> Client:
    """This browser has proven the mobile of the account."""
    response = type_code(client, ask_for_code(client))
    assert response.status_code == 302, errors(response)
    return client


def first_step(client: Client, **more: str) -> str:
    """The right password; the code that the phone then received."""
    response = sign_in(client, **more)
    assert (response.status_code, response["Location"].partition("?")[0]) == (302, CODE)
    return code_on(MOBILE)


def remembered(client: Client) -> set[str]:
    """What the session remembers of a sign-in that is under way."""
    return {key for key in client.session.keys() if key.startswith("sign_in")}  # noqa: SIM118


def another(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 1_000_000:06}"


def pause_everybody(national_id: str = REZA) -> None:
    """A stranger's wrong tries, until the page asks to come back later."""
    stranger = Client()
    while sign_in(stranger, national_id, WRONG).status_code != 429:
        pass


def kinds(account: Any) -> list[str]:
    """What stands in the history, oldest first."""
    return list(account.events.order_by("pk").values_list("kind", flat=True))


def events_of(account: Any, kind: EventKind) -> int:
    return account.events.filter(kind=kind).count()


def move_clock(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """The machine's clock is set to another time."""
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + by)


def plain(sql: str) -> str:
    """A statement without its values."""
    return re.sub(r"'(?:[^']|'')*'|s\d+_x\d+|\b\d+(?:\.\d+)?\b|\b(?:true|false)\b", "?", sql.lower())
