"""The sentences about codes on pages that ask for one."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.codes.issuing import Issued
from common import limits
from common.sentences import Sentences, filled, times, wait_in_words, when_read


def code_elsewhere(*, wait: int = 0, comes: bool = False) -> str:
    """The sentence after a wrong code, which may have been asked for on another device. `wait`: seconds until this
    device may ask; `comes`: its code is sent by itself."""
    if comes:
        return _(
            "The code you entered is not valid. If you asked for it on another device, enter it there; the code for "
            "this device is sent by itself."
        )
    if not wait:
        return _(
            "The code you entered is not valid. If you asked for it on another device, enter it there; for a code of "
            "this device press “Send the code again”."
        )
    text = _(
        "The code you entered is not valid. If you asked for it on another device, enter it there; for this device "
        "you can ask for a code in %(wait)s."
    )
    return filled(text, {"wait": wait_in_words(wait)})


def code_wait(*, wait: int) -> str:
    """The sentence when another code was asked for too soon; `wait` in seconds."""
    text = _("A code has just been sent. You can ask for another one in %(wait)s.")
    return filled(text, {"wait": wait_in_words(wait)})


SENTENCES: dict[str, Any] = {
    "code_wrong": gettext_lazy("The code you entered is not valid"),
    "code_expired": gettext_lazy("The time of this code is over. Press “Send the code again” to get a new one."),
    "code_tries": when_read(
        lambda: (
            _("The code was wrong %(times)s. Press “Send the code again” to get a new one.")
            % {"times": times(limits.CODE_TRIES)}
        )
    ),
    "code_elsewhere": code_elsewhere,
    "code_coming": gettext_lazy("Your code is sent by itself in about %(wait)s; you need not ask again."),
    "code_limit": gettext_lazy(
        "Too many codes have been asked for this number. You can ask for the next one %(when)s."
    ),
    "code_budget": gettext_lazy(
        "No code can be sent just now: very many are being asked for. You can ask for one again from %(when)s on, or "
        "visit the nearest branch with your identity papers."
    ),
    "code_sent_again": gettext_lazy("A new code is on its way to your phone."),
    "code_wait": code_wait,
}
sentence = Sentences(SENTENCES)


def sentence_of(issued: Issued) -> str:
    """The sentence after a request for another code."""
    if issued.sent:
        return sentence("code_sent_again")
    if issued.comes:
        return sentence("code_coming", wait=wait_in_words(issued.wait))
    return sentence("code_wait", wait=issued.wait)
