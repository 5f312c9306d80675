"""The first step of a staff member's sign-in: the throttle, then the password. The second step is in
`accounts.staff.session`; citizens sign in by `accounts.sign_in.flow`."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.http import HttpRequest

from accounts.models import User
from accounts.sessions import devices
from accounts.sign_in import pressure, throttle
from common.abuse import hashing_places
from common.abuse.origins import origin_of
from common.errors import PortalError

_KIND = "staff"


def account_key(name: str) -> str:
    """The keyed hash of a user name, by which tries are counted and known devices name the account."""
    return throttle.account_key(kind=_KIND, name=name)


def check_password(request: HttpRequest, *, name: str, password: str, solution: str = "") -> tuple[User, str] | None:
    """Compare a typed password; nobody is signed in yet. Returns the user and the account's key (`account_key`); None
    when the password was not right. `solution`: the solution of a proof of work.

    Raises PortalError when nothing was compared and nothing was counted: sign_in_pause (`seconds`) during a pause,
    pressure (`seconds`) where a proof of work is required, hashing_busy (`seconds`) where no hash can be computed now.
    """
    account = account_key(name)
    device = devices.known_device(request, *throttle.account_keys(kind=_KIND, name=name))
    address: str = request.client_address  # type: ignore[attr-defined]
    where = throttle.buckets(device=device, address=address, network=origin_of(address).network)
    paid = not device and pressure.charge(request, account=account, solution=solution)
    try:
        with hashing_places.place(hashing_places.Whose.TRUSTED if device else hashing_places.Whose.STRANGER):
            throttle.count_try(account=account, where=where)
            pressure.count(request)
            user = authenticate(request, username=name, password=password)
    except PortalError:
        if paid:  # nothing was compared: the payment counts for the next try
            pressure.refund(request, account=account)
        raise
    if user is None:
        return None
    throttle.forget(account=account, where=where)
    return user, account
