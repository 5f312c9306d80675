"""Remember me: which devices are trusted, what that gives, and how it ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import EventKind, Session, SignInFailures, TrustedDevice
from accounts.sessions import devices
from accounts.sign_in.service import record_success
from common import limits
from sms.models import Message
from tests.support.accounts import REZA, citizen
from tests.support.entrances import HOME, OUT, PAGE, UNKNOWN, WRONG, kinds, pause_everybody, sign_in, signed_in

pytestmark = pytest.mark.django_db
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Mobile Safari/537.36"
)


def remembered(client: Client, national_id: str = REZA) -> Client:
    """The owner has ticked the box in this browser, and has left."""
    assert sign_in(client, national_id, remember="on").status_code == 302
    client.post(OUT)
    return client


def session_cookie(response: Any) -> Any:
    return response.cookies["sessionid"]


def test_without_the_tick_no_device_is_remembered_and_the_session_ends_with_the_browser(client) -> None:
    user = citizen()
    response = sign_in(client)
    assert "trusted" not in response.cookies
    assert not TrustedDevice.objects.exists()
    assert (session_cookie(response)["max-age"], session_cookie(response)["expires"]) == ("", "")
    assert kinds(user) == [EventKind.SIGNED_IN]
    left = Session.objects.get().expire_date - timezone.now()
    assert timedelta(hours=11, minutes=59) < left <= limits.SESSION_LONGEST


def test_with_the_tick_the_device_is_trusted_and_the_session_survives_the_browser(client) -> None:
    user = citizen()
    response = client.post(
        PAGE, {"national_id": REZA, "password": "Toranj7sangak!", "remember": "on"}, HTTP_USER_AGENT=PHONE
    )
    assert session_cookie(response)["max-age"] == 12 * 3600
    device = TrustedDevice.objects.get()
    assert (device.account, device.browser) == (user, "Chrome, Android")
    assert device.secret_hash not in response.cookies["trusted"].value
    assert kinds(user) == [EventKind.DEVICE_TRUSTED]
    assert user.events.get().browser == "Chrome, Android"
    assert Message.objects.get().to == user.mobile
    assert Session.objects.get().browser == "Chrome, Android"


def test_the_cookie_is_out_of_reach_of_scripts_and_names_nobody(client) -> None:
    citizen()
    cookie = sign_in(client, remember="on").cookies["trusted"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["max-age"] == int(limits.TRUSTED_FOR.total_seconds())
    assert REZA not in cookie.value


def test_the_box_has_its_hint_outside_the_label_and_is_not_ticked_by_itself(client) -> None:
    citizen()
    remembered(client)
    page = client.get(PAGE)
    html = page.content.decode()
    assert f'<label for="id_remember">{page.context["form"]["remember"].label}</label>' in html
    assert 'aria-describedby="id_remember-hint"' in html
    assert "checked" not in html
    assert REZA not in html  # a household reads it
    assert "checked" in sign_in(client, password=WRONG, remember="on").content.decode()


def test_signing_in_again_on_a_trusted_device_trusts_no_second_one(client) -> None:
    user = citizen()
    remembered(client)
    TrustedDevice.objects.update(used_at=timezone.now() - timedelta(days=30))
    sign_in(client, remember="on")
    sign_in(client)
    assert kinds(user) == [EventKind.DEVICE_TRUSTED, EventKind.SIGNED_IN, EventKind.SIGNED_IN]
    assert timezone.now() - TrustedDevice.objects.get().used_at < timedelta(minutes=1)


def test_a_stranger_cannot_hold_the_owner_on_a_trusted_device(client) -> None:
    citizen()
    remembered(client)
    pause_everybody()
    assert sign_in(Client()).status_code == 429  # the same address, not trusted
    assert sign_in(client).status_code == 302


def test_who_did_not_tick_is_a_stranger_to_the_pauses(client) -> None:
    citizen()
    sign_in(client)
    client.post(OUT)
    pause_everybody()
    assert sign_in(client).status_code == 429


def test_a_trusted_device_that_guesses_is_slowed_down(client) -> None:
    citizen()
    remembered(client)
    assert [sign_in(client, password=WRONG).status_code for _ in range(5)] == [200] * 4 + [429]
    assert sign_in(Client()).status_code == 302


def test_the_cookie_opens_nothing_and_serves_its_own_accounts_only(client) -> None:
    citizen()
    citizen(national_id=UNKNOWN)
    remembered(client)
    thief = Client()
    thief.cookies["trusted"] = client.cookies["trusted"].value
    assert not signed_in(thief)
    assert [sign_in(thief, UNKNOWN, WRONG).status_code for _ in range(5)][-1] == 429
    assert sign_in(Client(), UNKNOWN).status_code == 429  # counted as from any unknown device


def test_a_household_computer_is_known_to_all_who_ticked_there(client) -> None:
    citizen()
    citizen(national_id=UNKNOWN)
    remembered(client)
    remembered(client, UNKNOWN)
    for national_id in (REZA, UNKNOWN):
        pause_everybody(national_id)
        assert sign_in(client, national_id).status_code == 302
        client.post(OUT)
    TrustedDevice.objects.filter(account__national_id=REZA).delete()
    assert sign_in(client, REZA).status_code == 429  # whose trust has ended
    pause_everybody(UNKNOWN)
    assert sign_in(client, UNKNOWN).status_code == 302  # the other one's has not


def test_the_cookie_keeps_the_latest_of_many_and_none_that_nobody_needs(client) -> None:
    people = [citizen(national_id=f"00{number:08}") for number in range(10)]
    for user in people:
        held = devices.secrets_of(client.post(OUT).wsgi_request)
        response = HttpResponse()
        devices.set_trusted_cookie(
            response, record_success(account=user, browser="", remember=True, device_secrets=held)
        )
        client.cookies["trusted"] = response.cookies["trusted"].value
    held = devices.secrets_of(client.post(OUT).wsgi_request)
    assert len(held) == limits.DEVICE_ACCOUNTS
    assert len(client.cookies["trusted"].value) < 400
    TrustedDevice.objects.filter(account=people[-1]).delete()
    kept = record_success(account=people[0], browser="", remember=True, device_secrets=held)
    assert kept[1:] == held[1:]  # the newest first, without the one that was forgotten


def test_a_trust_ends_with_its_row_whatever_the_cookie_says(client) -> None:
    citizen()
    remembered(client)
    TrustedDevice.objects.get().delete()
    pause_everybody()
    assert sign_in(client).status_code == 429


def test_a_trust_ends_a_year_after_the_last_sign_in(client, settings) -> None:
    settings.SIGN_IN_CODE = "choice"  # a stranger's failures ask for no code here
    citizen()
    remembered(client)
    TrustedDevice.objects.update(used_at=timezone.now() - limits.TRUSTED_FOR)
    pause_everybody()
    assert sign_in(client).status_code == 429
    SignInFailures.objects.all().delete()
    sign_in(client, remember="on")
    assert TrustedDevice.objects.count() == 2  # trusted anew; the old row is purged


def test_a_secret_that_somebody_planted_in_the_browser_becomes_no_trust(client) -> None:
    citizen()
    citizen(national_id=UNKNOWN)
    remembered(client, UNKNOWN)  # the attacker's own, whose secret the attacker keeps
    planted = client.cookies["trusted"].value
    remembered(client)  # the victim, in the browser the attacker has prepared
    attacker = Client()
    attacker.cookies["trusted"] = planted
    pause_everybody()
    assert sign_in(attacker).status_code == 429


def test_devices_are_known_while_the_key_of_the_hashes_is_replaced(client, settings) -> None:
    citizen()
    remembered(client)
    before = TrustedDevice.objects.get().secret_hash
    settings.CODE_HASH_KEY_FALLBACKS = [settings.CODE_HASH_KEY]
    settings.CODE_HASH_KEY = "another key" * 5
    pause_everybody()
    assert sign_in(client).status_code == 302
    assert TrustedDevice.objects.get().secret_hash != before  # renewed, so that the old key may go
    settings.CODE_HASH_KEY_FALLBACKS = []
    client.post(OUT)
    pause_everybody()
    assert sign_in(client).status_code == 302


@pytest.mark.parametrize("value", ["", "nonsense", "a:b:c", "\x00", "x" * 5000, "W10:1:x", "\xff\xfe"])
def test_a_forged_cookie_is_no_device_and_no_error(client, value) -> None:
    citizen()
    client.cookies["trusted"] = value
    for _ in range(4):
        sign_in(client, password=WRONG)
    assert sign_in(Client()).status_code == 429
    SignInFailures.objects.all().delete()
    assert sign_in(client, remember="on").status_code == 302
    assert client.get(HOME).status_code == 200


@pytest.mark.parametrize("content", [{}, "text", [1, 2], [["a"]], 7, None])
def test_a_cookie_of_ours_with_something_else_in_it_is_no_device(client, content) -> None:
    citizen()
    client.cookies["trusted"] = signing.dumps(content, salt="accounts.devices.trusted")
    assert sign_in(client, remember="on").status_code == 302
    assert TrustedDevice.objects.count() == 1


def test_a_cookie_of_staff_is_no_trusted_device_of_a_citizen(client) -> None:
    citizen()
    remembered(client)
    secrets = devices.secrets_of(client.post(OUT).wsgi_request)
    other = Client()
    other.cookies["trusted"] = signing.dumps(secrets, salt="accounts.devices")
    pause_everybody()
    assert sign_in(other).status_code == 429
