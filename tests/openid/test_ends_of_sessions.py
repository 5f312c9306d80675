"""What a citizen, a thief or an administrator does in the portal ends the sessions at the services: introspection says
so at once, and the services are queued to be told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.closing import service as closing
from accounts.sessions import ending as session_ending
from common import limits
from openid.models import EndReason, Grant, LogoutNotice
from tests.support import openid
from tests.support.accounts import PASSWORD, REZA, citizen
from tests.support.endings import name
from tests.support.entrances import OUT, PAGE, sign_in, signed_in
from tests.support.freezes import link_on, say
from tests.support.recoveries import NEW, Recoverer, account_of
from tests.support.session_rows import let_pass

pytestmark = pytest.mark.django_db(transaction=True)
DEVICES = "/portal/profile/devices"
LEILA = "0023456787"
BY = {"by": "boss", "reason": "asked for"}


@pytest.fixture
def service():
    return openid.service(backchannel_logout_uri="https://service.example.ir/logout")


def browser(national_id=REZA):
    client = Client()
    assert sign_in(client, national_id).status_code == 302
    assert signed_in(client)
    return client


def told():
    return list(LogoutNotice.objects.values_list("reason", flat=True))


def by_sign_out(account, here):
    here.post(OUT)
    return EndReason.SIGNED_OUT


def by_another_person(account, here):
    citizen(national_id=LEILA, mobile="+989121234568")
    here.get(PAGE)
    sign_in(here, LEILA)
    return EndReason.SIGNED_OUT


def by_the_page_of_devices(account, here):
    elsewhere = browser()
    page = elsewhere.get(DEVICES).content.decode()
    reference = page.partition('name="reference" value="')[2].partition('"')[0]
    elsewhere.post(f"{DEVICES}/end", {"reference": reference})
    return EndReason.SESSIONS_ENDED


def by_ending_all_others(account, here):
    browser().post(f"{DEVICES}/end-others")
    return EndReason.SESSIONS_ENDED


def by_a_new_password(account, here):
    new = {"new_password": NEW, "new_password_again": NEW}
    here.post("/portal/profile/password", {"current_password": PASSWORD, **new})
    return EndReason.PASSWORD_CHANGED


def by_a_freeze(account, here):
    say(account)
    Client().post(link_on())
    return EndReason.CLOSED


def by_a_closing(account, here):
    closing.deactivate(account=account, **BY)
    return EndReason.CLOSED


def by_an_administrator(account, here):
    call_command("end_sessions", REZA, "--by", "boss", "--reason", "asked for")
    return EndReason.SESSIONS_ENDED


ACTS = [
    by_sign_out,
    by_another_person,
    by_the_page_of_devices,
    by_ending_all_others,
    by_a_new_password,
    by_a_freeze,
    by_a_closing,
    by_an_administrator,
]


@pytest.mark.parametrize("act", ACTS)
def test_it_ends_at_the_services_too(act, user, service, published):
    here = browser()
    tokens = openid.tokens(service, user, portal_sid=name(here))
    assert openid.is_active(service, tokens["access_token"])

    reason = act(user, here)

    assert not openid.is_active(service, tokens["access_token"])
    assert not openid.is_active(service, tokens["refresh_token"])
    assert openid.userinfo(tokens["access_token"]).status_code == 401
    assert service.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert told() == [reason]
    assert "openid.tell_services" in published


def test_an_account_taken_back_by_recovery_ends_what_the_thief_opened(service):
    account = account_of()
    tokens = openid.tokens(service, account)
    recoverer = Recoverer()
    recoverer.matched()
    assert recoverer.new_password().status_code == 302
    assert not openid.is_active(service, tokens["refresh_token"])
    assert told() == [EndReason.PASSWORD_CHANGED]


def test_ending_all_others_leaves_what_this_session_opened(user, service):
    here = browser()
    tokens = openid.tokens(service, user, portal_sid=name(here))
    here.post(f"{DEVICES}/end-others")
    assert openid.is_active(service, tokens["access_token"])
    assert told() == []


@pytest.mark.parametrize("span", [limits.SESSION_IDLE, limits.SESSION_LONGEST])
def test_the_portals_idleness_ends_no_services_session(user, service, span):
    here = browser()
    openid.tokens(service, user, portal_sid=name(here))
    let_pass(span + timedelta(seconds=1))
    session_ending.purge()
    assert not signed_in(here)
    assert Grant.objects.get().ended_at is None
    assert told() == []


def test_what_a_session_that_idled_out_had_opened_ends_with_a_freeze(user, service):
    here = browser()
    openid.tokens(service, user, portal_sid=name(here))
    let_pass(limits.SESSION_LONGEST + timedelta(seconds=1))
    session_ending.purge()
    by_a_freeze(user, here)
    assert told() == [EndReason.CLOSED]
