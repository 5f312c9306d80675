"""What pages that ask for a code say about it. One sentence each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.code_issuing import Issued
from tamin_portal.errors import PortalError
from tamin_portal.persian import format_jalali, to_persian_digits
from tamin_portal.templatetags.persian_text import wait as wait_in_words

SENTENCES: dict[str, Any] = {
    "code_wrong": gettext_lazy("The code you entered is not valid"),
    "code_expired": gettext_lazy("The time of this code is over. Ask for a new code with the button below."),
    "code_tries": gettext_lazy("The code was wrong five times. Ask for a new code with the button below."),
    "code_elsewhere": gettext_lazy(
        "The code you entered is not valid. If you asked for it on another device, enter it there; for this device "
        "you can ask for a code in %(wait)s seconds."
    ),
    "code_elsewhere_now": gettext_lazy(
        "The code you entered is not valid. If you asked for it on another device, enter it there, or ask for a code "
        "for this device with the button below."
    ),
    "code_elsewhere_comes": gettext_lazy(
        "The code you entered is not valid. If you asked for it on another device, enter it there; the code for this "
        "device is sent by itself."
    ),
    "code_coming": gettext_lazy("Your code is sent by itself in about %(wait)s; you need not ask again."),
    "code_limit": gettext_lazy(
        "Too many codes have been asked for this number. You can ask for the next one on %(date)s at %(time)s."
    ),
    "code_budget": gettext_lazy(
        "No code can be sent just now: very many are being asked for. You can ask for one again on %(date)s at "
        "%(time)s, or visit the nearest branch with your identity papers."
    ),
    "code_sent_again": gettext_lazy("A new code is on its way to your phone."),
    "code_wait": gettext_lazy("A code has just been sent. You can ask for another one in %(wait)s seconds."),
}


def sentence(error: PortalError | str, **values: object) -> str:
    """The sentence for an error of `accounts.code_issuing` or `accounts.code_trying` (or its code with `values`)."""
    if isinstance(error, PortalError):
        return filled(SENTENCES[code_of(error)], error.values)
    return filled(SENTENCES[error], values)


def code_of(error: PortalError) -> str:
    """Which sentence an error has: one without a wait does not speak of it, nor one whose page says it."""
    if error.code == "code_elsewhere" and error.values.get("comes"):
        return "code_elsewhere_comes"
    if error.code == "code_elsewhere" and not error.values.get("wait"):
        return "code_elsewhere_now"
    return error.code


def sentence_of(issued: Issued) -> str:
    """What came of asking once more."""
    if issued.sent:
        return sentence("code_sent_again")
    if issued.comes:
        return sentence("code_coming", wait=wait_in_words(issued.wait))
    return sentence("code_wait", wait=issued.wait)


def filled(text: Any, values: dict[str, object]) -> str:
    """`text` with `values` in it, numbers and the moment `retry_at` in Persian."""
    values = dict(values)
    retry_at = values.pop("retry_at", None)
    if isinstance(retry_at, datetime):
        local = timezone.localtime(retry_at)
        values |= {"date": format_jalali(local.date()), "time": to_persian_digits(local.strftime("%H:%M"))}
    shown = {name: to_persian_digits(value) if isinstance(value, int) else value for name, value in values.items()}
    return str(text) % shown if shown else str(text)
