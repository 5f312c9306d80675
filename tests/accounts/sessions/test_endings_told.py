"""Apps above hear of every end of a session that somebody wanted, in its transaction; and of no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.closing import service as closing
from accounts.models import Session, User
from accounts.sessions import ending, listeners
from common import limits
from tests.support.accounts import PASSWORD, REZA, citizen
from tests.support.endings import Told, facts, listening, name
from tests.support.entrances import CODE, OUT, PAGE, first_step, sign_in, signed_in
from tests.support.freezes import link_on, say
from tests.support.recoveries import NEW, Recoverer, account_of
from tests.support.session_rows import let_pass

pytestmark = pytest.mark.django_db(transaction=True)
DEVICES = "/portal/profile/devices"
LEILA = "0023456787"
BY = {"by": "boss", "reason": "asked for"}


@pytest.fixture
def heard() -> Iterator[list[Told]]:
    with listening() as told:
        yield told


def browser(national_id: str = REZA, **said: Any) -> Client:
    client = Client(**said)
    assert sign_in(client, national_id).status_code == 302
    assert signed_in(client)
    return client


def test_a_sign_out(user, heard) -> None:
    client = browser()
    sid = name(client)
    client.post(OUT)
    client.post(OUT)
    assert heard == [(user.pk, [sid], "signed_out", "")]


def test_a_listener_that_fails_undoes_the_sign_out(user) -> None:
    def listener(**_told: Any) -> None:
        raise RuntimeError("no room")

    client = browser()
    listeners.register(listener)
    try:
        with pytest.raises(RuntimeError):
            client.post(OUT)
    finally:
        listeners.unregister(listener)
    assert signed_in(client)


def test_a_second_person_at_the_same_browser_ends_the_session_of_the_first(user, heard) -> None:
    leila = citizen(national_id=LEILA, mobile="+989121234568")
    client = browser()
    first = name(client)
    client.get(PAGE)
    sign_in(client, LEILA)
    assert heard == [(user.pk, [first], "signed_out", "")]
    assert name(client) != first
    second = name(client)
    client.post(OUT)
    assert heard[1:] == [(leila.pk, [second], "signed_out", "")]


def test_the_same_person_signing_in_again_ends_nothing(user, heard) -> None:
    client = browser()
    first = name(client)
    sign_in(client)
    assert name(client) == first
    assert not heard


def test_the_first_person_is_heard_of_though_the_second_came_by_a_second_step(user, heard) -> None:
    """Half-way into a sign-in nobody is signed in, and the session of before must not be taken for the next one's."""
    leila = citizen(national_id=LEILA, mobile="+989121234568")
    client = browser()
    first = name(client)
    user.code_at_sign_in = True
    user.save()
    first_step(client)  # Reza again, half-way; then he leaves the browser to Leila
    assert not signed_in(client)
    assert not heard
    sign_in(client, LEILA)
    assert heard == [(user.pk, [first], "signed_out", "")]
    assert name(client) != first
    client.post(OUT)
    assert heard[1][0] == leila.pk


def test_a_sign_out_half_way_ends_the_session_of_before(careful_user, heard) -> None:
    client = Client()
    code = first_step(client)
    client.post(CODE, {"code": code})
    sid = name(client)
    first_step(client)
    client.post(OUT)
    assert heard == [(careful_user.pk, [sid], "signed_out", "")]


def test_one_device_is_ended_on_the_page_of_devices(user, heard) -> None:
    here, there = browser(), browser()
    page = here.get(DEVICES).content.decode()
    reference = page.partition('name="reference" value="')[2].partition('"')[0]
    sid = name(there)
    here.post(f"{DEVICES}/end", {"reference": reference})
    assert heard == [(user.pk, [sid], "sessions_ended", "")]
    assert not signed_in(there)
    here.post(f"{DEVICES}/end", {"reference": reference})
    assert len(heard) == 1


