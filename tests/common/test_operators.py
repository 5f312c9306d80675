"""Whose prefix a mobile has: our table against libphonenumber's."""

from __future__ import annotations

from phonenumbers import parse
from phonenumbers.carrier import name_for_number

from common import operators

# libphonenumber's names of the operators → our keys.
OWNERS = {
    "": "",
    "IR-MCI": "mci",
    "Irancell": "irancell",
    "Rightel": "rightel",
    "Aptel": "aptel",
    "TeleKish": "telekish",
    "MTCE": "espadan",
}


def test_the_table_of_prefixes_says_what_libphonenumber_says() -> None:
    for start in range(90000, 100000):
        mobile = f"+98{start}12345"
        assert operators.hint(mobile) == OWNERS[name_for_number(parse(mobile), "en")], mobile


def test_every_prefix_belongs_to_an_operator_of_the_list() -> None:
    assert set(operators.PREFIXES.values()) <= set(operators.OPERATORS)
