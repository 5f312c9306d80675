"""Keeps a staff member's sign-in in the session while the password was right and the code is still missing: nobody is
signed in yet.

The session keeps who it is and since when (`accounts.sign_in.stages`), and the primary key of the device that is being
set up. The device's secret is only in the device's row.
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
    """Sign in by the password alone: where codes are not required, and none are set up."""
    login(request, user, backend=_BACKEND)
    pressure.credit(request, account=str(user.pk))


def begin(request: HttpRequest, user: User) -> None:
    """The password of `user` was right: this session waits for the code. Whoever was signed in here is signed out."""
    stages.begin(request, _TOTP, user)


def pending(request: HttpRequest) -> User | None:
    """Who waits for the code in this session; None when nobody does, or no longer."""
    found = stages.pending(request, _TOTP, within=limits.STAFF_TOTP_WITHIN, ahead=timedelta(seconds=1))
    if found is None:
        stages.end(request, _TOTP)
        return None
    return found.user


def begin_device(request: HttpRequest, user: User) -> None:
    """Begin to set up codes: from now on this session, and no other one of `user`, can finish it.

    Raises PortalError("totp_taken") when codes are set up already.
    """
    request.session[ENROLMENT] = totp.begin(user=user).pk


def admit(request: HttpRequest, user: User, device: TOTPDevice) -> None:
    """Sign in after a right code: verified by `device`, under a new session key."""
    stages.end(request, _TOTP)
    request.session.pop(ENROLMENT, None)
    if request.session.get(SESSION_KEY) == str(user.pk):
        request.session.cycle_key()
    else:
        login(request, user, backend=_BACKEND)
    django_otp.login(request, device)
    pressure.credit(request, account=str(user.pk))
