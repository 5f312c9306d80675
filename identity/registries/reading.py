"""Parses what providers return about a person into a `PersonRecord`. Pure.

Registries write dates as 1370/05/17 or 13700517, numbers as text or integers (a certificate number overflows an int32,
so it stays text), letters in Arabic spelling, and a سید before the name as a flag. A value of an unknown form counts as
not returned, so that it cannot cause a mismatch. Whether a person is alive is the exception: `is_dead` raises.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from common import persian
from identity.person import OwnerClaim

_MALE = ("male", "gender_male", "m", "مرد", "مذکر")
_FEMALE = ("female", "gender_female", "f", "زن", "مونث")
_ALIVE = ("alive", "death_status_alive", "زنده", "در قید حیات")
_DEAD = ("dead", "death", "deceased", "death_status_dead", "death_status_deceased", "فوت", "فوت شده", "متوفی", "مرده")


def text(value: object) -> str | None:
    """A text that is not empty, folded; None for anything else."""
    folded = " ".join(persian.fold(value).split()) if isinstance(value, str) else ""
    return folded or None


def number(value: object, *, at_most: int) -> str | None:
    """Digits, given as text or as an integer; None for anything else. Empty text stays empty.

    No character is dropped: 1254.0 would become another number without its point.
    """
    if type(value) is int and value >= 0:
        value = str(value)
    if not isinstance(value, str):
        return None
    digits = persian.fold(value)
    return digits if not digits or (digits.isascii() and digits.isdigit() and len(digits) <= at_most) else None


def is_another_id(value: object, claim: OwnerClaim) -> bool:
    """Whether `value` is a national ID other than the claim's. False for what cannot be read (a masked one)."""
    said = number(value, at_most=10)
    return bool(said) and str(said).zfill(10) != claim.national_id


def is_another_mobile(value: object, claim: OwnerClaim) -> bool:
    """As `is_another_id`, of a mobile."""
    try:
        return persian.parse_mobile(str(value)) != claim.mobile
    except persian.InputError:
        return False


def jalali(value: object) -> dt.date | None:
    """A birth date, with or without slashes."""
    written = str(value) if type(value) is int else text(value) or ""
    written = persian.fold(written)
    if re.fullmatch(r"[0-9]{8}", written):
        written = f"{written[:4]}/{written[4:6]}/{written[6:]}"
    try:
        return persian.parse_jalali(written)
    except persian.InputError:
        return None


def with_strokes(date: dt.date) -> str:
    """A birth date as 1370/05/17."""
    return persian.fold(persian.format_jalali(date))


def as_digits(date: dt.date) -> str:
    """A birth date as 13700517."""
    return with_strokes(date).replace("/", "")


def gender(value: object) -> str | None:
    """female, male or None."""
    said = (text(value) or "").lower()
    return "male" if said in _MALE else "female" if said in _FEMALE else None


def names_and_gender(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a `PersonRecord` that all providers call by the same names."""
    sex = gender(said.get("gender"))
    flag = said.get("isSeyed", said.get("namePrefix"))
    return {
        "first_name": _first_name(said.get("firstName"), flag=flag, sex=sex),
        "last_name": text(said.get("lastName")),
        "gender": sex,
    }


def _first_name(value: object, *, flag: object, sex: str | None) -> str | None:
    """A first name, with the سید that is a flag of its own (true, or the word)."""
    name = text(value)
    said = "سیده" if sex == "female" else "سید"
    flagged = flag is True or text(flag) in ("سید", "سیده")
    if name and flagged and not persian.name_key(name).startswith("سید"):
        return f"{said} {name}"
    return name


def series(value: object) -> tuple[str | None, str | None]:
    """Letter and number of «الف12», «12/الف», «1105»; both empty where it is an empty text; None for both where it is
    none of these."""
    written = re.sub(r"[\s/\-‐‑–—\u200c\u200d]", "", persian.fold(value)) if isinstance(value, str) else ""
    if isinstance(value, str) and not written:
        return "", ""
    for pattern in (r"(?P<letter>\D+|1[01]|0?[1-9])(?P<number>[0-9]{2})", r"(?P<number>[0-9]{2})(?P<letter>\D+)"):
        if found := re.fullmatch(pattern, written):
            try:
                return persian.parse_series_letter(found["letter"]), found["number"]
            except persian.InputError:
                return None, None
    return None, None


def is_dead(*, alive: object = None, death_status: object = None) -> bool:
    """Whether a flag says that the person is dead. False if no flag is there. Raises ValueError for an unknown word: a
    guess would send a living person to a branch, or make a dead person's account."""
    if isinstance(alive, bool):
        return not alive
    said = (text(death_status) or "").lower()
    if alive is not None or (death_status is not None and said not in (*_ALIVE, *_DEAD)):
        raise ValueError("neither alive nor dead")
    return said in _DEAD
