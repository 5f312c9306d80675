"""Provinces, cities, countries and operators: what a person chooses from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from common.operators import OPERATORS
from registration import cities
from registration.models import Registration


def every_city() -> Iterator[tuple[str, str, str]]:
    """Province, stored value and shown name of every city."""
    for province, choices in cities.CITIES:
        if isinstance(choices, tuple):
            for value, name in choices:
                yield str(province), value, str(name)


def test_all_31_provinces_have_their_main_cities() -> None:
    provinces = {province for province, _value, _name in every_city()}
    assert len(provinces) == 31
    assert all(sum(1 for place in every_city() if place[0] == province) >= 5 for province in provinces)


def test_no_two_cities_are_stored_alike_and_all_fit_the_column() -> None:
    stored = [value for _province, value, _name in every_city()] + [cities.OUTSIDE_IRAN]
    longest = Registration._meta.get_field("city").max_length
    assert len(stored) == len(set(stored))
    assert longest
    assert max(map(len, stored)) <= longest


def test_nobody_is_put_into_a_city_by_default_and_living_abroad_is_a_choice() -> None:
    assert cities.CITIES[0][0] == ""
    assert cities.CITIES[-1] == (cities.OUTSIDE_IRAN, cities.OUTSIDE_IRAN)


def test_iran_is_the_first_country_and_the_big_operators_come_first() -> None:
    assert cities.COUNTRIES[0] == (cities.IRAN, "ایران")
    assert all(re.fullmatch("[A-Z]{2}", code) for code, _name in cities.COUNTRIES)
    assert list(OPERATORS.values())[:3] == ["همراه اول", "ایرانسل", "رایتل"]
    assert len({name for _code, name in cities.COUNTRIES}) == len(cities.COUNTRIES)


def test_names_are_spelt_with_persian_letters() -> None:
    names = [value for _p, value, _n in every_city()] + [str(n) for _c, n in cities.COUNTRIES] + [*OPERATORS.values()]
    assert not [name for name in names if re.search("[يىكٔ]", name) or name != name.strip()]
