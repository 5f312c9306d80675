"""The words that passwords are made of, with their ranks; read once, when the first password is set.

A line of a list in `data/` is one word: its Persian spelling, then Latin ones; the line's number is its rank, which is
how many words a guesser tries before it. Persian letters are also taken as what the same keys type on an English
keyboard («سلام» typed without looking is "sghl"); spellings that differ by a rule are generated here.
"""

from __future__ import annotations

import re
import threading
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from itertools import islice, product
from pathlib import Path

from accounts.passwords.strength.table import Column, Keys

DATA = Path(__file__).with_name("data")
SHORTEST_WORD = 3  # shorter ones are found in random passwords too


class Kind(StrEnum):
    """The kind of a known word."""

    NAME = "name"
    PLACE = "place"
    CLUB = "club"
    DATE = "date"
    ORGANISATION = "organisation"
    WORD = "word"
    COMMON = "common"  # a password that many have
    KEYBOARD = "keyboard"
    BLIND = "blind"  # Persian, typed on an English keyboard


LISTS = (
    ("first_names.txt", Kind.NAME),
    ("family_names.txt", Kind.NAME),
    ("places.txt", Kind.PLACE),
    ("clubs.txt", Kind.CLUB),
    ("months.txt", Kind.DATE),
    ("organisation.txt", Kind.ORGANISATION),
    ("everyday.txt", Kind.WORD),
    ("walks.txt", Kind.KEYBOARD),
)
_LIBRARY_LISTS = {
    "passwords": Kind.COMMON,
    "english_wikipedia": Kind.WORD,
    "us_tv_and_film": Kind.WORD,
    "surnames": Kind.NAME,
    "male_names": Kind.NAME,
    "female_names": Kind.NAME,
}
ENDINGS = ("i", "zadeh", "pour", "ian", "nejad", "nia", "fard", "far", "rad", "lou", "khani", "abadi", "vand", "pasand")
_OF_SOMEBODY = ("am", "et", "esh", "ha", "man", "e", "jan", "joon")  # my, your, his, and plurals
_STEMS = 250  # the first of a list, which get endings
_STEM_RANK = 100  # a word with an ending is that much less common than the word
# The keys of the standard Persian keyboard that are letters on an English one; the others cannot be in a password.
_KEYS = dict(zip("ضصثقفغعهخحشسیبلاتنمظطزرذدپئآژ", "qwertyuiopasdfghjklzxcvbnmmhc", strict=True))
_PERSIAN = re.compile("[\u0600-\u06ff]")
# Latin spellings that stand for the same Persian one, by turns.
_SPELLINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ou|oo|u", ("ou", "oo", "u")),
    ("gh|q", ("gh", "q")),
    ("kh|x", ("kh", "x")),
    ("ei|ey", ("ei", "ey")),
    ("zh|j", ("zh", "j")),
    ("(?<=[^aeiou])(?:i|y|ee)$", ("i", "y", "ee")),
    ("eh$", ("eh", "e")),
    (r"([bcdfghjklmnprstvz])\1", (r"\1\1", r"\1")),
)
_MOST_LIKELY_YEARS = (range(1330, 1406), range(1960, 2031))
_OTHER_YEARS = (range(1300, 1330), range(1406, 1421), range(1900, 1960))


@dataclass(frozen=True)
class Known:
    """`ranks`: lower-case word → its rank, as the library takes it. `kinds`: the same words → what each is."""

    ranks: Column[int]
    kinds: Column[Kind]


@dataclass(frozen=True)
class Words:
    """The same as they are gathered."""

    ranks: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)

    def add(self, word: str, rank: int, kind: Kind, *, stronger: bool = False) -> None:
        """Add a word. Its more common reading counts; `stronger`: this kind is kept whatever the rank."""
        if len(word) < SHORTEST_WORD and not word.isdigit():
            return
        known = self.ranks.get(word)
        if known is None or rank < known:
            self.ranks[word] = rank
        if known is None or rank < known or stronger:
            self.kinds[word] = kind


_reading = threading.Lock()  # the library's lists are gone after the first reading


def known() -> Known:
    """All words. Reading them takes some tenths of a second, once in each process."""
    with _reading:
        return _known()


@cache
def _known() -> Known:
    """The words in a table of 3 MB. The library's own lists and dictionaries, 25 MB in every process, are let go: it
    gets our words, among which all of its own are, none rarer than there."""
    from zxcvbn import matching
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    words = _gathered()
    keys = Keys(words.ranks)
    kinds = tuple(words.kinds[word] for word in words.ranks)
    known = Known(Column(keys, array("I", words.ranks.values())), Column(keys, kinds))
    matching.RANKED_DICTIONARIES.clear()
    matching.RANKED_DICTIONARIES["known"] = known.ranks  # type: ignore[assignment]
    FREQUENCY_LISTS.clear()
    return known


def _gathered() -> Words:
    ours = Words()
    for name, kind in LISTS:
        for rank, spelled in enumerate(lines(name), start=1):
            _add_line(ours, spelled, rank, kind)
    _add_endings(ours, "first_names.txt", ENDINGS, Kind.NAME)
    _add_endings(ours, "everyday.txt", _OF_SOMEBODY, Kind.WORD)
    for rank, year in enumerate((year for years in _MOST_LIKELY_YEARS + _OTHER_YEARS for year in years), start=1):
        ours.add(str(year), rank, Kind.DATE)
        ours.add(f"{year % 100:02}", rank, Kind.DATE)
    together = _of_the_library()
    for word, rank in ours.ranks.items():
        together.add(word, rank, ours.kinds[word], stronger=True)
    return together


def lines(name: str) -> Iterator[list[str]]:
    """The spellings on each line of a list in `data/`."""
    for line in (DATA / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split()


def spellings(word: str) -> set[str]:
    """All Latin spellings of a Persian word that follow from one of them, `word` included."""
    found = {word}
    for pattern, instead in _SPELLINGS:
        if re.search(pattern, word):
            found |= {re.sub(pattern, other, one) for one in found for other in instead}
    return found


def typed_blind(word: str) -> str:
    """What the keys of a Persian word type on an English keyboard; empty if one of them types no letter there."""
    keys = [_KEYS.get(letter, "") for letter in word.replace("\u200c", "")]
    return "".join(keys) if all(keys) else ""


def _add_line(words: Words, spelled: list[str], rank: int, kind: Kind) -> None:
    persian = bool(_PERSIAN.search(spelled[0]))
    for word in spelled:
        if _PERSIAN.search(word):
            words.add(typed_blind(word), rank, Kind.BLIND)
        else:
            for spelling in spellings(word) if persian else {word}:
                words.add(spelling, rank, kind)


def _add_endings(words: Words, name: str, endings: tuple[str, ...], kind: Kind) -> None:
    stems = (spelled for spelled in lines(name) if _PERSIAN.search(spelled[0]))
    for rank, spelled in enumerate(islice(stems, _STEMS), start=1):
        for stem, ending in product(spelled[1:], endings):
            for spelling in spellings(stem + ending):
                words.add(spelling, rank + _STEM_RANK, kind)


def _of_the_library() -> Words:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # thirty thousand lines each: not before they are needed

    words = Words()
    for name, listed in FREQUENCY_LISTS.items():
        for rank, word in enumerate(listed, start=1):
            words.add(word, rank, _LIBRARY_LISTS.get(name, Kind.WORD))
    return words
