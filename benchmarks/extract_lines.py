"""Files of made-up people and mobiles, of any size, written line by line as they are read."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

CIVIL = (
    "national_id,first_name,last_name,birth_date,gender,birth_certificate_number,birth_certificate_series,"
    "birth_certificate_serial,deceased\n"
)
OWNERS = "national_id,mobile\n"
STEP = 618_033_989  # has no factor in common with 10**9: each ID once, spread over all that can exist
PIECE = 2_000  # lines made at a time
_WEIGHTS = range(10, 1, -1)
_SYLLABLES = ("رضا", "نیا", "پور", "کریم", "حسین", "علی", "زاده", "محمد", "اکبر", "تبار", "صادق", "فر", "مراد", "دوست")
_FIRST_NAMES = ("رضا", "زهرا", "محمد", "فاطمه", "علی", "مریم", "امیرعلی", "نرگس", "حسین", "سمیه", "علی‌اکبر", "الهام")
_SERIES = ("الف", "ب", "ل", "د", "ر", "1", "5", "11")


def national_id(number: int) -> str:
    """The `number`th made-up ID."""
    digits = f"{(number + 1) * STEP % 10**9:09}"
    remainder = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11
    return digits + str(remainder if remainder < 2 else 11 - remainder)


def mobile(number: int) -> str:
    return f"09{(number + 1) * STEP % 10**9:09}"


def person(number: int) -> str:
    """A line of the civil registry; the same one each time. Half a million different family names."""
    chance = random.Random(number)  # noqa: S311
    last_name = "".join(chance.choices(_SYLLABLES, k=5))
    birth = f"{chance.randrange(1300, 1404)}/{chance.randrange(1, 13):02}/{chance.randrange(1, 30):02}"
    series = f"{chance.choice(_SERIES)}{chance.randrange(100):02}"
    return (
        f"{national_id(number)},{chance.choice(_FIRST_NAMES)},{last_name},{birth},{chance.choice(('male', 'female'))},"
        f"{chance.randrange(100_000)},{series},{chance.randrange(10**6):06},{int(chance.random() < 0.1)}\n"
    )


def owner(number: int) -> str:
    return f"{national_id(number)},{mobile(number)}\n"


class Lines(io.RawIOBase):
    """`header` and `count` lines as a file that can be read once."""

    def __init__(self, header: str, line: Callable[[int], str], count: int) -> None:
        self._lines = self._pieces(header, line, count)
        self._rest = b""

    @staticmethod
    def _pieces(header: str, line: Callable[[int], str], count: int) -> Iterator[bytes]:
        yield header.encode()
        numbers = iter(range(count))
        while piece := "".join(map(line, islice(numbers, PIECE))):
            yield piece.encode()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._rest or next(self._lines, b"")
        chunk, self._rest = block[: len(buffer)], block[len(buffer) :]
        buffer[: len(chunk)] = chunk
        return len(chunk)
