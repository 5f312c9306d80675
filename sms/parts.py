"""How many parts a text costs (GSM 03.38, 03.40). Pure.

One Persian letter, even a ZWNJ, makes it UCS-2: 70 characters in one part, else 67 a part; Latin
only: 160 or 153, where a few characters count twice.
"""

from __future__ import annotations

_LATIN = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_LATIN_TWICE = frozenset("^{}\\[~]|€")
LATIN_PART, LATIN_PART_OF_MANY = 160, 153
PERSIAN_PART, PERSIAN_PART_OF_MANY = 70, 67


def is_plain_latin(text: str) -> bool:
    """Whether `text` needs no more than seven bits a character."""
    return set(text) <= _LATIN


def count(text: str) -> int:
    """The number of SMS parts `text` is sent in; an empty text has none."""
    if set(text) <= _LATIN | _LATIN_TWICE:
        length, one, many = len(text) + sum(c in _LATIN_TWICE for c in text), LATIN_PART, LATIN_PART_OF_MANY
    else:
        length, one, many = len(text.encode("utf-16-be")) // 2, PERSIAN_PART, PERSIAN_PART_OF_MANY
    return min(length, 1) if length <= one else -(-length // many)
