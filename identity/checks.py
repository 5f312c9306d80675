"""A start with a registry that does not exist is refused by name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from identity.registries import KNOWN, registry


def registries_exist(**_options: Any) -> list[CheckMessage]:
    """Every name in IDENTITY_REGISTRIES can be built."""
    return [
        Error(
            f"IDENTITY_REGISTRIES names '{name}', which does not exist.",
            hint=f"Known are {', '.join(KNOWN)}; any other is the dotted path of a class.",
            id="identity.E001",
        )
        for name in settings.IDENTITY_REGISTRIES
        if not _exists(name)
    ]


def _exists(name: str) -> bool:
    try:
        registry(name)
    except ImportError:
        return False
    return True
