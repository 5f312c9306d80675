"""Made-up people by number: what they claim, what the registries know of them, and what must come of it.

The number is in the national ID, so that a stub in another process needs no list of them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from common import persian
from identity.person import Claim, PersonRecord, fields_of
from tests.support import citizens

FIRST_NAME, LAST_NAME = "فرزانه", "ساختگیان کوشا"  # no other text of the portal has them: logs are searched for them
OTHER_LAST_NAME = "دیگرزاده"
_BORN = dt.date(1991, 8, 8)


class Plot(StrEnum):
    MATCHES = "matches"
    OTHER_NAME = "other_name"
    OTHER_OWNER = "other_owner"
    NOBODY = "nobody"  # no such ID with this birth date
    DECEASED = "deceased"


# The last two digits of the number say which; everybody else matches.
_PLOTS = {7: Plot.OTHER_NAME, 27: Plot.OTHER_OWNER, 47: Plot.NOBODY, 67: Plot.DECEASED, 87: Plot.OTHER_OWNER}


@dataclass(frozen=True, slots=True)
class Somebody:
    """One of them."""

    number: int
    claim: Claim
    plot: Plot

    @property
    def record(self) -> PersonRecord | None:
        """What the civil registry knows under the claimed ID and birth date; names as it spells them."""
        if self.plot is Plot.NOBODY:
            return None
        names = {"first_name": self.claim.first_name, "last_name": self.claim.last_name}
        if self.plot is Plot.OTHER_NAME:
            names["last_name"] = OTHER_LAST_NAME
        spelled = {field: name.replace("ی", "ي").replace("ک", "ك") for field, name in names.items()}
        return PersonRecord(**fields_of(self.claim) | spelled, deceased=self.plot is Plot.DECEASED)

    @property
    def owns_the_mobile(self) -> bool:
        return self.plot is not Plot.OTHER_OWNER


def person(number: int) -> Somebody:
    """The one with this number, 0 to 9,999,999."""
    claim = Claim(
        national_id=citizens.national_id(number), mobile=persian.parse_mobile(citizens.mobile(number)),
        first_name=FIRST_NAME, last_name=LAST_NAME, birth_date=_BORN, gender="female", certificate_number="1254",
        series_letter="الف", series_number="12", certificate_serial="345678",
    )  # fmt: skip
    return Somebody(number, claim, _PLOTS.get(number % 100, Plot.MATCHES))


def known_as(national_id: str) -> Somebody:
    """The one with this national ID. Raises ValueError: nobody has it."""
    found = person(citizens.number_of(national_id))
    if found.claim.national_id != national_id:
        raise ValueError("nobody has this national ID")
    return found


def born_on(one: Somebody, typed: str) -> bool:
    """Whether a birth date as a provider is given it (1370/05/17 or 13700517) is this person's."""
    digits = persian.fold_number(typed)
    return persian.parse_jalali(f"{digits[:4]}/{digits[4:6]}/{digits[6:8]}") == one.claim.birth_date
