"""The mobile network operators that step one offers and that SMS routes and switches may name.

Read once from `operators.json` (proper names are data, in Persian; their names in other languages are in the
catalogues): an ASCII key, which settings and rows hold, and the name. The first one is preselected.
"""

from __future__ import annotations

import json
from pathlib import Path

from django.utils.functional import Promise

from common import languages

OPERATORS: dict[str, str] = json.loads(Path(__file__).with_name("operators.json").read_text(encoding="utf-8"))
# For a select: the names in the language of the page.
CHOICES: tuple[tuple[str, Promise], ...] = tuple(
    (key, languages.name_when_read(languages.OPERATOR, name)) for key, name in OPERATORS.items()
)
# The first digits of a mobile, without its 0, by the operator that they were first given to: libphonenumber's table.
BY_OPERATOR: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("operator_prefixes.json").read_text(encoding="utf-8")
)
PREFIXES = {prefix: operator for operator, prefixes in BY_OPERATOR.items() for prefix in prefixes}


def name_of(operator: str) -> str:
    """The name that people know, in the language of the page; a key that is not ours is returned unchanged."""
    return languages.name(languages.OPERATOR, OPERATORS[operator]) if operator in OPERATORS else operator


def hint(mobile: str) -> str:
    """The operator that the prefix of `mobile` (E.164) was first given to; empty: not known.

    Only a proposal: numbers are portable, so what a citizen chose in step one always wins.
    """
    national = mobile.removeprefix("+98")
    return next((PREFIXES[national[:n]] for n in range(5, 1, -1) if national[:n] in PREFIXES), "")
