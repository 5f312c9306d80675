"""Completes a citizen's sign-in: sends and checks the code of the second step, records the success in the history, and
trusts the device if its owner asks for it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.codes import issuing, trying, validity
from accounts.life import notices
from accounts.life.locking import open_account, open_with_password
from accounts.models import Allowance, CodePurpose, EventKind, FailedSignIn, TrustedDevice, User
from accounts.sign_in import sql
from common import limits
from common.errors import PortalError
from common.secrets import keyed_hash, keyed_hashes


def send_code(*, account: User, asker: str) -> issuing.Issued:
    """Send a code to the mobile on record, for the session that holds the secret `asker`. Raises as `issuing.issue`."""
    purpose, allowance = CodePurpose.SECOND_STEP, Allowance.PASSWORD
    return issuing.issue(purpose=purpose, mobile=account.mobile, asker=asker, allowance=allowance)


def confirm_code(*, account: User, asker: str, typed_code: str) -> User:
    """Check the typed code of the second step; returns the account. Call it outside any transaction.

    Raises PortalError: as `trying.try_code`; account_closed; sign_in_over (the number or the password was changed since
    this sign-in began).
    """
    code = trying.try_code(purpose=CodePurpose.SECOND_STEP, mobile=account.mobile, asker=asker, typed=typed_code)
    with transaction.atomic():
        row = open_account(account=account)
        same_password = constant_time_compare(row.password, account.password)
        if row.mobile != account.mobile or not same_password:
            raise PortalError("sign_in_over")
        trying.consume(code, used_for=asker)
    return row


def waits_for_code(*, account: User, asker: str) -> bool:
    """Whether this session has asked for a code that can still be typed, or comes."""
    purpose, now = CodePurpose.SECOND_STEP, timezone.now()
    live = validity.live_codes(purpose=purpose, mobile=account.mobile, asker=asker, now=now)
    return any(code.used_at is None for code in live)


@transaction.atomic
def confirm_password(*, account: User, checked: str) -> None:
    """A signed-in citizen has typed the password again; `checked` is the stored hash that it matched.

    Raises PortalError: account_closed, changed_meanwhile (another password is in force by now).
    """
    open_with_password(account=account, checked=checked)


def record_success(
    *,
    account: User,
    browser: str,
    remember: bool,
    device_secrets: Sequence[str] = (),
    browser_keys: Sequence[str] = (),
    this_try: int = sql.NO_ROW,
    tries: tuple[str, Sequence[str]] = ("", ()),
) -> list[str]:
    """Record in the history that `account` signed in, clear the failures before it, forget what the throttle counted,
    and trust the device if its owner asks for it.

    `device_secrets`: the secrets in the browser's cookie; `browser_keys`: its `risk.keys_of`; `this_try` and `tries`:
    as in `sql.Admission`. Returns the secrets that the cookie holds from now on; empty: the cookie stays as it is.

    Raises PortalError when the account was changed at this moment: account_closed, changed_meanwhile (the password was
    replaced).
    """
    has_device = remember or bool(device_secrets)
    admission = sql.Admission(
        account=account,
        this_try=this_try,
        browser_keys=browser_keys,
        tries=tries,
        browser=browser,
        actor=notices.CITIZEN,
        is_recorded=not has_device,
    )
    if not has_device:
        admitted, kept = sql.admit(admission), []
    else:
        with transaction.atomic():
            admitted = sql.admit(admission)
            kept = _with_device(account, browser, remember, device_secrets) if admitted else []
    if not admitted:
        FailedSignIn.objects.filter(pk=this_try).delete()  # it was right
        with transaction.atomic():
            open_with_password(account=account, checked=account.password)
        raise PortalError("changed_meanwhile")  # and was opened again in between
    return kept


def _with_device(account: User, browser: str, remember: bool, device_secrets: Sequence[str]) -> list[str]:
    """Record the sign-in on a device that is trusted, or is to be from now on; as `record_success`. The account is
    locked."""
    row = open_account(account=account)  # the number as it is now: it may be told
    known = _known_device(row, device_secrets)
    if known:
        secret, device = known
        device.used_at, device.browser = timezone.now(), browser
        device.secret_hash = keyed_hash(TrustedDevice.PURPOSE, secret)
        device.save(update_fields=["used_at", "browser", "secret_hash"])
        notices.record(account=row, kind=EventKind.SIGNED_IN, browser=browser)
        return [secret, *(other for other in device_secrets if other != secret)] if remember else []
    if not remember:
        notices.record(account=row, kind=EventKind.SIGNED_IN, browser=browser)
        return []
    secret = secrets.token_urlsafe(16)  # never a secret that the browser sent: somebody else may know it
    TrustedDevice.objects.create(account=row, secret_hash=keyed_hash(TrustedDevice.PURPOSE, secret), browser=browser)
    notices.record(account=row, kind=EventKind.DEVICE_TRUSTED, browser=browser)
    return [secret, *_still_valid(device_secrets)]


def _known_device(account: User, device_secrets: Sequence[str]) -> tuple[str, TrustedDevice] | None:
    """The secret of the browser that belongs to this account, and its device; None when there is none."""
    by_hash = {hash_: secret for secret in device_secrets for hash_ in keyed_hashes(TrustedDevice.PURPOSE, secret)}
    alive = TrustedDevice.objects.filter(account=account, used_at__gt=timezone.now() - limits.TRUSTED_FOR)
    device = alive.filter(secret_hash__in=by_hash).first() if by_hash else None
    return (by_hash[device.secret_hash], device) if device else None


def _still_valid(device_secrets: Sequence[str]) -> list[str]:
    """The secrets that still belong to a trusted device of some account."""
    by_hash = {hash_: secret for secret in device_secrets for hash_ in keyed_hashes(TrustedDevice.PURPOSE, secret)}
    found = TrustedDevice.objects.filter(secret_hash__in=by_hash).values_list("secret_hash", flat=True)
    counts = {by_hash[hash_] for hash_ in found}
    return [secret for secret in device_secrets if secret in counts]
