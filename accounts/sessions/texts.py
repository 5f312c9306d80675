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
}
sentence = Sentences(SENTENCES)
