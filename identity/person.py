"""The fields of a person: what somebody claims, what a registry returns, and how the two are compared.

Every other list of these fields is made from `FIELDS`, or held to it by tests/identity/test_person_fields.py;
docs/add-a-field.md says how one is added. Pure: no Django, no registry.

Which fields decide, and how each is compared (`DECISIVE` is this table in code, docs/matching.md has it too):

| field              | compared as                                              | not returned  |
|--------------------|----------------------------------------------------------|---------------|
| last_name          | name, however it is written; near: a سید of one side     | a person looks|
| first_name         | name, however it is written; near: a سید of one side     | a person looks|
| birth_date         | the same day, or as much of it as both sides do not know | unknown       |
| gender             | the same                                                 | unknown       |
| certificate_number | number; 0, blank and the own national ID are the same    | unknown       |
| series_letter      | letter or number; الف, ا and أ are the same              | unknown       |
| series_number      | number                                                   | unknown       |
| certificate_serial | number                                                   | unknown       |

A number is its digits in any script without leading zeros. Series, serial, and the day or month of birth may not be in
the certificate. Who says so (`NOT_THERE`) matches only a registry that says the same; otherwise a person looks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from common import persian


class FieldVerdict(StrEnum):
    """What the comparison of one field says."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"  # not asked, or not returned
    # Nearly the same: one side leaves out a سید, or has nothing where the other has something.
    NEEDS_A_PERSON = "needs_a_person"


class BirthUnknown(StrEnum):
    """What the certificate does not say of the birth date. The date is then the first day of what it does say."""

    NOTHING = ""
    DAY = "day"
    MONTH = "month"  # the day neither


NOT_THERE = ""  # of series and serial: the certificate has none


@dataclass(frozen=True)
class Person:
    """The fields of the birth certificate, as `common.persian`'s parsers spell them; NOT_THERE where it has none."""

    first_name: str
    last_name: str
    certificate_number: str
    certificate_serial: str
    series_letter: str
    series_number: str
    birth_date: dt.date
    gender: str  # female | male
    birth_unknown: str = field(default=BirthUnknown.NOTHING.value, kw_only=True)

    def __repr__(self) -> str:
        # No personal data in tracebacks and logs. Subclasses inherit it by `repr=False`.
        return f"{type(self).__name__}(…)"


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """What a registry returns about a person. None: this registry does not return the field.

    An empty certificate number is a value: the registry has none. So are an empty series and serial where the registry
    `tells_what_is_not_there`; others leave texts empty that they do not deliver. Otherwise, empty is not returned.
    `birth_unknown` belongs to the birth date.
    """

    first_name: str | None = None
    last_name: str | None = None
    certificate_number: str | None = None
    certificate_serial: str | None = None
    series_letter: str | None = None
    series_number: str | None = None
    birth_date: dt.date | None = None
    gender: str | None = None
    birth_unknown: str = BirthUnknown.NOTHING.value
    deceased: bool = False
    tells_what_is_not_there: bool = False

    def __repr__(self) -> str:
        return "PersonRecord(…)"


@dataclass(frozen=True)
class OwnerClaim:
    """A mobile, and the national ID of the person who claims to own it."""

    national_id: str
    mobile: str  # E.164

    def __repr__(self) -> str:
        return "OwnerClaim(…)"


@dataclass(frozen=True, repr=False)
class Claim(Person, OwnerClaim):
    """What a person says about themselves."""


FIELDS = tuple(field.name for field in fields(Person))


@dataclass(frozen=True, slots=True)
class Born:
    """A birth date, and how much of it is not known."""

    date: dt.date
    unknown: str

    def may_be(self, other: Born) -> bool:
        """Whether the two are the same as far as both are known. Year, month and day are those of the Jalali date."""
        if self.date == other.date:
            return True
        known = min(_KNOWN_PARTS[self.unknown], _KNOWN_PARTS[other.unknown])
        return persian.jalali_parts(self.date)[:known] == persian.jalali_parts(other.date)[:known]


