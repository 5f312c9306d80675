"""Decides whether a password is good, by the guide's rules and by how easily it is guessed; hashes passwords.

`faults` is the only judge: forms, services and Django (by `Rule` and `Strong`) ask it wherever a password is set. A
password is never altered: nothing is folded or stripped. A password that does not keep the rules is refused with their
sentences.
"""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING, Any

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.passwords.strength import SIGNS, About, Weakness, weakness
from common import limits, sentences
from common.errors import PortalError

if TYPE_CHECKING:
    from accounts.models import User

_ALLOWED = frozenset(string.ascii_letters + string.digits + SIGNS)

# The rules in the guide's order (registration-guide.txt, «فرمت مجاز جهت ثبت گذرواژه»).
RULES: dict[str, Any] = {
    "latin": _("The password must be in Latin characters."),
    "first_letter": _("The password must start with a letter."),
    "mix": _("The password must contain at least one capital letter, one small letter and one digit."),
    "too_short": sentences.when_read(
        lambda: (
            _("The password must not be shorter than %(shortest)s characters.")
            % {"shortest": sentences.in_digits(limits.PASSWORD_SHORTEST)}
        )
    ),
    "personal": _("The password must not contain the first name, the last name or the national ID."),
    "characters": _("Only Latin letters, digits and & % $ # ! are allowed."),
    "too_long": sentences.when_read(
        lambda: (
            _("The password must not be longer than %(longest)s characters.")
            % {"longest": sentences.in_digits(limits.PASSWORD_LONGEST)}
        )
    ),
}
# What is weak about a password that keeps the rules, and how to improve it. No sentence holds a part of the password.
WEAK: dict[str, Any] = {
    Weakness.OWN: _(
        "This password holds something of your own (name, date of birth, a number, city or e-mail), which others can "
        "find out. Leave it out, and write three words that have nothing to do with you or each other, with a number."
    ),
    Weakness.NAME: _(
        "A name with a few digits or signs is guessed quickly, whosever it is. Add two more words that have "
        "nothing to do with it."
    ),
    Weakness.PLACE: _(
        "The name of a city or another place with a few digits or signs is guessed quickly. Add two more words that "
        "have nothing to do with it."
    ),
    Weakness.CLUB: _(
        "The name of a football club or a player with a few digits or signs is guessed quickly. Add two more words "
        "that have nothing to do with it."
    ),
    Weakness.DATE: _(
        "A year, a date or the name of a month is guessed quickly. Write words that have nothing to do with each "
        "other instead, at least three."
    ),
    Weakness.ORGANISATION: _(
        "Words of this organisation and its services are guessed first. Write three other words that have nothing to "
        "do with each other, with a number."
    ),
    Weakness.WORD: _(
        "One common word with a few digits or signs is guessed quickly. Add two more words that have nothing to do "
        "with it."
    ),
    Weakness.COMMON: _(
        "This password is among the most common ones, and would be guessed at once. Write three words that have "
        "nothing to do with each other, with a number."
    ),
    Weakness.BLIND: _(
        "A Persian word typed with the keyboard in English is guessed quickly, as many do so. Add two more words that "
        "have nothing to do with it."
    ),
    Weakness.KEYBOARD: _(
        "Keys that lie side by side on the keyboard are guessed quickly. Write three words that have nothing to do "
        "with each other, with a number."
    ),
    Weakness.REPEAT: _(
        "What is only repeated hardly makes a password longer. Write three different words that have nothing to do "
        "with each other, with a number."
    ),
    Weakness.SEQUENCE: _(
        "Letters or digits in their order (like ABC or 123) are guessed quickly. Write three words that have nothing "
        "to do with each other, with a number."
    ),
}
SENTENCES: dict[str, Any] = RULES | WEAK
HINT = _("Three words that have nothing to do with you or each other, with a number among them, are hard to guess.")


def faults(password: str, about: About) -> list[str]:
    """The codes of the `SENTENCES` for which `password` is refused, in their order; empty: it is good.

    The strength is judged only of a password that keeps all rules: any other has to be changed anyway.
    """
    broken = problems(password, first_name=about.first_name, last_name=about.last_name, national_id=about.national_id)
    if broken:
        return broken
    weak = weakness(password, about)
    return [weak] if weak else []


def problems(password: str, *, first_name: str = "", last_name: str = "", national_id: str = "") -> list[str]:
    """The codes of the guide's `RULES` that `password` breaks, in their order; empty: it keeps them all.

    The names are compared as they were typed, in any case; nothing is transliterated.
    """
    kinds = (string.ascii_uppercase, string.ascii_lowercase, string.digits)
    broken = {
        "latin": not password.isascii(),
        "first_letter": not re.match(r"[A-Za-z]", password),
        "mix": not all(set(password) & set(kind) for kind in kinds),
        "too_short": len(password) < limits.PASSWORD_SHORTEST,
        "personal": _contains_any(password, first_name, last_name, national_id),
        "characters": any(sign.isascii() and sign not in _ALLOWED for sign in password),
        "too_long": len(password) > limits.PASSWORD_LONGEST,
    }
    return [code for code in RULES if broken[code]]


def _contains_any(password: str, *words: str) -> bool:
    folded = password.casefold()
    return any(word in folded for word in ("".join(word.split()).casefold() for word in words) if word)


class Rule:
    """One of the `RULES` as a Django password validator. All are registered, in their order."""

    def __init__(self, code: str) -> None:
        self.code, self.sentence = code, RULES[code]

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError with the rule's `code`."""
        about = {name: getattr(user, name, "") for name in ("first_name", "last_name", "national_id")}
        if self.code in problems(password, **about):
            raise ValidationError(self.sentence, code=self.code)

    def get_help_text(self) -> str:
        return str(self.sentence)


class Strong:
    """The strength of a password as a Django password validator; after the rules, and silent where one is broken."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError with the `Weakness` as its code."""
        for code in faults(password, About.of(user) if user else About()):
            if code in WEAK:
                raise ValidationError(WEAK[code], code=code)

    def get_help_text(self) -> str:
        return str(HINT)


def hash_password(password: str) -> str:
    """The encoded hash. Raises PortalError("password_too_long") before hashing."""
    if len(password) > limits.PASSWORD_LONGEST:
        raise PortalError("password_too_long")
    return make_password(password)
