"""The contract for what people type, as `tests/vectors/persian_input.json` has it."""

from __future__ import annotations

import json
from typing import Any

from tests.support.paths import ROOT

VECTORS: dict[str, Any] = json.loads((ROOT / "tests/vectors/persian_input.json").read_text("utf-8"))
