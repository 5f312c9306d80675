"""Two worlds that differ in another session's secret alone look the same, byte for byte, at every form that takes one.

In either world somebody else was sent a code, another one in each; a stranger then types the one of the first world.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import OneTimeCode
from accounts.tasks import send_codes
from common.secrets import keyed_hash
from registration.models import Registration, RegistryLook
from registration.states import State
from tests.support.accounts import citizen
from tests.support.desk import Clerk
from tests.support.journeys import MATCHES, Browser, account_of, registration_in
from tests.support.profile import MOBILE, MOBILE_CODE, hand_in, sign_in
from tests.support.recoveries import Recoverer

pytestmark = pytest.mark.django_db(transaction=True)
CODES = st.text("0123456789", min_size=6, max_size=6)
# What differs by chance between two pages that say the same: tokens of forms and drafts, and cookies with them.
_CHANCE = re.compile(
    r'(?:name="(?:csrfmiddlewaretoken|[\w-]*draft|[\w-]*made_for|page|change)"[^>]*?value|value="[^"]*"\s+name)="[^"]*"'
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


_OF_CHANCE = ("Date", "Expires", "Last-Modified", "Content-Length")  # the length of masked tokens, too


@dataclass(frozen=True)
class Seen:
    """Everything that an answer says."""

    status: int
    headers: list[tuple[str, str]]
    body: str
    statements: list[str]

    @classmethod
    def of(cls, ask: Callable[[], Any]) -> Seen:
        with CaptureQueriesContext(connection) as queries:
            answer = ask()
        headers = sorted((name, value) for name, value in answer.items() if name not in _OF_CHANCE)
        words = [re.sub(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b|s\d+_x\d+", "?", query["sql"]) for query in queries]
        return cls(answer.status_code, headers, _CHANCE.sub("", answer.content.decode()), words)


def plant(code: OneTimeCode, secret: str) -> None:
    """In this world the somebody else was sent `secret`."""
    code.code_hash = keyed_hash(f"code:{code.purpose}:{code.mobile}:{code.asker}", secret)
    code.save(update_fields=["code_hash"])


def step_two() -> Callable[[str], Any]:
    Browser(REMOTE_ADDR="192.0.2.9").step_one()
    stranger = Browser()
    stranger.step_one()
    return stranger.step_two


def second_chance() -> Callable[[str], Any]:
    account_of(MATCHES)
    Browser(REMOTE_ADDR="192.0.2.9").step_one()  # the owner of the number, who is sent a code
    stranger, other = Browser(), MATCHES.mobile
    row = registration_in(State.REFERRED, mobile="+989350000001", verdict_kind="owner")
    _let_in(stranger, row)
    stranger.post("/portal/registration/number", {"draft": str(row.token), "operator": "mci", "mobile": other})
    return lambda typed: stranger.post("/portal/registration/number/code", {"draft": str(row.token), "code": typed})


def _let_in(browser: Browser, row: Registration) -> None:
    grant = "a grant"
    Registration.objects.filter(pk=row.pk).update(grant_hash=keyed_hash("grant", grant))
    browser.get("/portal/status")
    session = browser.session
    session["registration"] = {"token": str(row.token), "grant": grant, "asker": "the stranger's"}
    session.save()
    browser.cookies["sessionid"] = session.session_key


def recovery() -> Callable[[str], Any]:
    account_of(MATCHES)
    Recoverer(REMOTE_ADDR="192.0.2.9").begin(MATCHES.national_id)
    stranger = Recoverer()
    stranger.begin(MATCHES.national_id)
    send_codes()
    return lambda typed: stranger.step("recovery_code", code=typed)


def sign_in_by_code() -> Callable[[str], Any]:
    account_of(MATCHES)
    for browser in (Client(REMOTE_ADDR="192.0.2.9"), stranger := Client()):
        browser.post("/portal/sign-in/by-code", {"national_id": MATCHES.national_id})
        send_codes()
    return lambda typed: stranger.post("/portal/sign-in/code", {"code": typed})


def second_step() -> Callable[[str], Any]:
    account = citizen(national_id=MATCHES.national_id, mobile="+989120000101")
    account.code_at_sign_in = True
    account.save()
    for browser in (Client(REMOTE_ADDR="192.0.2.9"), stranger := Client()):
        sign_in(MATCHES.national_id, browser=browser)
    return lambda typed: stranger.post("/portal/sign-in/code", {"code": typed})


def desk() -> Callable[[str], Any]:
    row = registration_in(State.REFERRED)
    Clerk("ahmad").send_code(row)
    stranger = Clerk("maryam")
    stranger.send_code(row)
    return lambda typed: stranger.activate(row, typed)


def new_mobile() -> Callable[[str], Any]:
    browsers = []
    for national_id in ("0012345679", "0012345687"):
        citizen(national_id=national_id, mobile=f"+98912000{national_id[:4]}")
        browsers.append(sign_in(national_id))
        hand_in(browsers[-1], MOBILE)
    change = str(browsers[1].get(MOBILE_CODE).context["form"]["change"].value())
    return lambda typed: browsers[1].post(MOBILE_CODE, {"change": change, "code": typed})


DOORS = [step_two, second_chance, recovery, sign_in_by_code, second_step, new_mobile, desk]


@pytest.mark.parametrize("door", DOORS)
def test_what_another_session_was_sent_changes_no_byte_and_no_statement(monkeypatch, door):
    """Two worlds; in the first the stranger types exactly the other's code."""
    frozen = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: frozen)
    guess = door()
    others = OneTimeCode.objects.exclude(code_hash="").earliest("pk")
    assert OneTimeCode.objects.filter(mobile=others.mobile).count() == 2  # the stranger's is another one

    @settings(max_examples=4)
    @given(hers=CODES, another=CODES)
    def in_both_worlds(hers: str, another: str) -> None:
        worlds = []
        for secret in (hers, another if another != hers else "x"):
            plant(others, secret)
            OneTimeCode.objects.update(tries=0)
            RegistryLook.objects.all().delete()  # the desk's page lists who looked at what
            worlds.append(Seen.of(lambda: guess(hers)))
        assert worlds[0] == worlds[1]
        assert OneTimeCode.objects.get(pk=others.pk).used_at is None

    guess("000000")  # what a process and a session do only once is done
    in_both_worlds()
