"""Whether a secret key could have come from a random generator.

The entropy of a single text cannot be measured, so this looks for what generators do not make: few different
characters, repeated pieces, sequences, rows of the keyboard, and Latin words. It never refuses what
`secrets.token_urlsafe`, `token_hex` or Django's `get_random_secret_key` write: the thresholds are far from what
chance does (tests/common/test_key_strength.py).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter

LEAST_BITS = 100.0
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
# The commonest pairs of letters in English; of all pairs in English texts they are more than half, of random ones a
# twelfth. Persian words in Latin letters have as many of them, and pairs of vowel and consonant beside.
_COMMON = """
    th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me de hi ri ro ic
    ne ea ra ce li ch ll be ma si om ur am ee sh az mi im da ta ja
"""
_PAIRS = frozenset(_COMMON.split())
_WORDLIKE = 0.4  # of the pairs of letters;
_PAIRS_AT_LEAST = 20  # with fewer, chance could do it: as it is, with one random key in ten thousand million
_TELLTALES = ("password", "changeme", "change-this", "insecure", "production", "development", "secretkey", "secret-key")


def looks_random(key: str) -> bool:
    """False for a key that a person made up, as far as it can be told."""
    return estimated_bits(key) >= LEAST_BITS and not _has_words(key.lower())


def estimated_bits(key: str) -> float:
    """The entropy by the frequencies of its characters, of those that nothing before them foretells."""
    free = [character for at, character in enumerate(key) if not _is_foretold(key, at)]
    counts = Counter(free)
    per_character = -sum(n / len(free) * math.log2(n / len(free)) for n in counts.values()) if free else 0.0
    return per_character * len(free)


def _is_foretold(key: str, at: int) -> bool:
    """Whether the character at `at` ends a piece of three that was there before, or goes on with a sequence."""
    if at < 2:
        return False
    piece = key[at - 2 : at + 1]
    woven = key[at - 4 : at + 1 : 2] if at >= 4 else ""  # two sequences in turn: aAbBcC, 1q2w3e
    return key.find(piece) < at - 2 or _is_sequence(piece.lower()) or (bool(woven) and _is_sequence(woven.lower()))


def _is_sequence(piece: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(piece)}
    if steps in ({0}, {1}, {-1}):
        return True
    return any(piece in row or piece[::-1] in row for row in _ROWS)


def _has_words(text: str) -> bool:
    if any(word in text for word in _TELLTALES):
        return True
    pairs = [text[at : at + 2] for at in range(len(text) - 1) if text[at : at + 2].isalpha()]
    common = sum(pair in _PAIRS for pair in pairs)
    return common >= _PAIRS_AT_LEAST and common >= _WORDLIKE * len(pairs)
