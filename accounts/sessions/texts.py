"""The sentences about sessions and devices that end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import limits
from common.sentences import Sentences, digits, when_read


def _session_over() -> str:
    return _(
        "You are signed out: a session ends after %(minutes)s minutes without use, after %(hours)s hours, and when it "
        "is ended in your profile or by a new password. Please sign in again."
    ) % {"minutes": _whole(limits.SESSION_IDLE, 60), "hours": _whole(limits.SESSION_LONGEST, 3600)}


def _whole(span: timedelta, seconds: int) -> str:
    return digits(int(span.total_seconds()) // seconds)


SENTENCES: dict[str, Any] = {
    "session_ended": gettext_lazy("That session was ended."),
    "other_sessions_ended": gettext_lazy("You are signed in on no other device any more."),
    "device_forgotten": gettext_lazy("That device is not remembered any more."),
    # For a session that was begun on another engine: the reader is a thief, or a person who changed something.
    "session_elsewhere": gettext_lazy(
        "Your browser is not the one in which you signed in. For your safety please enter your password again."
    ),
    # The session of this browser is gone: by time, or because it was ended elsewhere.
    "session_over": when_read(_session_over),
    # A page that was sent after somebody had signed in or out meanwhile (accounts/sessions/given_back.py).
    "page_before_sign_in": gettext_lazy(
        "Somebody has signed in in this browser since you opened that page, perhaps in another tab. Nothing was done "
        "yet. What you typed is here again; look at it and press the button once more."
    ),
    "page_of_earlier_sign_in": gettext_lazy(
        "You have signed in again since you opened that page, perhaps in another tab. Nothing was done yet. What you "
        "typed is here again; look at it and press the button once more."
    ),
    "page_of_another": gettext_lazy(
        "Another person has signed in in this browser since you opened that page. For safety nothing was done, and "
        "what you typed was not entered into that person's page."
    ),
    "page_after_sign_out": gettext_lazy(
        "You signed out since you opened that page, perhaps in another tab. Nothing was done. What you typed is here "
        "again."
    ),
    "page_after_end": gettext_lazy(
        "Your session has ended since you opened that page: by time, or because it was ended elsewhere. Nothing was "
        "done. What you typed is here again."
    ),
    "page_before_sign_in_and_out": gettext_lazy(
        "Somebody has signed in and out in this browser since you opened that page, perhaps in another tab. Nothing "
        "was done yet. What you typed is here again; look at it and press the button once more."
    ),
    "page_without_cookies": gettext_lazy(
        "Your browser did not send the portal's cookie, so nothing was done. Allow cookies for this site in your "
        "browser. What you typed is here again; look at it and press the button once more."
    ),
}
sentence = Sentences(SENTENCES)
