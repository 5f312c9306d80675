"""The sentences that tell the owner of an account what happened to it, by SMS and by e-mail.

Who is told of which kind of event is decided in `accounts.life.notices`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import EventKind
from common.languages import in_the_portals_language
from common.persian import format_jalali, to_persian_digits
from sms import texts

_SENTENCES: dict[str, Any] = {
    EventKind.DEVICE_TRUSTED: gettext_lazy(
        "Somebody signed in to your account and asked that the device be remembered."
    ),
    EventKind.CLOSED_SIGN_IN: gettext_lazy(
        "Your account is closed, so nobody can sign in. To open it go to a branch with your national card and birth "
        "certificate."
    ),
    EventKind.MANY_FAILURES: gettext_lazy(
        "Wrong passwords are being tried at your account. Nobody has got in. Give your password to nobody."
    ),
    EventKind.PASSWORD_CHANGED: gettext_lazy("The password of your account was changed."),
    EventKind.RECOVERED: gettext_lazy("The password of your account was recovered, and a new one was set."),
    EventKind.RECOVERY_READY: gettext_lazy(
        "Your password can be recovered now: go on in the page of recovery, or begin again there if it was closed."
    ),
    EventKind.RECOVERY_REFUSED: gettext_lazy(
        "The password of your account was not recovered: the registry does not say that this mobile is yours. A branch "
        "helps you on."
    ),
    EventKind.EMAIL_CHANGED: gettext_lazy("An e-mail address was confirmed for your account."),
    EventKind.MOBILE_REFUSED: gettext_lazy(
        "The mobile number of your account was not changed: the new number %(mobile)s is not in your name."
    ),
    EventKind.MOBILE_LATE: gettext_lazy(
        "The mobile number of your account was not changed: it could not be found out whose the new one is. Please try "
        "again later."
    ),
    EventKind.MOBILE_CHANGED: gettext_lazy("The mobile number of your account was changed to %(mobile)s."),
    EventKind.QUESTION_CHANGED: gettext_lazy("The security question of your account was changed."),
    EventKind.CODE_OFF: gettext_lazy(
        "Two-step sign-in of your account was switched off: on a new device the password is enough as a rule."
    ),
    EventKind.SERVICE_CONNECTED: gettext_lazy(
        "Somebody signed in to %(service)s with your account for the first time, and agreed to what it is told of you."
    ),
    EventKind.FROZEN: gettext_lazy(
        "Your account is frozen, and nobody can sign in. To open it go to a branch with your national card and birth "
        "certificate."
    ),
    EventKind.DEACTIVATED: gettext_lazy("Your account was closed by the organization. A branch tells you why."),
    EventKind.REACTIVATED: gettext_lazy(
        "Your account was opened again. If your password is not accepted, set a new one by recovery on the sign-in "
        "page."
    ),
}
# The event changed the mobile as well.
_WITH_MOBILE: dict[str, Any] = {
    EventKind.REACTIVATED: gettext_lazy(
        "Your account was opened again at a branch, and its mobile number is now %(mobile)s. If your password is not "
        "accepted, set a new one by recovery on the sign-in page."
    ),
}


@in_the_portals_language
def account_event(kind: str, *, at: datetime, link: str = "", **values: object) -> str:
    """The SMS to the owner after an event of `kind`, with its time; `link`: where to say that it was somebody else."""
    return texts.joined(
        _("Social Security"), *account_sentence(kind, at=at, **values), f"{not_me()}: {link}" if link else ""
    )


@in_the_portals_language
def account_sentence(kind: str, *, at: datetime, **values: object) -> tuple[str, str]:
    """What happened, and when: the same in an SMS and in an e-mail."""
    local = timezone.localtime(at)
    time = to_persian_digits(f"{local:%H:%M}")
    when = _("%(date)s at %(time)s") % {"date": format_jalali(local.date()), "time": time}
    shown = {name: _in_order(to_persian_digits(str(value))) for name, value in values.items()}
    sentence = _WITH_MOBILE.get(kind) if "mobile" in values else None
    return str(sentence or _SENTENCES[kind]) % shown, when


@in_the_portals_language
def freeze_it() -> str:
    """What the link does, where there is room to say it."""
    return _("If it was somebody else, freeze your account with the button below. Nobody can sign in then.")


@in_the_portals_language
def not_me() -> str:
    """The words before the link, and on its button."""
    return _("It was not me")


def _in_order(value: str) -> str:
    """The value between embedding marks: the dots of a masked number would turn it round in a Persian line. (Not
    isolates: old phones do not know them, and would show a box.)"""
    return f"\u202a{value}\u202c" if "•" in value else value
