"""The sentences of the profile's pages: errors, and what was done."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from accounts.codes import texts as code_texts
from accounts.sign_in import texts as sign_in_texts
from common.abuse import hashing_texts
from common.sentences import Sentences

SENTENCES: dict[str, Any] = {
    **code_texts.SENTENCES,
    **hashing_texts.SENTENCES,
    "sign_in_pause": sign_in_texts.pause,
    "session_ended": gettext_lazy(
        "You had been signed out meanwhile, so what you sent was not taken. Sign in again; if you have just changed "
        "your password, with the new one."
    ),
    "password_wrong": gettext_lazy("This is not your current password."),
    "password_changed": gettext_lazy(
        "Your password was changed. Everywhere else you were signed out; here you stay signed in."
    ),
    "empty_answer": gettext_lazy("The answer must have letters or digits."),
    "answer_too_long": gettext_lazy("The answer is too long."),
    "question_changed": gettext_lazy("Your security question was changed."),
    "code_on": gettext_lazy("From now on a code is asked for on new devices."),
    "code_off": gettext_lazy("From now on no code is asked for on new devices."),
    "code_off_but_at_risk": gettext_lazy(
        "Two-step sign-in is off. On new devices a code is asked for only where there is a reason to be careful."
    ),
    "email_limit": gettext_lazy("Too many e-mails were sent today. Please try again tomorrow."),
    "bad_address": gettext_lazy("No e-mail can be sent to this address. Enter another one."),
    "email_asked": gettext_lazy(
        "An e-mail with a link is on its way to %(email)s. Open the link to confirm the address."
    ),
    "same_number": gettext_lazy("This is the number of your account already. Enter the new one."),
    "mobile_limit": gettext_lazy("You have given too many numbers today. You can give another one %(when)s."),
    "change_over": gettext_lazy("The time for this change is over, or it was ended. Please begin again."),
    "other_change": gettext_lazy(
        "The page you sent belonged to another change, perhaps in another tab. Nothing of it was taken. Here is the "
        "change that is open now."
    ),
}
sentence = Sentences(SENTENCES)
