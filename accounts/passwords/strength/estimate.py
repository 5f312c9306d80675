"""Estimates how many guesses a password takes, by zxcvbn's patterns and scoring over our own words, and says what is
weak about it.

Differences from `zxcvbn.zxcvbn` (docs/decisions/0027-how-strong-a-password-is.md): words are in one dictionary and not
in ten, which makes it fast; nothing of a person stays in the module; the addition of 10,000 guesses for every further
part is left out, because with it "Tehran1370!" counts as strong; years are of the solar calendar too.
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator

from accounts.passwords.strength.about import About
from accounts.passwords.strength.words import known
from common import limits

SIGNS = "&%$#!"  # those that the guide allows
_SHORTEST = 8  # letters of a common password that may be decorated
_KNOWN, _OWN, _OWN_RANK = "known", "own", 10
_WORDS_FIRST = 2  # a word says more than a pattern that is two letters longer
_SOLAR = range(1300, 1421)  # years; 621 later is the same one of the Gregorian calendar
_GREGORIAN_IS = 621
# Digits and signs for letters. The library knows more of them and tries all combinations: thirty and more in a text
# that is made for it, which takes longer than all else together.
_LEET = {
    "a": ["4"], "b": ["8"], "e": ["3"], "g": ["9"], "i": ["1", "!"], "l": ["1"], "o": ["0"], "s": ["$", "5"],
    "t": ["7"],
}  # fmt: skip
_RUN = re.compile(r"(.+?)\1{2,}", re.DOTALL)
_SIGN_RUN = re.compile(f"[{re.escape(SIGNS)}]+")


class Weakness(StrEnum):
    """What makes a password easy to guess; each has its sentence in `accounts.passwords.rules`."""

    OWN = "own"
    NAME = "name"
    PLACE = "place"
    CLUB = "club"
    DATE = "date"
    ORGANISATION = "organisation"
    WORD = "word"
    COMMON = "common"
    BLIND = "blind"
    KEYBOARD = "keyboard"
    REPEAT = "repeat"
    SEQUENCE = "sequence"


_REPETITION = {"pattern": "repeat"}  # one that the library does not see
_PATTERNS = {
    "date": Weakness.DATE,
    "spatial": Weakness.KEYBOARD,
    "repeat": Weakness.REPEAT,
    "sequence": Weakness.SEQUENCE,
}


@dataclass(frozen=True)
class _Reading:
    """One way to read a piece of a password: `cost` in guesses, and the parts in `matches`."""

    cost: Decimal
    matches: list[Any]


def weakness(password: str, about: About | None = None) -> Weakness | None:
    """What is weak about a password that takes fewer than `limits.PASSWORD_GUESSES`; None: it is strong.

    It takes any text. A long one is read in pieces, and is strong as soon as one piece is: whoever guesses the whole
    has guessed that piece.
    """
    if is_common(password):
        return Weakness.COMMON
    reading = _hardest_piece(password, about or About())
    return None if reading.cost >= limits.PASSWORD_GUESSES else _of(reading.matches)


def guesses(password: str, about: About | None = None) -> Decimal:
    """How many guesses it takes at least: those of its hardest piece."""
    return _hardest_piece(password, about or About()).cost


def is_common(password: str) -> bool:
    """Whether it is one of the 20,000 most common passwords that come with Django, in any case of letters; or a long
    enough one of these that was only decorated as our rules require: with digits and signs at its end.

    A shorter common word at the beginning does not count: "monkey" with four characters of one's own is not weak
    because of the word.
    """
    typed = password[: limits.PASSWORD_LONGEST].lower()
    undecorated = len(typed.rstrip(string.digits + SIGNS))
    ends = range(max(undecorated, _SHORTEST), len(typed) + 1)
    return any(typed[:end] in _common() for end in (*ends, len(typed)))


@cache
def _common() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords)


def _hardest_piece(password: str, about: About) -> _Reading:
    """The reading of the text as it is, or with repetitions left out, because the library misses one that ends
    half-way."""
    typed = password[: limits.PASSWORD_LONGEST]
    whole = _hardest(typed, about)
    folded = _RUN.sub(r"\1\1", typed)
    if folded == typed or whole.cost < limits.PASSWORD_GUESSES:
        return whole
    once = _hardest(folded, about)
    return min(whole, _Reading(once.cost, [_REPETITION, *once.matches]), key=lambda reading: reading.cost)


def _hardest(text: str, about: About) -> _Reading:
    hardest = _Reading(Decimal(1), [])
    for start in range(0, len(text), limits.PASSWORD_PIECE):
        reading = _cheapest(text[start : start + limits.PASSWORD_PIECE], about)
        hardest = max(hardest, reading, key=lambda reading: reading.cost)
        if hardest.cost >= limits.PASSWORD_GUESSES:
            break
    return hardest


def _cheapest(piece: str, about: About) -> _Reading:
    """The reading of the piece as it is, or without its signs, which are often put around a weak word."""
    whole = _read(piece, about.words_in(piece))
    bare = _SIGN_RUN.sub("", piece)
    if bare in ("", piece):
        return whole
    inside = _read(bare, about.words_in(bare))
    cost = inside.cost
    for run in _SIGN_RUN.findall(piece):
        cost *= 2 * len(SIGNS) ** len(run) if len(set(run)) > 1 else 2 * len(SIGNS) * len(run)
    return min(whole, _Reading(cost, inside.matches), key=lambda reading: reading.cost)


def _read(text: str, own: set[str]) -> _Reading:
    from zxcvbn import matching, scoring  # loads long lists: imported when they are needed

    words: dict[str, Any] = {_OWN: dict.fromkeys(own, _OWN_RANK), _KNOWN: known().ranks}  # of equals the first is taken
    begun = text[:1].lower() + text[1:]  # a capital is required, and most people put it there: it adds nothing
    found: list[Any] = [*matching.spatial_match(begun), *matching.sequence_match(begun)]
    found += matching.dictionary_match(text, words) + matching.reverse_dictionary_match(text, words)
    found += matching.l33t_match(text, words, _LEET)
    dates: list[Any] = matching.date_match(text)
    for date in dates:
        if date["year"] in _SOLAR:
            date["year"] += _GREGORIAN_IS  # as near as the library takes other years to be
    repeats: list[Any] = matching.repeat_match(text)
    for repeat in repeats:  # the library uses neither our words nor the person's there
        repeat["base_guesses"] = min(repeat["base_guesses"], _read(repeat["base_token"], own).cost)
    best = scoring.most_guessable_match_sequence(text, [*found, *dates, *repeats], _exclude_additive=True)
    return _Reading(Decimal(best["guesses"]), list(best["sequence"]))


def _of(matches: list[Any]) -> Weakness:
    """The weakness of the longest part, words before patterns; the person's own words first, wherever they are."""
    parts = [match for match in matches if match["pattern"] != "bruteforce"]
    if any(match.get("dictionary_name") == _OWN for match in parts):
        return Weakness.OWN
    if _REPETITION in parts:
        return Weakness.REPEAT
    if not parts:
        return Weakness.WORD  # too short to hold anything else
    longest = max(parts, key=lambda match: len(match["token"]) + _WORDS_FIRST * (match["pattern"] == "dictionary"))
    if longest["pattern"] == "dictionary":
        return Weakness(known().kinds[longest["matched_word"]])
    return _PATTERNS[longest["pattern"]]
