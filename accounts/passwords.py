"""Whether a password is good, by the guide's rules and by ours; the hashing of passwords and security answers.

`problems` is the one place that judges: forms, services and Django (by `Rule`) ask it wherever a password is set.
A password is never altered: no folding, no stripping. What does not fit is refused with the rule.
"""

from __future__ import annotations

import re
import string
from functools import cache
from typing import TYPE_CHECKING

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from tamin_portal import limits
from tamin_portal.errors import PortalError
from tamin_portal.persian import name_key

if TYPE_CHECKING:
    from accounts.models import User

SHORTEST = 8
SIGNS = "&%$#!"
PROMISED = "abcdefg1"  # on the list; but tests/vectors/persian_input.json, which others rely on, calls it good
_ALLOWED = frozenset(string.ascii_letters + string.digits + SIGNS)

# The rules in the guide's order (registration-guide.txt, «فرمت مجاز جهت ثبت گذرواژه»), then ours.
RULES = {
    "latin": _("The password must be in Latin characters."),
    "first_letter": _("The password must start with a letter."),
    "mix": _("The password must contain at least one capital letter, one small letter and one digit."),
    "too_short": _("The password must not be shorter than 8 characters."),
    "personal": _("The password must not contain the first name, the last name or the national ID."),
    "characters": _("Only Latin letters, digits and & % $ # ! are allowed."),
    "too_long": _("The password must not be longer than 128 characters."),
    "common": _("This password is among the most common ones and would be guessed at once. Choose another one."),
}


def problems(password: str, *, first_name: str = "", last_name: str = "", national_id: str = "") -> list[str]:
    """The codes of the `RULES` that `password` breaks, in their order; empty: it is good.

    Whether it is common is asked of one that keeps all other rules: any other has to be changed anyhow.
    The names are compared as they were typed, whatever the case; nothing is transliterated.
    """
    kinds = (string.ascii_uppercase, string.ascii_lowercase, string.digits)
    broken = {
        "latin": not password.isascii(),
        "first_letter": not re.match(r"[A-Za-z]", password),
        "mix": not all(set(password) & set(kind) for kind in kinds),
        "too_short": len(password) < SHORTEST,
        "personal": _contains_any(password, first_name, last_name, national_id),
        "characters": any(sign.isascii() and sign not in _ALLOWED for sign in password),
        "too_long": len(password) > limits.PASSWORD_LONGEST,
    }
    return [code for code in RULES if broken.get(code)] or (["common"] if is_common(password) else [])


def _contains_any(password: str, *words: str) -> bool:
    folded = password.casefold()
    return any(word in folded for word in ("".join(word.split()).casefold() for word in words) if word)


def is_common(password: str) -> bool:
    """Whether it is one of the 20,000 most common passwords that come with Django, in any capitals; or such a one,
    long enough by itself, that was only decorated as our rules ask for: with digits and signs at its end.

    A shorter one in the beginning does not count: "monkey" with four characters of one's own is not the word's doing.
    """
    typed = password[: limits.PASSWORD_LONGEST].lower()
    undecorated = len(typed.rstrip(string.digits + SIGNS))
    ends = range(max(undecorated, SHORTEST), len(typed) + 1)
    return any(typed[:end] in _common() for end in (*ends, len(typed)))


@cache
def _common() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords) - {PROMISED}


class Rule:
    """One of the `RULES` as a Django password validator, with its sentence. All are registered, in their order."""

    def __init__(self, code: str) -> None:
        self.code, self.sentence = code, RULES[code]

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError with the rule's `code`."""
        about = {name: getattr(user, name, "") for name in ("first_name", "last_name", "national_id")}
        if self.code in problems(password, **about):
            raise ValidationError(self.sentence, code=self.code)

    def get_help_text(self) -> str:
        return str(self.sentence)


def hash_password(password: str) -> str:
    """The encoded hash. Raises PortalError("password_too_long") before hashing."""
    if len(password) > limits.PASSWORD_LONGEST:
        raise PortalError("password_too_long")
    return make_password(password)


def hash_answer(answer: str) -> str:
    """The encoded hash of a security answer's comparison key: spelling, blanks and case do not count.

    Raises PortalError: empty_answer (nothing but signs and blanks), answer_too_long.
    """
    key = _answer_key(answer)
    if not key:
        raise PortalError("empty_answer")
    return make_password(key)


def answer_matches(answer: str, encoded: str) -> bool:
    """Whether `answer` is the one `encoded` was made of. Takes the same time either way."""
    return check_password(_answer_key(answer), encoded)


def _answer_key(answer: str) -> str:
    if len(answer) > limits.PASSWORD_LONGEST:
        raise PortalError("answer_too_long")
    return name_key(answer)
