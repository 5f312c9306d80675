"""The contract for what people type, as `tests/vectors/persian_input.json` has it."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from tests.support.paths import ROOT

VECTORS: dict[str, Any] = json.loads((ROOT / "tests/vectors/persian_input.json").read_text("utf-8"))
PASTED: dict[str, Any] = json.loads((ROOT / "tests/vectors/pasting.json").read_text("utf-8"))
INVISIBLE = [chr(point) for point in range(0x110000) if unicodedata.category(chr(point)) == "Cf"]
NAMES = sorted(
    {name for pairs in VECTORS["names"].values() if isinstance(pairs, list) for pair in pairs for name in pair}
)


def with_invisible(text: str) -> list[str]:
    """`text` with each sign that nobody sees before it, after it and in its middle."""
    half = len(text) // 2
    return [each for sign in INVISIBLE for each in (sign + text, text + sign, text[:half] + sign + text[half:])]
