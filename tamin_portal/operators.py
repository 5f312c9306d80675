"""The mobile operators that step one offers and that SMS routes and switches may name.

Read once from `operators.json` (proper names are data, in Persian): an ASCII key, which settings and
rows hold, and the name. The first one is preselected.
"""

from __future__ import annotations

import json
from pathlib import Path

OPERATORS: dict[str, str] = json.loads(Path(__file__).with_name("operators.json").read_text(encoding="utf-8"))
