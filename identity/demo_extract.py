"""Loads a small made-up extract in demo mode, so that every registration is decided.

Without it every person except the demo citizens would wait until an administrator loads an extract.
"""

from __future__ import annotations

from pathlib import Path

from identity import extracts
from identity.models import ExtractKind

_FOLDER = Path(__file__).parent / "data"
FILES = {
    ExtractKind.CIVIL: _FOLDER / "demo_civil_registry.csv",
    ExtractKind.OWNERS: _FOLDER / "demo_mobile_owners.csv",
}


def load_if_empty() -> list[ExtractKind]:
    """Load the made-up extract of each kind that has none in use; returns the kinds loaded.

    An extract that an administrator has loaded is never replaced.
    """
    missing = [kind for kind in FILES if not extracts.is_loaded(kind)]
    for kind in missing:
        with FILES[kind].open("rb") as source:
            extracts.load(kind=kind, source=source)
    return missing
