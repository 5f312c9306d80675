"""The steps of a citizen's sign-in: the throttle, the password, a second step where one is required, the session.

A wrong password and an account that is unknown, never activated, frozen or deactivated are refused alike: with the same
statements and the same hashing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import backends
from accounts.models import TrustedDevice, User
from accounts.sessions import browsers, devices, sign_in_facts
from accounts.sign_in import pressure, refusals, risk, sql, throttle
from accounts.sign_in import service as sign_in_service
from accounts.sign_in import session as sign_in_session
from common.abuse import hashing_places
from common.abuse.origins import origin_of
from common.errors import PortalError

_BACKEND = "accounts.backends.CitizenBackend"


@dataclass(frozen=True)
class Passed:
    """The password was right: whose it is, and whether a code is required before the sign-in is complete.

    `this_try` and `tries`: what counted it.
    """

    user: User
    needs_code: bool
    this_try: refusals.Try
    tries: tuple[str, list[str]]


def try_password(request: HttpRequest, *, national_id: str, password: str, solution: str = "") -> Passed | None:
    """Compare a typed password; nobody is signed in yet. Returns None when the sign-in is refused, for whatever reason.
    `solution`: the solution of a proof of work.

    Raises PortalError when nothing was compared and nothing was counted: sign_in_pause (`seconds`) during a pause,
    pressure (`seconds`) where a proof of work is required, hashing_busy (`seconds`) where no hash can be computed now.
    """
    proof, device = sign_in_session.proof_token(request, national_id), devices.trusted(request, national_id)
    where = _buckets(request, proof, device)
    account = _account_key(national_id)
    paid = not (proof or device) and pressure.charge(request, account=account, solution=solution)
    try:
        with hashing_places.place(hashing_places.Whose.TRUSTED if proof or device else hashing_places.Whose.STRANGER):
            counted = sql.Counted(national_id, risk.browser_of(_csrf_secret(request)), pressure.origin(request))
            row = throttle.count_try(account=account, where=where, write=partial(sql.count_try, this=counted))
            with refusals.counted_try(row) as this:
                user, right = backends.password_of_citizen(national_id=national_id, password=password)
                if user and right and user.is_active:
                    is_known = bool(proof) or device is not None
                    needs_code = not is_known and _requires_code(request, user, this)
                    if not needs_code:
                        this.passes()
                    return Passed(user, needs_code, this, (account, throttle.devices_of(where)))
                this.refused(right_password=right)
    except PortalError:
        if paid:  # nothing was compared: the payment counts for the next try
            pressure.refund(request, account=account)
        raise
    return None


def admit(
    request: HttpRequest,
    user: User,
    response: HttpResponse,
    *,
    remember: bool,
    password_at: datetime | None = None,
    code_at: datetime | None = None,
    passed: Passed | None = None,
) -> HttpResponse:
    """Sign `user` in: the session belongs to `user` under a new key. Writes the device's cookie into `response`.

    `password_at`: when the password was right, if not now; `code_at`: when the code of the second step was; `passed`:
    the password that was right in this request, if it was in this one.
    Raises PortalError when the account was changed at this moment: account_closed, changed_meanwhile (another password
    is in force).
    """
    held = devices.secrets_of(request)
    words, keys = browsers.in_words(request), risk.keys_of(_csrf_secret(request))
    kept = sign_in_service.record_success(
        account=user,
        browser=words,
        remember=remember,
        device_secrets=held,
        browser_keys=keys,
        this_try=passed.this_try.row if passed else sql.NO_ROW,
        tries=passed.tries if passed else _tries(request, user.national_id),
    )
    pressure.credit(request, account=str(user.pk), known=passed.this_try.known if passed else None)
    proof = sign_in_session.proven_challenge(request)
    if proof and proof.national_id == user.national_id:  # its code was right before the password
        code_at = code_at or proof.proven_at
    sign_in_session.clear(request)
    before = request.session.session_key
    login(request, user, backend=_BACKEND)
    if request.session.session_key == before:  # the same person was signed in already: Django keeps the key
        request.session.cycle_key()
    sign_in_facts.begin(request, password_at=password_at or timezone.now(), code_at=code_at)
    request.session.set_expiry(None if remember else 0)
    if kept:
        devices.set_trusted_cookie(response, kept)
    return response


def _requires_code(request: HttpRequest, user: User, this: refusals.Try) -> bool:
    origin = origin_of(request.client_address)  # type: ignore[attr-defined]
    return risk.requires_code(account=user, origin=origin, this_try=this, csrf_secret=_csrf_secret(request))


def _tries(request: HttpRequest, national_id: str) -> tuple[str, list[str]]:
    """Where the throttle counts the tries of this browser, which are forgotten once the sign-in is complete: a right
    password alone is not enough."""
    proof, device = sign_in_session.proof_token(request, national_id), devices.trusted(request, national_id)
    return _account_key(national_id), throttle.devices_of(_buckets(request, proof, device))


def _buckets(request: HttpRequest, proof: str, device: TrustedDevice | None) -> list[throttle.Bucket]:
    address: str = request.client_address  # type: ignore[attr-defined]
    known = f"trusted:{device.pk}" if device else ""
    return throttle.buckets(device=known, address=address, network=origin_of(address).network, proof=proof)


def _account_key(national_id: str) -> str:
    return throttle.account_key(kind="citizen", name=national_id)


def _csrf_secret(request: HttpRequest) -> str:
    """The secret that identifies this browser before anybody is signed in."""
    return str(request.META.get("CSRF_COOKIE") or "")
