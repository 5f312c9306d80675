"""The choices of countries, provinces and cities (`cities.json`; proper names are data, in
Persian; what they are called in other languages is in the catalogues).

Countries are ISO 3166 codes, and a city is stored as «province، city»: readable
as it stands, and never two places in one word.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from common import languages

_DATA = json.loads(Path(__file__).with_name("cities.json").read_text(encoding="utf-8"))

Choice = tuple[str, "str | Promise"]
Grouped = tuple["str | Promise", "str | Promise | tuple[Choice, ...]"]

IRAN = "IR"
OUTSIDE_IRAN: str = _DATA["outside_iran"]  # the "city" of a person who lives in another country
COUNTRIES: tuple[Choice, ...] = tuple(_DATA["countries"].items())  # Iran first, then by the alphabet


def stored_city(province: str, city: str) -> str:
    """What the database keeps for `city` of `province`."""
    return f"{province}، {city}"


def _cities() -> tuple[Grouped, ...]:
    provinces = (
        (province, tuple((stored_city(province, city), city) for city in cities))
        for province, cities in _DATA["provinces"].items()
    )
    return (("", _("Choose")), *provinces, (OUTSIDE_IRAN, OUTSIDE_IRAN))


CITIES = _cities()  # choices of a select, grouped by province; the capital of each comes first


def city_choices() -> tuple[Grouped, ...]:
    """`CITIES` in the language of the page; in another one than Persian by its alphabet, where the names have it."""
    return _cities_in(get_language() or "fa")


def country_choices() -> tuple[Choice, ...]:
    """`COUNTRIES` in the language of the page, as `city_choices`."""
    return _countries_in(get_language() or "fa")


@lru_cache(maxsize=8)  # a select of 457 names is on one page of every registration
def _cities_in(language: str) -> tuple[Grouped, ...]:
    with override(language):
        if languages.is_persian():
            return CITIES
        provinces = {
            languages.name(languages.PROVINCE, province): _by_name(
                [(stored_city(province, city), languages.name(languages.CITY, city)) for city in cities], first=1
            )
            for province, cities in _DATA["provinces"].items()
        }
        abroad = (OUTSIDE_IRAN, languages.name(languages.CITY, OUTSIDE_IRAN))
        return (CITIES[0], *((name, provinces[name]) for name in _in_order(list(provinces))), abroad)


@lru_cache(maxsize=8)
def _countries_in(language: str) -> tuple[Choice, ...]:
    with override(language):
        if languages.is_persian():
            return COUNTRIES
        named = [(code, languages.name(languages.COUNTRY, country)) for code, country in _DATA["countries"].items()]
        return _by_name(named, first=1)


def _by_name(choices: list[tuple[str, str]], *, first: int) -> tuple[Choice, ...]:
    """`choices` in the order of their names; the `first` ones (a capital, Iran) stay where they are."""
    order = _in_order([name for _value, name in choices[first:]])
    return (*choices[:first], *sorted(choices[first:], key=lambda choice: order.index(choice[1])))


def _in_order(names: list[str]) -> list[str]:
    """`names` by the Latin alphabet. Names in another script stay in the order of the data: code points of the Arabic
    script are no alphabet of Persian or Kurdish."""
    return sorted(names) if all(max(name) < "\u0370" for name in names) else names


def names() -> dict[str, list[str]]:
    """All names of the data, by what a catalogue calls their kind."""
    return {
        languages.PROVINCE: list(_DATA["provinces"]),
        languages.CITY: [*(city for cities in _DATA["provinces"].values() for city in cities), OUTSIDE_IRAN],
        languages.COUNTRY: list(_DATA["countries"].values()),
    }
