"""The sentence for each error code, for the citizen's pages and the desk; msgids are English."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.codes import texts as code_texts
from common.abuse import hashing_texts
from common.sentences import Sentences, filled, wait_in_words
from registration.states import State


def not_at_desk(*, state: str) -> str:
    """`state` is the one that the request is in."""
    text = _("This request is not waiting at a branch (any more). Its state is: %(state)s.")
    return filled(text, {"state": State(state).label})


def status_pause(*, seconds: int) -> str:
    """The sentence of the status page after too many wrong pairs."""
    text = _("Too many tries with numbers that do not belong together. Try again in %(wait)s; nothing is locked.")
    return filled(text, {"wait": wait_in_words(seconds)})


SENTENCES: dict[str, Any] = {
    **code_texts.SENTENCES,
    **hashing_texts.SENTENCES,
    "registration_closed": gettext_lazy("This request has ended meanwhile. Please start again."),
    "grant_ended": gettext_lazy("Your registration was continued on another device."),
    "page_old": gettext_lazy("This page was too old or damaged. Please go on from here."),
    "session_ended": gettext_lazy(
        "For your safety this page was closed, because nothing was done on it for a while. Enter your national ID and "
        "mobile again; after the code you go on with what had reached us."
    ),
    "session_ended_kept": gettext_lazy(
        "For your safety this page was closed, because nothing was done on it for a while. Enter your national ID and "
        "mobile again in this browser; after the code what you typed comes back, except for the password and the "
        "security answer."
    ),
    "late_came_back": gettext_lazy(
        "Welcome back. What you typed on the last page is here again; password and security answer are not kept."
    ),
    "part_missing": gettext_lazy("Something is still missing here. What you have entered is kept; go on from here."),
    "answers_changed": gettext_lazy(
        "Your details were changed meanwhile, perhaps in another tab. Look at them again, then choose the password."
    ),
    "other_tab": gettext_lazy(
        "The page you sent belonged to another request, perhaps in another tab. Nothing of it was taken. Here is "
        "the request that is open now."
    ),
    "other_tab_kept": gettext_lazy(
        "The page you sent belonged to another request; in another tab of this browser another one was begun. What you "
        "typed is kept: enter the national ID and mobile of that person here later, and after the code it comes back, "
        "except for the password and the security answer. Here is the request that is open now."
    ),
    "left_in_other_tab_kept": gettext_lazy(
        "In another tab of this browser you asked to register another person. What you typed is kept: enter the "
        "national ID and mobile of this person again in this browser; after the code it comes back, except for the "
        "password and the security answer."
    ),
    "duplicate_proven": gettext_lazy(
        "Another request with this national ID exists, made with another number. You can go on: the first of them "
        "whose papers are right gets the account. If the other one is not yours, tell a branch."
    ),
    "resumed": gettext_lazy("Welcome back. What you had entered is kept; go on from here."),
    "registration_changed": gettext_lazy("Your request was decided meanwhile. Here is where it is now."),
    "corrections_used": gettext_lazy(
        "The information of this national ID was checked as often as it can be. A branch is the way now."
    ),
    "nothing_changed": gettext_lazy(
        "Nothing is different from what was checked before, so it was not sent, and you still have the same number of "
        "tries. Correct what is wrong; if everything is as in your birth certificate, a branch is the way."
    ),
    "same_number": gettext_lazy(
        "This is the number that could not be confirmed as yours. Enter another number in your own name."
    ),
    "status_not_found": gettext_lazy(
        "No request was found with this national ID and this tracking code. Compare the national ID with your "
        "card and the tracking code with what you wrote down, digit by digit."
    ),
    "sign_in_pause": status_pause,
    # Errors at the desk.
    "papers_missing": gettext_lazy("Tick the papers you have seen: the national card and the birth certificate."),
    "note_missing": gettext_lazy("Write a short note: what you saw, or why."),
    "note_too_long": gettext_lazy("The note is too long; %(most)s characters at most."),
    "reason_too_long": gettext_lazy("The reason is too long for the SMS; %(most)s characters at most."),
    "not_at_desk": not_at_desk,
    "changed_meanwhile": gettext_lazy(
        "The citizen has changed the data of this request meanwhile. Nothing was done: look at the new data, and "
        "compare them with the papers again."
    ),
    "account_exists": gettext_lazy("An active account for this national ID exists already."),
    "not_found": gettext_lazy("There is no registration with this tracking code or national ID."),
    "several": gettext_lazy(
        "There are several requests for this national ID. Name one by its tracking code: %(codes)s"
    ),
}
sentence = Sentences(SENTENCES)
