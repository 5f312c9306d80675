"""The fields of a person, and what is made of them: what somebody claims, and what a registry returns.

Every other list of these fields is made from `FIELDS`, or held to it by tests/test_person_fields.py;
docs/add-a-field.md says how one is added. Pure: no Django, no registry.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any


@dataclasses.dataclass(frozen=True)
class Person:
    """What stands in the birth certificate, in the spelling of `tamin_portal.persian`'s parsers."""

    first_name: str
    last_name: str
    certificate_number: str
    certificate_serial: str
    series_letter: str
    series_number: str
    birth_date: dt.date
    gender: str  # female | male

    def __repr__(self) -> str:
        # A traceback or a log line must not tell who it is about; subclasses inherit it by `repr=False`.
        return f"{type(self).__name__}(…)"


@dataclasses.dataclass(frozen=True, slots=True)
class PersonRecord:
    """What a registry returns about a person. None: this registry does not return the field.

    An empty certificate number is a value (the registry has none); the other fields have no
    meaningful empty value, so empty counts as not returned.
    """

    first_name: str | None = None
    last_name: str | None = None
    certificate_number: str | None = None
    certificate_serial: str | None = None
    series_letter: str | None = None
    series_number: str | None = None
    birth_date: dt.date | None = None
    gender: str | None = None
    deceased: bool = False

    def __repr__(self) -> str:
        return "PersonRecord(…)"


@dataclasses.dataclass(frozen=True)
class OwnerClaim:
    """A mobile, and the national ID of the person who says that it is theirs."""

    national_id: str
    mobile: str  # E.164

    def __repr__(self) -> str:
        return "OwnerClaim(…)"


@dataclasses.dataclass(frozen=True, repr=False)
class Claim(Person, OwnerClaim):
    """What a person says about themselves."""


FIELDS = tuple(field.name for field in dataclasses.fields(Person))


def fields_of(source: object) -> dict[str, Any]:
    """The fields of a person by name, as `source` (a row, a claim) has them."""
    return {name: getattr(source, name) for name in FIELDS}
