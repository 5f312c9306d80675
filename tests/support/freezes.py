"""The "not me" links that phones receive, for tests."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction
from django.test import Client

from accounts.life import notices
from accounts.models import (
    AccountEvent,
    EventKind,
    User,
)
from tests.support.journeys import texts_on

MOBILE = "09121234567"
HOME = "/portal/home"


def say(account: User, kind: EventKind = EventKind.PASSWORD_CHANGED, **more: Any) -> AccountEvent:
    with transaction.atomic():
        return notices.record(account=account, kind=kind, **more)


def link_on(mobile: str = MOBILE) -> str:
    """The path of the newest "not me" link that the phone received."""
    found = next(match for text in texts_on(mobile) if (match := re.search(r"http\S+(/portal/not-me/\S+)", text)))
    return found[1]


def token_of(path: str) -> str:
    return path.rpartition("/")[2]


def signed_in(account: User) -> Client:
    client = Client()
    client.force_login(account, backend="accounts.backends.CitizenBackend")
    assert client.get(HOME).status_code == 200
    return client
