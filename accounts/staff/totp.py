"""One-time codes of staff (TOTP): an app on the phone shows six digits, which change every half minute.

django-otp keeps the device, compares the code, takes no code twice (`last_t`), and makes whoever types wrong ones wait
1, 2, 4, … seconds. This module adds the portal's own rules: one device for each person, a secret that counts only after
a right code came from it, who may enter without a code, and that the halves of a code may be typed in either order.
"""

from __future__ import annotations

import logging
import math
import time
from base64 import b32encode
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.sessions.ending import end_sessions
from accounts.sessions.listeners import Reason
from common import limits
from common.errors import PortalError

logger = logging.getLogger(__name__)
_NAME = "app"


def required() -> bool:
    """Whether nobody may enter without a code. Only the setting's value "optional" allows it."""
    return settings.STAFF_TOTP != "optional"


def may_enter(user: Any) -> bool:
    """Whether the `user` of a request has typed a code in this session, or needs none (a demo, and no device is set
    up)."""
    if getattr(user, "otp_device", None) is not None:
        return True
    return user is not None and not required() and device_of(user) is None


def device_of(user: Any) -> TOTPDevice | None:
    """The device whose codes are required of `user`; None when none is set up."""
    return TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).first()


def device_being_set_up(*, user: User, device_id: object) -> TOTPDevice | None:
    """The device with this primary key that is being set up; None when another one took its place."""
    return TOTPDevice.objects.filter(user=user, pk=device_id, confirmed=False).first()


@transaction.atomic
def begin(*, user: User) -> TOTPDevice:
    """Begin a device with a new secret; returns it. A device that was begun before, in this session or another, is
    deleted: only who sees this secret can confirm it. Raises PortalError("totp_taken") when one is set up."""
    _lock(user)
    if device_of(user):
        raise PortalError("totp_taken")
    TOTPDevice.objects.filter(user=user).delete()
    return TOTPDevice.objects.create(user=user, name=_NAME, confirmed=False, digits=limits.STAFF_TOTP_DIGITS)


def secret(device: TOTPDevice) -> str:
    """The secret as it is typed into an app that cannot read the picture: letters and digits in groups of four."""
    text = b32encode(device.bin_key).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def confirm(*, user: User, device_id: object, code: str) -> TOTPDevice:
    """Put the device that was begun into use, by a right code from it; returns it.

    Raises PortalError: totp_replaced (another one was begun or set up meanwhile), totp_wrong, totp_pause (`seconds`).
    """
    with transaction.atomic(durable=True):
        _lock(user)
        device = None if device_of(user) else device_being_set_up(user=user, device_id=device_id)
        refusal = _try(device, code) if device else PortalError("totp_replaced")
        if device and not refusal:
            device.confirmed = True
            device.save(update_fields=["confirmed"])
    if refusal:
        raise refusal
    return device


def check(*, user: User, code: str) -> TOTPDevice:
    """Check a code of `user`'s device, and use it up; returns the device.

    Raises PortalError: totp_gone (no device is set up), totp_wrong (also for a used code), totp_pause (`seconds`; then
    nothing was compared).
    """
    with transaction.atomic(durable=True):  # a wrong try stays counted
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
        refusal = _try(device, code) if device else PortalError("totp_gone")
    if refusal:
        raise refusal
    return device


@transaction.atomic
def reset(*, user: User, by: str, reason: str) -> bool:
    """Delete the person's device after a lost phone, and end the sessions. Returns whether one was set up."""
    _lock(user)
    was_set_up = device_of(user) is not None
    TOTPDevice.objects.filter(user=user).delete()
    ended = end_sessions(account=user, reason=Reason.SESSIONS_ENDED)
    facts = user.username, " ".join(by.split()), ended, " ".join(reason.split())
    logger.info("one-time codes of %s were reset by %s; sessions ended: %s; reason: %s", *facts)
    return was_set_up


def _lock(user: User) -> None:
    """Lock the user's row, so that two sessions never set up two devices."""
    User.objects.select_for_update().filter(pk=user.pk).first()


def _try(device: TOTPDevice, code: str) -> PortalError | None:
    """Compare the code; None: it was right. Returns the refusal and does not raise it: what was counted has to be
    committed."""
    allowed, why = device.verify_is_allowed()
    if not allowed:
        left = (why["locked_until"] - timezone.now()).total_seconds()
        return PortalError("totp_pause", seconds=max(1, math.ceil(left)))
    return None if device.verify_token(as_shown(device, code)) else PortalError("totp_wrong")


def as_shown(device: TOTPDevice, code: str) -> str:
    """`code`, or its halves in the other order if only that is right now. Counts nothing.

    Apps show `123 456`, and a phone that writes from right to left may show it as `456 123`. So one try is compared
    with two values (`accounts.staff.odds`).
    """
    half = device.digits // 2
    turned = code[half:] + code[:half]
    return turned if not _is_right(device, code) and _is_right(device, turned) else code


def _is_right(device: TOTPDevice, code: str) -> bool:
    shown = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    shown.time = time.time()
    return bool(shown.verify(int(code), device.tolerance, device.last_t + 1))
