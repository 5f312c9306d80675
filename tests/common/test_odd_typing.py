"""What is odd about a password is named alike on the server and in the browser."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.odd_typing import ODDITIES, oddities
from tests.support.paths import ROOT
from tests.support.persian_input import VECTORS
from tests.support.scripts import as_js, node

ODD: dict[str, Any] = json.loads((ROOT / "tests/vectors/odd_passwords.json").read_text("utf-8"))


@pytest.mark.parametrize("text", ODD["plain"] + VECTORS["password"]["valid"])
def test_a_password_of_an_english_keyboard_is_not_odd(text: str) -> None:
    assert oddities(text) == ()


@pytest.mark.parametrize(("text", "codes"), ODD["odd"].items())
def test_what_is_odd_is_named(text: str, codes: list[str]) -> None:
    assert list(oddities(text)) == codes


def test_every_oddity_occurs() -> None:
    assert {code for codes in ODD["odd"].values() for code in codes} == set(ODDITIES)


def test_the_script_names_the_same() -> None:
    typed = [*ODD["plain"], *ODD["odd"]]
    assert node(f"{as_js(typed)}.map(inputRules.oddities)") == [list(oddities(text)) for text in typed]
