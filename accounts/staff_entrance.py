"""Half-way in at /admin/: the password was right, the code is still missing, and nobody is signed in.

The session, under a fresh key, knows who passed and when; besides, which device it is setting up, by number.
The device's secret is in its own row only.
"""

from __future__ import annotations

import django_otp
from django.contrib.auth import SESSION_KEY, login
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import pressure, staff_totp
from accounts.backends import StaffBackend
from accounts.models import User
from tamin_portal import limits

PENDING = "staff_pending"
ENROLMENT = "staff_enrolment"
_BACKEND = "accounts.backends.StaffBackend"


def sign_in(request: HttpRequest, user: User) -> None:
    """By the password alone: where codes are not required, and none are set up."""
    login(request, user, backend=_BACKEND)
    pressure.succeeded(request, account=str(user.pk))


def begin(request: HttpRequest, user: User) -> None:
    """Remember who passed the password. Whoever was signed in here no longer is."""
    if SESSION_KEY in request.session:
        request.session.flush()
    else:
        request.session.cycle_key()
    request.session[PENDING] = {
        "user": user.pk,
        "at": int(timezone.now().timestamp()),
        "auth": user.get_session_auth_hash(),  # as of a session: it ends when the password is changed
    }


def pending(request: HttpRequest) -> User | None:
    """Who passed the password here, if that was just now and still holds."""
    held = request.session.get(PENDING)
    if not held:
        return None
    age = timezone.now().timestamp() - held["at"]
    user = StaffBackend().get_user(held["user"])
    holds = user and user.is_staff and constant_time_compare(user.get_session_auth_hash(), held["auth"])
    if holds and -1 <= age < limits.STAFF_TOTP_WITHIN.total_seconds():  # the clock may have been moved back
        return user
    del request.session[PENDING]
    return None


def begin_device(request: HttpRequest, user: User) -> None:
    """From now on this session, and no other one of `user`, can set up codes.

    Raises PortalError("totp_taken") when they are set up.
    """
    request.session[ENROLMENT] = staff_totp.begin(user=user).pk


def admit(request: HttpRequest, user: User, device: TOTPDevice) -> None:
    """The code was right: signed in and verified, under a fresh key."""
    for name in (PENDING, ENROLMENT):
        request.session.pop(name, None)
    if request.session.get(SESSION_KEY) == str(user.pk):
        request.session.cycle_key()
    else:
        login(request, user, backend=_BACKEND)
    django_otp.login(request, device)
    pressure.succeeded(request, account=str(user.pk))
