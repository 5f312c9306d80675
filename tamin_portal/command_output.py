"""What commands print for other programs: the option --json, and moments as text."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any


def add_json(parser: ArgumentParser, what: str = "one object") -> None:
    """Add the option --json, which prints `what` instead of lines for people."""
    parser.add_argument("--json", action="store_true", help=f"{what}, for other programs")


def as_json(shown: Any) -> str:
    """`shown` (dicts, lists, texts, numbers) as JSON that people can read too."""
    return json.dumps(shown, ensure_ascii=False, indent=2)


def iso(moment: datetime | None) -> str | None:
    """`moment` to the second, as ISO 8601 with its offset; None for none."""
    return moment.isoformat(timespec="seconds") if moment else None
