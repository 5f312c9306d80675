"""What the sign-in pages and the pages of devices say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tamin_portal import limits
from tamin_portal.abuse import lane_texts
from tamin_portal.persian import to_persian_digits
from tamin_portal.sentences import Sentences, filled, when_read


def pause(*, seconds: int) -> str:
    """After too many wrong tries: when to come back. Whole minutes from one minute on, rounded up."""
    if seconds < 60:
        return filled(_("Too many wrong tries. Try again in %(seconds)s seconds."), {"seconds": seconds})
    return filled(_("Too many wrong tries. Try again in %(minutes)s minutes."), {"minutes": -(-seconds // 60)})


def _session_over() -> str:
    return _(
        "You are signed out: a session ends after %(minutes)s minutes without use, after %(hours)s hours, and when it "
        "is ended in your profile or by a new password. Please sign in again."
    ) % {"minutes": _whole(limits.SESSION_IDLE, 60), "hours": _whole(limits.SESSION_LONGEST, 3600)}


def _number_proven() -> str:
    return _(
        "The code was right. Now enter your password; for %(minutes)s minutes no earlier wrong tries hold you up here."
    ) % {"minutes": _whole(limits.PASSED_BY_CODE, 60)}


def _whole(span: timedelta, seconds: int) -> str:
    return to_persian_digits(int(span.total_seconds()) // seconds)


SENTENCES: dict[str, Any] = {
    **lane_texts.SENTENCES,
    "wrong_citizen": gettext_lazy("The national ID or the password is not right."),
    "wrong_staff": gettext_lazy("The user name or the password is not right."),
    "session_ended": gettext_lazy("That session was ended."),
    "other_sessions_ended": gettext_lazy("You are signed in on no other device any more."),
    "device_forgotten": gettext_lazy("That device is not remembered any more."),
    "sign_in_pause": pause,
    # Under pressure, without a proof of work.
    "pressure": gettext_lazy(
        "Very many sign-ins are tried at the moment, so your password was not looked at. Please enter it again below."
    ),
    # To whoever holds a session that was begun on another engine: a thief, or a person who changed something.
    "session_elsewhere": gettext_lazy(
        "Your browser is not the one in which you signed in. For your safety please enter your password again."
    ),
    # The session of this browser is gone: by time, or because it was ended elsewhere.
    "session_over": when_read(_session_over),
    # What a session remembered of a sign-in is over.
    "begin_again": gettext_lazy("This sign-in was begun too long ago, or it has ended meanwhile. Please begin again."),
    "other_tab": gettext_lazy(
        "The page you sent belonged to another sign-in, perhaps in another tab. Nothing of it was taken."
    ),
    # The code alone signs nobody in.
    "number_proven": when_read(_number_proven),
    # The same for every ID.
    "asked_again": gettext_lazy(
        "If there is an account with this national ID, a new code is on its way to its mobile."
    ),
    # To whoever has proven the mobile on record.
    "account_closed": gettext_lazy(
        "This account is closed, and nobody can sign in. To open it go to a branch with your national card and birth "
        "certificate."
    ),
    # The password was right, but no code can be sent now.
    "no_code": gettext_lazy(
        "A code is needed on this device, and none can be sent now. %(reason)s A branch helps you as well."
    ),
}
sentence = Sentences(SENTENCES)
