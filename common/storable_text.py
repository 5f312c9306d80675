"""Checks whether a text can be stored in a database."""

from __future__ import annotations


def can_be_stored(text: str) -> bool:
    """Whether databases take `text`: it has no NUL, and no half of a character (a lone surrogate)."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
