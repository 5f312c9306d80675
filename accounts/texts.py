"""What the sign-in pages say."""

from __future__ import annotations

import math

from django.utils.translation import gettext as _

from tamin_portal.persian import to_persian_digits


def wrong_citizen() -> str:
    return _("The national ID or the password is not right.")


def wrong_staff() -> str:
    return _("The user name or the password is not right.")


def session_ended() -> str:
    return _("That session was ended.")


def other_sessions_ended() -> str:
    return _("You are signed in on no other device any more.")


def device_forgotten() -> str:
    return _("That device is not remembered any more.")


def pause(seconds: int) -> str:
    """After too many wrong tries: when to come back. Whole minutes from one minute on, rounded up."""
    if seconds < 60:
        return _("Too many wrong tries. Try again in %(seconds)s seconds.") % {"seconds": to_persian_digits(seconds)}
    minutes = to_persian_digits(math.ceil(seconds / 60))
    return _("Too many wrong tries. Try again in %(minutes)s minutes.") % {"minutes": minutes}
