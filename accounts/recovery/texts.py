"""The sentences of the pages of recovery: refusals, and what was done."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.codes import texts as code_texts
from common import limits
from common.abuse import hashing_texts
from common.sentences import Sentences, filled, in_words, wait_in_words, when_read

ANSWER_TOO_LONG = when_read(
    lambda: _("The answer is too long; %(longest)s characters at most.") % {"longest": in_words(limits.ANSWER_LONGEST)}
)


def code_wait(*, wait: int) -> str:
    """The sentence when another code was asked for too soon; `wait` in seconds."""
    text = _("A code was asked for less than %(gap)s ago. You can ask for another one in %(wait)s.")
    return filled(text, {"gap": in_words(limits.CODE_GAP), "wait": wait_in_words(wait)})


SENTENCES: dict[str, Any] = {
    **code_texts.SENTENCES,
    **hashing_texts.SENTENCES,
    "session_ended": gettext_lazy(
        "You were away for long, or this browser has no recovery under way, so for your safety nothing was done. "
        "Please begin again."
    ),
    "late": gettext_lazy("You were away for long, so for your safety this recovery was ended. Please begin again."),
    "overtaken": gettext_lazy(
        "This recovery has ended, because the password of the account was set meanwhile, perhaps on another device. "
        "Sign in with that password, or begin again."
    ),
    "mobile_changed": gettext_lazy(
        "The mobile number of this account was changed meanwhile, so this recovery has ended. Begin again: the code "
        "then goes to the new number."
    ),
    "account_closed": gettext_lazy("This account is closed, so its password cannot be recovered here."),
    "code_again": gettext_lazy("If there is an account with this national ID, another code is on its way."),
    "code_wait": code_wait,
    "answer_wrong": gettext_lazy("This answer is not right. Tries left: %(left)s"),
    "answer_too_long": ANSWER_TOO_LONG,
    "same_password": gettext_lazy("This is your old password. Choose another one."),
    "password_set": gettext_lazy(
        "Your new password is set, and your account was signed out on all devices. Sign in with the new password."
    ),
    "done": gettext_lazy("The new password was set already. Sign in with it, or begin again."),
}
sentence = Sentences(SENTENCES)
