"""Half-way in at /admin/: the password was right, the code is still missing, and nobody is signed in.

The session knows who passed and when (`accounts.sign_in.stages`); besides, which device it is setting up, by number.
The device's secret is in its own row only.
"""

from __future__ import annotations

from datetime import timedelta

import django_otp
from django.contrib.auth import SESSION_KEY, login
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.backends import StaffBackend
from accounts.models import User
from accounts.sign_in import pressure, stages
from accounts.sign_in.stages import Stage
from accounts.staff import totp
from common import limits

ENROLMENT = "staff_enrolment"
_BACKEND = "accounts.backends.StaffBackend"


def _member(pk: int) -> User | None:
    user = StaffBackend().get_user(pk)
    return user if user and user.is_staff else None


_TOTP = Stage(key="staff_pending", hash_name="auth", account_of=_member, keeps_session=False)


def sign_in(request: HttpRequest, user: User) -> None:
    """By the password alone: where codes are not required, and none are set up."""
    login(request, user, backend=_BACKEND)
    pressure.credit(request, account=str(user.pk))


def begin(request: HttpRequest, user: User) -> None:
    """Remember who passed the password. Whoever was signed in here no longer is."""
    stages.begin(request, _TOTP, user)


def pending(request: HttpRequest) -> User | None:
    """Who passed the password here, if that was just now and still holds."""
    found = stages.pending(request, _TOTP, within=limits.STAFF_TOTP_WITHIN, ahead=timedelta(seconds=1))
    if found is None:
        stages.end(request, _TOTP)
        return None
    return found.user


def begin_device(request: HttpRequest, user: User) -> None:
    """From now on this session, and no other one of `user`, can set up codes.

    Raises PortalError("totp_taken") when they are set up.
    """
    request.session[ENROLMENT] = totp.begin(user=user).pk


def admit(request: HttpRequest, user: User, device: TOTPDevice) -> None:
    """The code was right: signed in and verified, under a fresh key."""
    stages.end(request, _TOTP)
    request.session.pop(ENROLMENT, None)
    if request.session.get(SESSION_KEY) == str(user.pk):
        request.session.cycle_key()
    else:
        login(request, user, backend=_BACKEND)
    django_otp.login(request, device)
    pressure.credit(request, account=str(user.pk))
