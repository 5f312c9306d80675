"""The way in of staff: throttle, password, session. Citizens come in by `accounts.citizen_entrance`."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.http import HttpRequest

from accounts import devices, throttle
from accounts.models import User
from tamin_portal.abuse import lane
from tamin_portal.abuse.origins import origin_of

_KIND = "staff"


def account_key(name: str) -> str:
    """What a member of staff's tries are counted by, and their devices know them by."""
    return throttle.account_key(kind=_KIND, name=name)


def check_password(request: HttpRequest, *, name: str, password: str) -> tuple[User, str] | None:
    """Who it is, and the account's keyed hash; nobody is signed in yet. None: it was not right.

    Raises PortalError: sign_in_pause (`seconds`) while a pause lasts, hashing_busy (`seconds`) where no hash can be
    computed now; then nothing was compared, and nothing was counted.
    """
    account = account_key(name)
    device = devices.known_device(request, *throttle.account_keys(kind=_KIND, name=name))
    address: str = request.client_address  # type: ignore[attr-defined]
    where = throttle.buckets(device=device, address=address, network=origin_of(address).network)
    with lane.place(lane.Whose.TRUSTED if device else lane.Whose.STRANGER):
        throttle.count_try(account=account, where=where)
        user = authenticate(request, username=name, password=password)
    if user is None:
        return None
    throttle.forget(account=account, where=where)
    return user, account
