"""The choices of countries, provinces and cities (`cities.json`; proper names are data, in Persian).

Countries are ISO 3166 codes, and a city is stored as «province، city»: readable
as it stands, and never two places in one word.
"""

from __future__ import annotations

import json
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_DATA = json.loads(Path(__file__).with_name("cities.json").read_text(encoding="utf-8"))

Choice = tuple[str, "str | Promise"]

IRAN = "IR"
OUTSIDE_IRAN: str = _DATA["outside_iran"]  # the "city" of a person who lives in another country
COUNTRIES: tuple[Choice, ...] = tuple(_DATA["countries"].items())  # Iran first, then by the alphabet


def stored_city(province: str, city: str) -> str:
    """What the database keeps for `city` of `province`."""
    return f"{province}، {city}"


def _cities() -> tuple[tuple[str | Promise, str | Promise | tuple[Choice, ...]], ...]:
    provinces = (
        (province, tuple((stored_city(province, city), city) for city in cities))
        for province, cities in _DATA["provinces"].items()
    )
    return (("", _("Choose")), *provinces, (OUTSIDE_IRAN, OUTSIDE_IRAN))


CITIES = _cities()  # choices of a select, grouped by province; the capital of each comes first
