"""Counts and splits the parts in which a text is sent (GSM 03.38, 03.40). Pure functions.

One Persian letter, or even a ZWNJ, makes the text UCS-2: 70 characters in a single part, otherwise 67 a part. Latin
only: 160 or 153. Some Latin characters (€ [ ]…) and all characters outside the BMP (emoji) count twice, and are never
divided between two parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_ESCAPE = "\x1b"
_LATIN = (
    f"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ{_ESCAPE}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)  # a character's index is its code
_ESCAPED = {"^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65}
_SEPTETS = {character: chr(code) for code, character in enumerate(_LATIN) if character != _ESCAPE} | {
    character: chr(_LATIN.index(_ESCAPE)) + chr(code) for character, code in _ESCAPED.items()
}
_TO_SEPTETS = str.maketrans(_SEPTETS)
# Every text is counted when it is queued, so it is looked at by expressions and encoders, not character by character.
_NOT_LATIN = re.compile(f"[^{re.escape(''.join(_SEPTETS))}]")
_TWICE = re.compile(f"[{re.escape(''.join(_ESCAPED))}]")
LATIN_PART, LATIN_PART_OF_MANY = 160, 153
PERSIAN_PART, PERSIAN_PART_OF_MANY = 70, 67


def is_latin(text: str) -> bool:
    """Whether `text` needs no more than seven bits a character."""
    return _NOT_LATIN.search(text) is None


def encode_latin(text: str) -> bytes:
    """`text`, for which `is_latin` is true, in the GSM alphabet, one byte for each seven bits."""
    return text.translate(_TO_SEPTETS).encode("ascii")


def count(text: str) -> int:
    """The number of SMS parts `text` is sent in; an empty text has none."""
    return len(split(text))


def split(text: str) -> list[str]:
    """`text` divided into the parts it is sent in."""
    if is_latin(text):
        one, many, length = LATIN_PART, LATIN_PART_OF_MANY, _latin_length
    else:
        one, many, length = PERSIAN_PART, PERSIAN_PART_OF_MANY, _persian_length
    if (whole := length(text)) <= one:
        return [text] if text else []
    if whole == len(text):  # every character counts once
        return [text[begin : begin + many] for begin in range(0, whole, many)]
    return list(_pieces(text, many, length))


def _pieces(text: str, many: int, length: Callable[[str], int]) -> Iterator[str]:
    """The longest pieces of `text` that count `many` or less."""
    while text:
        piece = text[:many]
        while (over := length(piece) - many) > 0:
            piece = piece[: -((over + 1) // 2)]  # a character counts twice at most: so many have to go at least
        yield piece
        text = text[len(piece) :]


def _latin_length(text: str) -> int:
    return len(text) + len(_TWICE.findall(text))


def _persian_length(text: str) -> int:
    return len(text.encode("utf-16-be", "surrogatepass")) // 2
