"""Known devices: signed cookies that name the accounts that have signed in on this browser. They give no access.

- A citizen's device is *trusted* when its owner ticked "remember me" there. The cookie `trusted` holds a secret for
  each account of a household, and a row (`TrustedDevice`) the secret's keyed hash. The trust ends with the row. A
  trusted device has a bucket of its own in `accounts.sign_in.throttle`, so that failures of strangers do not slow its
  owner down (OWASP: "device cookies"), and is asked for no code. The secret and the row are made by
  `accounts.sign_in.service`; the row is deleted by its owner (`accounts.profile.device_list`), with a new password
  (`accounts.profile.changes`, `accounts.recovery.service`), when the account is closed (`accounts.closing.service`),
  and after `limits.TRUSTED_FOR` without use.
- Staff do not choose: the cookie `device` names their accounts by keyed hash, and only gives a bucket.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.http.cookie import parse_cookie
from django.utils import timezone

from accounts.models import TrustedDevice
from common import limits
from common.secrets import keyed_hashes

COOKIE = "device"  # behind `settings.COOKIE_PREFIX`, like every cookie
TRUSTED_COOKIE = "trusted"
LIFE = int(limits.TRUSTED_FOR.total_seconds())
_SALT = "accounts.devices"
_TRUSTED_SALT = "accounts.devices.trusted"
_SALTS = {COOKIE: _SALT, TRUSTED_COOKIE: _TRUSTED_SALT}


def holds_device_cookie(header: str) -> bool:
    """Whether a Cookie header holds a device's cookie that we signed and that is not too old. Its row may have been
    deleted: `trusted` and `known_device` check that. Asks no database."""
    request = HttpRequest()
    request.COOKIES = parse_cookie(header)
    return bool(secrets_of(request) or _read(request)[0])


# Citizens.


def secrets_of(request: HttpRequest) -> list[str]:
    """The secrets in this browser's cookie, the latest first. Rows tell to which accounts they belong, and whether they
    are still valid."""
    kept = _signed(request, TRUSTED_COOKIE, _TRUSTED_SALT)
    if not isinstance(kept, list) or not all(isinstance(secret, str) for secret in kept):
        return []
    return kept[: limits.DEVICE_ACCOUNTS]


def trusted(request: HttpRequest, national_id: str) -> TrustedDevice | None:
    """The trusted device, if the owner of the account with this ID trusts this browser.

    One query for whichever ID; none for a browser without the cookie.
    """
    held = secrets_of(request)
    if not held:
        return None
    return TrustedDevice.objects.filter(
        account__national_id=national_id,
        secret_hash__in=[hash_ for secret in held for hash_ in keyed_hashes(TrustedDevice.PURPOSE, secret)],
        used_at__gt=timezone.now() - limits.TRUSTED_FOR,
    ).first()


def set_trusted_cookie(response: HttpResponse, held: list[str]) -> None:
    """Write these secrets into the browser's cookie."""
    _set(response, TRUSTED_COOKIE, signing.dumps(held[: limits.DEVICE_ACCOUNTS], salt=_TRUSTED_SALT))


# Staff.


def known_device(request: HttpRequest, *hashes: str) -> str:
    """The device's secret if the account with these keyed hashes (one for each hash key) has signed in on it; else
    ""."""
    device, accounts = _read(request)
    return device if any(_short(account) in accounts for account in hashes) else ""


def remember_account(request: HttpRequest, response: HttpResponse, account: str) -> None:
    """Make this browser a known device of `account`. Call it after a right password."""
    device, accounts = _read(request)
    latest = [_short(account), *(other for other in accounts if other != _short(account))][: limits.DEVICE_ACCOUNTS]
    _set(response, COOKIE, signing.dumps([device or secrets.token_hex(16), latest], salt=_SALT))


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    kept = _signed(request, COOKIE, _SALT)
    try:
        device, accounts = kept
    except (TypeError, ValueError):  # none, or from an earlier version
        return "", []
    return device, accounts


def _short(account: str) -> str:
    return account[:16]


# Both kinds: cookies from before their names had the prefix.


def read_old_cookie_names(request: HttpRequest) -> None:
    """Read a device cookie under its old name as if it had the new one, unless the browser holds the new one too:
    another host of the domain can plant the old name, never the new one."""
    if not settings.COOKIE_PREFIX:
        return
    for cookie in _SALTS:
        old = request.COOKIES.get(cookie)
        if old is not None:
            request.COOKIES.setdefault(settings.COOKIE_PREFIX + cookie, old)


def rename_old_cookies(request: HttpRequest, response: HttpResponse) -> None:
    """Write what `read_old_cookie_names` read under its new name, if it is ours and not too old; delete the old
    name."""
    if not settings.COOKIE_PREFIX:
        return
    for cookie, salt in _SALTS.items():
        old, name = request.COOKIES.get(cookie), settings.COOKIE_PREFIX + cookie
        if old is None:
            continue
        taken = request.COOKIES[name] == old and _signed(request, cookie, salt) is not None
        if taken and name not in response.cookies:
            _set(response, cookie, old)
        response.delete_cookie(cookie, samesite="Lax")


def _signed(request: HttpRequest, cookie: str, salt: str) -> Any:
    """The content of our cookie; None when there is none, it is too old, or the signature is not ours."""
    try:
        return signing.loads(request.COOKIES.get(settings.COOKIE_PREFIX + cookie, ""), salt=salt, max_age=LIFE)
    except (signing.BadSignature, ValueError):
        return None


def _set(response: HttpResponse, cookie: str, value: str) -> None:
    response.set_cookie(
        settings.COOKIE_PREFIX + cookie,
        value,
        max_age=LIFE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
