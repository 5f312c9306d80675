"""Checks whether a text can be stored in a database."""

from __future__ import annotations


def can_be_stored(text: str) -> bool:
    """Whether databases take `text`: it has no NUL, and no half of a character (a lone surrogate)."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
