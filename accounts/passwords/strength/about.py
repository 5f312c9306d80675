"""Finds in a password what others can know of the person who sets it: names, numbers, dates, e-mail."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import jdatetime

from accounts.passwords.strength.words import SHORTEST_WORD, typed_blind
from common.persian import fold, local_mobile

if TYPE_CHECKING:
    from accounts.models import User

_LONGEST_NAME = 12  # letters of one name that are looked for
_MOST_NAMES = 8  # words of all names together
_SHORTEST_NUMBER = 4  # digits in a row of a national ID or a mobile
_VOWELS = ("", "a", "e", "i", "o", "u")
_CONSONANTS = {
    "ب": "b", "پ": "p", "ت": "t", "ث": "s", "ج": "j g", "چ": "ch c", "ح": "h", "خ": "kh x h", "د": "d", "ذ": "z",
    "ر": "r", "ز": "z", "ژ": "zh j z", "س": "s", "ش": "sh s", "ص": "s", "ض": "z", "ط": "t", "ظ": "z", "غ": "gh q g",
    "ف": "f ph", "ق": "gh q g", "ک": "k c", "گ": "g", "ل": "l", "م": "m", "ن": "n",
}  # fmt: skip
_LONG = {
    "ا": ("a", "aa", "e", "i", "o", ""), "آ": ("a", "aa", "o"), "أ": ("a", "e"), "ع": ("", "a", "e", "o", "aa", "i"),
    "و": ("v", "w", "u", "oo", "ou", "o", "ow", "va", "ve", "vo"),
    "ه": ("h", "eh", "e", "ah", "a", "he", "ha", "ho", ""),
    "ی": ("i", "y", "ee", "e", "ei", "ey", "ai", "ay", "ie", "ya", "ye", "yo", "yi"), "ئ": ("", "y", "e", "i"),
    "ء": ("",), "ؤ": ("o", "u", "ou", "oo"), "ة": ("eh", "e", "at"),
}  # fmt: skip
_SOUNDS: dict[str, tuple[str, ...]] = {
    letter: tuple(
        consonant * times + vowel
        for consonant, times, vowel in product(latin.split(), (1, 2), _VOWELS)
        if times == 1 or len(consonant) == 1
    )
    for letter, latin in _CONSONANTS.items()
} | _LONG
_LEET = str.maketrans("4310$57!", "aeiosstl")
_NOT_LETTERS = re.compile(r"[\W\d_]+")


@dataclass(frozen=True)
class About:
    """Everything that a form or an account knows of the person; empty is unknown. `mobile` is +98…, `birth_date` a
    date."""

    first_name: str = ""
    last_name: str = ""
    national_id: str = ""
    mobile: str = ""
    email: str = ""
    city: str = ""
    birth_date: dt.date | None = None
    username: str = ""

    @classmethod
    def of(cls, user: User) -> About:
        """What the account knows. A citizen's user name is random and left out."""
        facts = {name: getattr(user, name) for name in cls.__dataclass_fields__ if name != "username"}
        return cls(**facts, username=user.username if user.is_staff else "")

    def words_in(self, password: str) -> set[str]:
        """The parts of `password`, in lower case and without leet, that are this person's own."""
        typed = password.lower()
        words = set(self._fixed())
        for text in {typed, typed[::-1], typed.translate(_LEET)}:
            for name in self._names():
                words.update(_romanised_in(text, name[:_LONGEST_NAME]))
        return words

    def _names(self) -> list[str]:
        named = " ".join((self.first_name, self.last_name, self.city))
        return [word for word in _NOT_LETTERS.split(fold(named)) if word][:_MOST_NAMES]

    def _fixed(self) -> Iterator[str]:
        if self.birth_date:
            yield from _dates(self.birth_date)
        for number in (self.national_id, local_mobile(self.mobile) if self.mobile else ""):
            yield from _pieces(number)
        local = self.email.partition("@")[0].lower()
        for text in (local, self.username.lower(), *(name.lower() for name in self._names())):
            for word in (text, re.sub(r"\W|_", "", text), *_NOT_LETTERS.split(text)):
                if len(word) >= SHORTEST_WORD:
                    yield word
        for name in self._names():
            blind = typed_blind(name)
            if len(blind) >= SHORTEST_WORD:
                yield blind


def _romanised_in(text: str, name: str) -> Iterator[str]:
    """Every part of `text` that can be read as the Persian `name`; the longest one from each position.

    Goes letter by letter and keeps intermediate results, so that no name and no password can make it slow.
    """
    sounds = [_SOUNDS[letter] for letter in name if letter in _SOUNDS]
    ends = (
        {at: at for at in range(len(text) + 1)} if sounds else {}
    )  # where the rest of the name ends, by its beginning
    for letter in reversed(sounds):
        before: dict[int, int] = {}
        for begins, end in ends.items():
            for sound in letter:
                at = begins - len(sound)
                if at >= 0 and end > before.get(at, -1) and text.startswith(sound, at):
                    before[at] = end
        ends = before
    for start, end in ends.items():
        if end - start >= SHORTEST_WORD:
            yield text[start:end]


def _dates(born: dt.date) -> Iterator[str]:
    """The date in digits, in both calendars and every order; years also by themselves and with two digits."""
    solar = jdatetime.date.fromgregorian(date=born)
    for year, month, day in ((solar.year, solar.month, solar.day), (born.year, born.month, born.day)):
        for y in (str(year), f"{year % 100:02}"):
            yield y
            for m, d in product({str(month), f"{month:02}"}, {str(day), f"{day:02}"}):
                orders = (y + m + d, d + m + y, m + d + y, y + d + m, y + m, m + y, m + d, d + m)
                yield from (digits for digits in orders if len(digits) >= SHORTEST_WORD)


def _pieces(number: str) -> Iterator[str]:
    for start in range(len(number) - _SHORTEST_NUMBER + 1):
        for end in range(start + _SHORTEST_NUMBER, len(number) + 1):
            yield number[start:end]
