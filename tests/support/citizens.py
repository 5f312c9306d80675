"""Numbers of made-up people, for whoever needs many: no two are alike, and no extract knows them. Needs no Django."""

from __future__ import annotations

_FIRST = 990_000_000


def national_id(number: int) -> str:
    """A valid one that says the number of its person, 0 to 9,999,999."""
    digits = f"{_FIRST + number:09}"
    remainder = sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=True)) % 11
    return f"{digits}{remainder if remainder < 2 else 11 - remainder}"


def number_of(national_id: str) -> int:
    """Whose it is."""
    return int(national_id[:9]) - _FIRST


def mobile(number: int) -> str:
    """As it is typed."""
    return f"0935{number:07}"