def test_all_others_are_ended_and_also_what_idle_ones_had_opened(user, heard) -> None:
    here, _there = browser(), browser()
    sid = name(here)
    here.post(f"{DEVICES}/end-others")
    assert heard == [(user.pk, None, "sessions_ended", sid)]
    assert name(here) == sid  # under its new key


def test_a_new_password_ends_all_that_was_opened(user, heard) -> None:
    here = browser()
    new = {"new_password": NEW, "new_password_again": NEW}
    assert here.post("/portal/profile/password", {"current_password": PASSWORD, **new}).status_code == 302
    assert heard == [(user.pk, None, "password_changed", "")]
    assert signed_in(here)


def test_a_recovered_password() -> None:
    account = account_of()
    recoverer = Recoverer()
    recoverer.matched()
    with listening() as told:
        assert recoverer.new_password().status_code == 302
    assert told == [(account.pk, None, "password_changed", "")]


def test_a_freeze(user, heard) -> None:
    browser()
    say(user)
    link = link_on()
    Client().post(link)
    assert heard == [(user.pk, None, "closed", "")]


def test_a_closing_and_a_reopening(user, heard) -> None:
    closing.deactivate(account=user, **BY)
    closing.deactivate(account=user, **BY)
    closing.reactivate(account=user, **BY)
    assert heard == [(user.pk, None, "closed", "")] * 2


def test_an_administrator_ends_all_sessions(user, heard) -> None:
    call_command("end_sessions", REZA, "--by", "boss", "--reason", "asked for")
    assert heard == [(user.pk, None, "sessions_ended", "")]


def test_a_session_in_another_kind_of_browser(user, heard) -> None:
    owner = browser(headers={"user-agent": "Mozilla/5.0 AppleWebKit/537.36 Chrome/125.0.1 Safari/537.36"})
    sid = name(owner)
    thief = Client(headers={"user-agent": "Mozilla/5.0 (rv:126.0) Gecko/20100101 Firefox/126.0"})
    thief.cookies["sessionid"] = owner.cookies["sessionid"].value
    thief.get("/portal/home")
    assert heard[0] == (user.pk, [sid], "sessions_ended", "")
    assert all(told[:2] == (user.pk, [sid]) for told in heard)
    assert not signed_in(owner)


@pytest.mark.parametrize("span", [limits.SESSION_IDLE, limits.SESSION_LONGEST])
def test_nobody_hears_of_a_session_that_ends_by_time(user: User, heard: list[Told], span: timedelta) -> None:
    client = browser()
    let_pass(span + timedelta(seconds=1))
    assert ending.purge() == 1
    assert not signed_in(client)
    client.post(OUT)
    assert not heard


def test_a_name_stays_when_the_key_changes(user) -> None:
    client = browser()
    first, key = name(client), client.cookies["sessionid"].value
    client.post("/portal/profile/sign-in-code", {"current_password": PASSWORD, "on": "on"})
    assert client.cookies["sessionid"].value != key
    assert name(client) == first
    assert Session.objects.get(account=user).portal_sid == first
    assert len(first) == 32


def test_a_session_from_before_names_gets_one_that_stays(user, heard) -> None:
    client = browser()
    row = Session.objects.get(account=user)
    data = SessionData(row)
    data.drop("portal_sid", "portal_sid_of", "password_at")
    found = facts(client)
    assert found
    assert facts(client) == found
    assert abs(found.password_at - timezone.now()) < timedelta(minutes=1)
    client.post(OUT)
    assert heard == [(user.pk, [found.portal_sid], "signed_out", "")]


class SessionData:
    """The content of a session's row."""

    def __init__(self, row: Session) -> None:
        self.row = row

    def drop(self, *names: str) -> None:
        data = self.row.get_decoded()
        for each in names:
            del data[each]
        store = self.row.get_session_store_class()
        Session.objects.filter(pk=self.row.pk).update(session_data=store().encode(data), portal_sid="")
