"""What the second step of the staff's sign-in says."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts import texts
from tamin_portal import limits
from tamin_portal.errors import PortalError
from tamin_portal.persian import to_persian_digits


def sentence(error: PortalError) -> str:
    """For the person, why the code or the page was refused."""
    if error.code == "totp_pause":
        return texts.pause(int(str(error.values["seconds"])))
    if error.code == "totp_wrong":
        return _(
            "This code is not right, or it was used already. Type the code that the app shows now. If that is refused "
            "too, look at the clock of your phone: date and time must be set automatically."
        )
    if error.code == "totp_replaced":
        return _(
            "Codes were begun to be set up for you anew, on another page. Sign in once more and scan the new picture. "
            "If that was not you, tell an operator at once: somebody else knows your password."
        )
    return begin_again()


def begin_again() -> str:
    minutes = to_persian_digits(int(limits.STAFF_TOTP_WITHIN.total_seconds() // 60))
    return _("Please sign in again. The code has to be typed within %(minutes)s minutes.") % {"minutes": minutes}


def already_set_up() -> str:
    return _("One-time codes are set up for you already.")


def set_up() -> str:
    return _("One-time codes are set up. From now on you are asked for one at every sign-in.")