_KNOWN_PARTS = {BirthUnknown.NOTHING.value: 3, BirthUnknown.DAY.value: 2, BirthUnknown.MONTH.value: 1}


def born_of(source: Person | PersonRecord) -> Born | None:
    """The birth date of `source`; None if a registry did not return it."""
    return Born(source.birth_date, source.birth_unknown) if source.birth_date else None


def comparable(source: Person | PersonRecord, name: str) -> Any:
    """The value of a decisive field, as its rule takes it."""
    return born_of(source) if name == "birth_date" else getattr(source, name)


def fields_of(source: object) -> dict[str, Any]:
    """The fields of a person in `source` (a row, a claim), by name."""
    return {name: getattr(source, name) for name in FIELDS}


def _same_name(claimed: str, known: str, _national_id: str) -> FieldVerdict:
    return {
        persian.NameMatch.SAME: FieldVerdict.MATCH,
        persian.NameMatch.FOR_A_PERSON: FieldVerdict.NEEDS_A_PERSON,
        persian.NameMatch.DIFFERENT: FieldVerdict.MISMATCH,
    }[persian.compare_names(claimed, known)]


def _equal(claimed: object, known: object, _national_id: str) -> FieldVerdict:
    return FieldVerdict.MATCH if claimed == known else FieldVerdict.MISMATCH


def _same_day(claimed: Born, known: Born, national_id: str) -> FieldVerdict:
    """Whether two birth dates are equal, and known as far. Where one side knows less, the rest decides whether it is
    another date, and a person looks at what is missing."""
    if claimed.unknown == known.unknown or not claimed.may_be(known):
        return _equal(claimed, known, national_id)
    return FieldVerdict.NEEDS_A_PERSON


def _same_number(claimed: str, known: str, _national_id: str) -> FieldVerdict:
    """Whether two numbers are equal, in any script and without leading zeros: some registries store numbers as
    integers, and none as 0."""
    return _equal(_bare_number(claimed), _bare_number(known), _national_id)


def _same_certificate(claimed: str, known: str, national_id: str) -> FieldVerdict:
    """Whether two certificate numbers are equal: 0, blank and the person's own national ID mean the same for younger
    people."""
    none = ("", _bare_number(national_id))
    one, other = (_bare_number(number) for number in (claimed, known))
    return _equal("" if one in none else one, "" if other in none else other, national_id)


def _same_series_letter(claimed: str, known: str, _national_id: str) -> FieldVerdict:
    return _equal(_series_letter(claimed), _series_letter(known), _national_id)


def _bare_number(text: str) -> str:
    return persian.fold_number(text).lstrip("0")


def _series_letter(text: str) -> str:
    try:
        return persian.parse_series_letter(text)
    except persian.InputError:
        return persian.fold_number(text)


@dataclass(frozen=True, slots=True)
class Decisive:
    """A field that decides. `needed`: if it is not returned, no account is made automatically; a person looks.

    `empty_is_a_value`: an empty text from the registry is compared, not taken as "not returned".
    `may_be_absent`: the certificate may have none. Then NOT_THERE matches nothing but a registry's NOT_THERE; a person
    looks at everything else, also at a field that is not returned, or anybody could leave out what they do not know.
    """

    compare: Callable[[Any, Any, str], FieldVerdict]
    needed: bool = False
    empty_is_a_value: bool = False
    may_be_absent: bool = False


# The look-up is by ID and birth date (a wrong date is NOT_FOUND), so the date need not be returned.
DECISIVE: Mapping[str, Decisive] = {
    "last_name": Decisive(_same_name, needed=True),
    "first_name": Decisive(_same_name, needed=True),
    "birth_date": Decisive(_same_day),
    "gender": Decisive(_equal),
    "certificate_number": Decisive(_same_certificate, empty_is_a_value=True),
    "series_letter": Decisive(_same_series_letter, may_be_absent=True),
    "series_number": Decisive(_same_number, may_be_absent=True),
    "certificate_serial": Decisive(_same_number, may_be_absent=True),
}
