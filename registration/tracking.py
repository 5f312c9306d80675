"""Tracking codes: nine random digits and a Luhn check digit, shown 3-3-4."""

from __future__ import annotations

import secrets

from common.persian import InputError, parse_national_id, pasted_number


def new_code() -> str:
    """A random tracking code, ten ASCII digits. Uniqueness is the database's to say.

    Never one that could be a national ID: whoever types ten digits means one of the two.
    """
    while True:
        body = "".join(secrets.choice("0123456789") for _ in range(9))
        code = body + _check_digit(body)
        if not _is_national_id(code):
            return code


def parse(text: str) -> str | None:
    """The ten digits of a tracking code as a person types it (any script, spaces, hyphens, its label), or None."""
    code = pasted_number(text)
    if len(code) == 10 and code.isascii() and code.isdigit() and code[9] == _check_digit(code[:9]):
        return code
    return None


def grouped(code: str) -> str:
    """123 456 7890: as it is shown."""
    return f"{code[:3]} {code[3:6]} {code[6:]}"


def _is_national_id(code: str) -> bool:
    try:
        return parse_national_id(code) == code
    except InputError:
        return False


def _check_digit(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)
