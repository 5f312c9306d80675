"""The sentences of the second step at the staff's sign-in."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.sign_in import texts as sign_in_texts
from common import limits
from common.persian import to_persian_digits
from common.sentences import Sentences, when_read


def _begin_again() -> str:
    minutes = to_persian_digits(int(limits.STAFF_TOTP_WITHIN.total_seconds() // 60))
    return _("Please sign in again. The code has to be typed within %(minutes)s minutes.") % {"minutes": minutes}


_AGAIN = when_read(_begin_again)
SENTENCES: dict[str, Any] = {
    "totp_pause": sign_in_texts.pause,
    "totp_wrong": gettext_lazy(
        "This code is not right, or it was used already. Type the code that the app shows now. If that is refused too, "
        "look at the clock of your phone: date and time must be set automatically."
    ),
    "totp_replaced": gettext_lazy(
        "Codes were begun to be set up for you anew, on another page. Sign in once more and scan the new picture. If "
        "that was not you, tell an administrator at once: somebody else knows your password."
    ),
    "totp_gone": _AGAIN,
    "begin_again": _AGAIN,
    "already_set_up": gettext_lazy("One-time codes are set up for you already."),
    "set_up": gettext_lazy("One-time codes are set up. From now on you are asked for one at every sign-in."),
}
sentence = Sentences(SENTENCES)
