"""The sentences of the sign-in pages."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from common import limits
from common.abuse import hashing_texts
from common.sentences import Sentences, digits, filled, when_read


def pause(*, seconds: int) -> str:
    """The sentence after too many wrong tries: when to try again. Whole minutes from one minute on, rounded up."""
    if seconds < 60:
        return filled(_("Too many wrong tries. Try again in %(seconds)s seconds."), {"seconds": seconds})
    return filled(_("Too many wrong tries. Try again in %(minutes)s minutes."), {"minutes": -(-seconds // 60)})


def _number_proven() -> str:
    return _(
        "The code was right. Now enter your password; for %(minutes)s minutes no earlier wrong tries hold you up here."
    ) % {"minutes": digits(int(limits.PASSED_BY_CODE.total_seconds()) // 60)}


SENTENCES: dict[str, Any] = {
    **hashing_texts.SENTENCES,
    "wrong_citizen": gettext_lazy("The national ID or the password is not right."),
    "wrong_staff": gettext_lazy("The user name or the password is not right."),
    "password_wrong": gettext_lazy("This is not your current password."),
    "sign_in_pause": pause,
    # Under pressure, without a proof of work.
    "pressure": gettext_lazy(
        "Very many sign-ins are tried at the moment, so your password was not looked at. Please enter it again below."
    ),
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
