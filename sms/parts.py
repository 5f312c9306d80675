"""Counts and splits the parts in which a text is sent (GSM 03.38, 03.40). Pure functions.

One Persian letter, or even a ZWNJ, makes the text UCS-2: 70 characters in a single part, otherwise 67 a part. Latin
only: 160 or 153. Some Latin characters (€ [ ]…) and all characters outside the BMP (emoji) count twice, and are never
divided between two parts.
"""

from __future__ import annotations

_ESCAPE = "\x1b"
_LATIN = (
    f"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ{_ESCAPE}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)  # a character's index is its code
_ESCAPED = {"^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65}
_SEPTETS = {character: bytes([code]) for code, character in enumerate(_LATIN) if character != _ESCAPE} | {
    character: bytes([_LATIN.index(_ESCAPE), code]) for character, code in _ESCAPED.items()
}
LATIN_PART, LATIN_PART_OF_MANY = 160, 153
PERSIAN_PART, PERSIAN_PART_OF_MANY = 70, 67


def is_latin(text: str) -> bool:
    """Whether `text` needs no more than seven bits a character."""
    return _SEPTETS.keys() >= set(text)


def encode_latin(text: str) -> bytes:
    """`text`, for which `is_latin` is true, in the GSM alphabet, one byte for each seven bits."""
    return b"".join(_SEPTETS[character] for character in text)


def count(text: str) -> int:
    """The number of SMS parts `text` is sent in; an empty text has none."""
    return len(split(text))


def split(text: str) -> list[str]:
    """`text` divided into the parts it is sent in."""
    latin = is_latin(text)
    one, many = (LATIN_PART, LATIN_PART_OF_MANY) if latin else (PERSIAN_PART, PERSIAN_PART_OF_MANY)
    if _length(text, latin) <= one:
        return [text] if text else []
    parts: list[str] = []
    room = 0
    for character in text:
        needs = _length(character, latin)
        if needs > room:
            parts.append("")
            room = many
        parts[-1] += character
        room -= needs
    return parts


def _length(text: str, latin: bool) -> int:
    return len(encode_latin(text)) if latin else len(text.encode("utf-16-be", "surrogatepass")) // 2
