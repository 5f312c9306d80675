"""One-time codes of staff (TOTP): an app on the phone shows six digits, other ones every half minute.

django-otp keeps the device, compares the code, never takes one twice (`last_t`), and makes whoever types wrong
ones wait for 1, 2, 4, … seconds. Here stand the portal's own rules: one device a person, a secret that counts
for nothing until a right code came from it, and who may enter without.
"""

from __future__ import annotations

import logging
import math
from base64 import b32encode
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.sessions.ending import end_sessions
from common import limits
from common.errors import PortalError

logger = logging.getLogger(__name__)
_NAME = "app"


def required() -> bool:
    """Whether nobody enters without a code. Only the one word that says otherwise says so."""
    return settings.STAFF_TOTP != "optional"


def may_enter(user: Any) -> bool:
    """Whether `user`, of a request, has typed a code in this session, or needs none (a demo, no device)."""
    if getattr(user, "otp_device", None) is not None:
        return True
    return user is not None and not required() and device_of(user) is None


def device_of(user: Any) -> TOTPDevice | None:
    """The device whose codes `user` is asked for; None: none is set up."""
    return TOTPDevice.objects.filter(user_id=user.pk, confirmed=True).first()


def device_being_set_up(*, user: User, device_id: object) -> TOTPDevice | None:
    """The device that is being set up under this number; None once another one took its place."""
    return TOTPDevice.objects.filter(user=user, pk=device_id, confirmed=False).first()


@transaction.atomic
def begin(*, user: User) -> TOTPDevice:
    """A device with a fresh secret. What was begun before, here or elsewhere, is gone: only who sees this secret
    can confirm. Raises PortalError("totp_taken") when one is set up.
    """
    _lock(user)
    if device_of(user):
        raise PortalError("totp_taken")
    TOTPDevice.objects.filter(user=user).delete()
    return TOTPDevice.objects.create(user=user, name=_NAME, confirmed=False, digits=limits.STAFF_TOTP_DIGITS)


def secret(device: TOTPDevice) -> str:
    """What is typed into an app that cannot read the picture: letters and digits in groups of four."""
    text = b32encode(device.bin_key).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def confirm(*, user: User, device_id: object, code: str) -> TOTPDevice:
    """The device that was begun is in use from now on.

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
    """The device of `user`, which shows this code now. The code is used up.

    Raises PortalError: totp_gone (no device is set up), totp_wrong (also for one that was used),
    totp_pause (`seconds`; then nothing was compared).
    """
    with transaction.atomic(durable=True):  # a wrong try stays counted
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
        refusal = _try(device, code) if device else PortalError("totp_gone")
    if refusal:
        raise refusal
    return device


@transaction.atomic
def reset(*, user: User, by: str, reason: str) -> bool:
    """A lost phone: no device is left, the person's sessions end. Whether one was set up."""
    _lock(user)
    was_set_up = device_of(user) is not None
    TOTPDevice.objects.filter(user=user).delete()
    ended = end_sessions(account=user)
    facts = user.username, " ".join(by.split()), ended, " ".join(reason.split())
    logger.info("one-time codes of %s were reset by %s; sessions ended: %s; reason: %s", *facts)
    return was_set_up


def _lock(user: User) -> None:
    """One at a time: two sessions never set up two devices."""
    User.objects.select_for_update().filter(pk=user.pk).first()


def _try(device: TOTPDevice, code: str) -> PortalError | None:
    """None: right. Says no by its answer, not by raising: what was counted has to be committed."""
    allowed, why = device.verify_is_allowed()
    if not allowed:
        left = (why["locked_until"] - timezone.now()).total_seconds()
        return PortalError("totp_pause", seconds=max(1, math.ceil(left)))
    return None if device.verify_token(code) else PortalError("totp_wrong")
