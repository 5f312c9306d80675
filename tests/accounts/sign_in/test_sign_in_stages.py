"""Who is half-way in keeps going when another version of the portal starts, and is half-way in at one stage only."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.sign_in import service as sign_in_service
from accounts.sign_in import texts as sign_in_texts
from tests.support.accounts import citizen, clerk
from tests.support.entrances import CODE, MOBILE, PAGE, first_step, signed_in, told, type_code
from tests.support.journeys import code_on

pytestmark = pytest.mark.django_db(transaction=True)
# The value of a session's "sign_in_second", as the first version with a second step writes and reads it.
OF_A_CITIZEN = {"user", "password", "asker", "at", "remember", "next"}
ADMIN_LOGIN, ADMIN_CODE = "/admin/login/", "/admin/login/code/"


def put(client: Client, key: str, value: dict[str, Any]) -> None:
    session = client.session
    session[key] = value
    session.save()


def second_of(user: User, asker: str) -> dict[str, Any]:
    """Written out, not made by the code under test: it stands in sessions that are alive."""
    return {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "asker": asker,
        "at": timezone.now().timestamp(),
        "remember": True,
        "next": "/portal/profile",
    }


def test_a_citizen_who_was_half_way_in_before_this_version_started_comes_in(client) -> None:
    user = citizen()
    put(client, "sign_in_second", second_of(user, "the asker of then"))
    sign_in_service.send_code(account=user, asker="the asker of then")
    assert client.get(CODE).status_code == 200
    response = type_code(client, code_on(MOBILE))
    assert (response.status_code, response["Location"]) == (302, "/portal/profile")
    assert signed_in(client)
    assert user.trusted_devices.count() == 1  # they had asked to be remembered


def test_the_version_before_can_read_what_this_one_writes(client) -> None:
    User.objects.filter(pk=citizen().pk).update(code_at_sign_in=True)
    first_step(client, remember="on", next="/portal/profile")
    held = client.session["sign_in_second"]
    assert held.keys() == OF_A_CITIZEN
    assert (held["remember"], held["next"]) == (True, "/portal/profile")


def test_who_waits_at_the_stage_of_citizens_does_not_wait_at_that_of_staff(client) -> None:
    user = citizen()
    TOTPDevice.objects.create(user=user, name="app", confirmed=True)
    now = int(timezone.now().timestamp())
    put(client, "staff_pending", {"user": user.pk, "at": now, "auth": user.get_session_auth_hash()})
    assert client.get(ADMIN_CODE)["Location"] == ADMIN_LOGIN


def test_who_waits_at_the_stage_of_staff_does_not_wait_at_that_of_citizens(client) -> None:
    put(client, "sign_in_second", second_of(clerk(), "of a clerk"))
    response = client.get(CODE)
    assert response["Location"] == PAGE
    assert told(response) == [sign_in_texts.sentence("begin_again")]
