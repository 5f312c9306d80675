"""What belongs to an account and is known by a keyed hash outlives a change of the key."""

from __future__ import annotations

import pytest
from django.http import HttpResponse

from accounts.models import EmailChange, TrustedDevice, User
from accounts.profile import email_change
from accounts.sessions import devices
from common.secrets import keyed_hash
from tests.support.accounts import REZA, citizen

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["CODE_HASH_KEY", "SECRET_KEY"])
def test_a_device_its_owner_trusts_is_known_after_the_change(rotate, rf, name) -> None:
    person = citizen()
    TrustedDevice.objects.create(account=person, secret_hash=keyed_hash(TrustedDevice.PURPOSE, "s3cr3t"))
    response, request = HttpResponse(), rf.get("/")
    devices.set_trusted_cookie(response, ["s3cr3t"])
    request.COOKIES = {key: morsel.value for key, morsel in response.cookies.items()}
    rotate(name)
    assert devices.trusted(request, REZA) is not None
    rotate(name, keep=False)
    assert devices.trusted(request, REZA) is None


def test_an_email_link_works_after_the_change(rotate) -> None:
    person = citizen()
    hashed = keyed_hash(email_change._PURPOSE, "s3cr3t")
    EmailChange.objects.create(account=person, email="new@example.org", token_hash=hashed)
    rotate()
    email_change.confirm(token="s3cr3t")
    assert User.objects.get().email == "new@example.org"
