"""Words with what is known of each, in a sixth of a dictionary's memory: 119,000 of them stay in every web process.

One text holds all words, an open-addressed hash table their numbers. A look-up takes some tenths of a microsecond.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

Value = TypeVar("Value")
_SLOTS = 2**18  # twice as many as there are words, so that most look-ups end at the first or second
_MASK = _SLOTS - 1


class Keys:
    """Words, numbered in their order; at most half as many as `_SLOTS`."""

    def __init__(self, words: Iterable[str]) -> None:
        listed = list(words)
        if 2 * len(listed) > _SLOTS:
            raise ValueError("too many words for the table")
        self._text = "".join(listed)
        self._starts = array("I", accumulate(map(len, listed), initial=0))
        self._numbers = array("I", bytes(array("I").itemsize * _SLOTS))  # from 1; 0: none
        for number, word in enumerate(listed, start=1):
            slot = hash(word) & _MASK
            while self._numbers[slot]:
                slot = (slot + 1) & _MASK
            self._numbers[slot] = number

    def __len__(self) -> int:
        return len(self._starts) - 1

    def find(self, word: str) -> int:
        """The number of a word, from 0; -1: it is not among them."""
        slot = hash(word) & _MASK
        while number := self._numbers[slot]:
            if self._text[self._starts[number - 1] : self._starts[number]] == word:
                return number - 1
            slot = (slot + 1) & _MASK
        return -1


class Column(Generic[Value]):
    """One value of each word. Read as a dictionary is, as far as zxcvbn reads one."""

    def __init__(self, keys: Keys, values: Sequence[Value]) -> None:
        self._keys, self._values = keys, values

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, word: str) -> bool:
        return self._keys.find(word) >= 0

    def __getitem__(self, word: str) -> Value:
        """Raises KeyError."""
        number = self._keys.find(word)
        if number < 0:
            raise KeyError(word)
        return self._values[number]
