"""What a person reads of an odd password, before it is compared or refused."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

SENTENCES = {
    "line_break": gettext_lazy("The password holds a line break."),
    "blank_start": gettext_lazy("The password begins with a blank."),
    "blank_end": gettext_lazy("The password ends with a blank."),
    "invisible": gettext_lazy("The password holds a sign that is not seen; such signs come along when text is pasted."),
    "digits": gettext_lazy("The password holds Persian digits. Switch the keyboard to English (EN)."),
    "letters": gettext_lazy("The password holds Persian letters or signs. Switch the keyboard to English (EN)."),
    "full_width": gettext_lazy("The password holds letters or digits in another shape than those of the keyboard."),
    "foreign": gettext_lazy("The password holds letters or signs that an English keyboard does not have."),
}


def before_a_try(codes: Iterable[str]) -> str:
    """What is odd about a password that was not compared, and what can be done."""
    told = " ".join(str(SENTENCES[code]) for code in codes)
    return f"{told} " + _(
        "This was not counted as a wrong password. Correct it, or if your password really is like this, type the very "
        "same again."
    )


def of_a_new_one(codes: Iterable[str]) -> str:
    """What nobody sees in a password that is being chosen."""
    told = " ".join(str(SENTENCES[code]) for code in codes)
    return f"{told} " + _("Type it without that.")
