"""What the sign-in pages and the pages of devices say."""

from __future__ import annotations

import math
from datetime import timedelta

from django.utils.translation import gettext as _

from tamin_portal import limits
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


def busy() -> str:
    """Under pressure, without a proof of work."""
    return _(
        "Very many sign-ins are tried at the moment, so your password was not looked at. Please enter it again below."
    )


def session_elsewhere() -> str:
    """To whoever holds a session that was begun on another engine: a thief, or a person who changed something."""
    return _("Your browser is not the one in which you signed in. For your safety please enter your password again.")


def session_over() -> str:
    """The session of this browser is gone: by time, or because it was ended elsewhere."""
    return _(
        "You are signed out: a session ends after %(minutes)s minutes without use, after %(hours)s hours, and when it "
        "is ended in your profile or by a new password. Please sign in again."
    ) % {"minutes": _whole(limits.SESSION_IDLE, 60), "hours": _whole(limits.SESSION_LONGEST, 3600)}


def begin_again() -> str:
    """What a session remembered of a sign-in is over."""
    return _("This sign-in was begun too long ago, or it has ended meanwhile. Please begin again.")


def other_tab() -> str:
    return _("The page you sent belonged to another sign-in, perhaps in another tab. Nothing of it was taken.")


def number_proven() -> str:
    """The code alone signs nobody in."""
    return _(
        "The code was right. Now enter your password; for %(minutes)s minutes no earlier wrong tries hold you up here."
    ) % {"minutes": _whole(limits.PASSED_BY_CODE, 60)}


def asked_again() -> str:
    """The same for every ID."""
    return _("If there is an account with this national ID, a new code is on its way to its mobile.")


def account_closed() -> str:
    """To whoever has proven the mobile on record."""
    return _(
        "This account is closed, and nobody can sign in. To open it go to a branch with your national card and birth "
        "certificate."
    )


def no_code(reason: str) -> str:
    """The password was right, but no code can be sent now."""
    return _("A code is needed on this device, and none can be sent now. %(reason)s A branch helps you as well.") % {
        "reason": reason
    }


def _whole(span: timedelta, seconds: int) -> str:
    return to_persian_digits(int(span.total_seconds()) // seconds)
