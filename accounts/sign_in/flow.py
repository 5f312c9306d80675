"""The way in of citizens: throttle, password, a second step where one is due, session.

Wrong, unknown, never activated, frozen and deactivated are refused alike: the same statements and the same hashing.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse

from accounts import backends
from accounts.models import TrustedDevice, User
from accounts.sessions import browsers, devices
from accounts.sign_in import pressure, refusals, risk, throttle
from accounts.sign_in import service as sign_in_service
from accounts.sign_in import session as sign_in_session
from common.abuse import lane
from common.abuse.origins import origin_of
from common.errors import PortalError

_BACKEND = "accounts.backends.CitizenBackend"


@dataclass(frozen=True)
class Passed:
    """Whose password it was, and whether a code is asked for before they are in."""

    user: User
    needs_code: bool


def try_password(request: HttpRequest, *, national_id: str, password: str, solution: str = "") -> Passed | None:
    """Whose password it is; nobody is signed in yet. None: refused, whatever was wrong. `solution`: of a proof of work.

    Raises PortalError, and then nothing was compared, and nothing was counted: sign_in_pause (`seconds`) while a pause
    lasts, pressure (`seconds`) where a proof of work is asked for, hashing_busy (`seconds`) where no hash can be
    computed now.
    """
    proof, device = sign_in_session.proof_token(request, national_id), devices.trusted(request, national_id)
    where = _buckets(request, proof, device)
    account = _account_key(national_id)
    paid = not (proof or device) and pressure.charge(request, account=account, solution=solution)
    try:
        with lane.place(lane.Whose.TRUSTED if proof or device else lane.Whose.STRANGER):
            throttle.count_try(account=account, where=where)
            pressure.count(request)
            with refusals.counted_try(national_id=national_id, browser=risk.browser_of(_csrf_secret(request))) as this:
                user, right = backends.password_of_citizen(national_id=national_id, password=password)
                if user and right and user.is_active:
                    is_known = bool(proof) or device is not None
                    return Passed(user, needs_code=not is_known and _requires_code(request, user, this))
                this.refused(right_password=right)
    except PortalError:
        if paid:  # nothing was compared: what was paid serves for the next try
            pressure.refund(request, account=account)
        raise
    return None


def admit(request: HttpRequest, user: User, response: HttpResponse, *, remember: bool) -> HttpResponse:
    """Sign `user` in: the session is theirs now, under a fresh key. `response` takes the device's cookie along.

    Raises PortalError: account_closed, changed_meanwhile (another password is in force): in this very moment.
    """
    held = devices.secrets_of(request)
    words, keys = browsers.in_words(request), risk.keys_of(_csrf_secret(request))
    kept = sign_in_service.record_success(
        account=user, browser=words, remember=remember, device_secrets=held, browser_keys=keys
    )
    _forget_failures(request, user.national_id)
    pressure.credit(request, account=str(user.pk))
    sign_in_session.clear(request)
    before = request.session.session_key
    login(request, user, backend=_BACKEND)
    if request.session.session_key == before:  # who was signed in already: Django keeps their key
        request.session.cycle_key()
    request.session.set_expiry(None if remember else 0)
    if kept:
        devices.set_trusted_cookie(response, kept)
    return response


def _requires_code(request: HttpRequest, user: User, this: refusals.Try) -> bool:
    origin = origin_of(request.client_address)  # type: ignore[attr-defined]
    return risk.requires_code(account=user, origin=origin, this_try=this, csrf_secret=_csrf_secret(request))


def _forget_failures(request: HttpRequest, national_id: str) -> None:
    """Where they were counted; and not before, for a right password alone is not the whole sign-in."""
    proof, device = sign_in_session.proof_token(request, national_id), devices.trusted(request, national_id)
    throttle.forget(account=_account_key(national_id), where=_buckets(request, proof, device))


def _buckets(request: HttpRequest, proof: str, device: TrustedDevice | None) -> list[throttle.Bucket]:
    address: str = request.client_address  # type: ignore[attr-defined]
    known = f"trusted:{device.pk}" if device else ""
    return throttle.buckets(device=known, address=address, network=origin_of(address).network, proof=proof)


def _account_key(national_id: str) -> str:
    return throttle.account_key(kind="citizen", name=national_id)


def _csrf_secret(request: HttpRequest) -> str:
    """What tells this browser from others before anybody is signed in."""
    return str(request.META.get("CSRF_COOKIE") or "")
