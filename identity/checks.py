"""A start with a registry that does not exist, or with none, is refused by name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from identity.registries import registry


def registries_exist(**_options: Any) -> list[CheckMessage]:
    """Every name in IDENTITY_REGISTRIES can be built, and there is one."""
    if not settings.IDENTITY_REGISTRIES:
        return [Error("IDENTITY_REGISTRIES is empty: nobody could ever be matched.", id="identity.E001")]
    return [
        Error(f"IDENTITY_REGISTRIES names {name}, which does not exist.", id="identity.E002")
        for name in settings.IDENTITY_REGISTRIES
        if not _exists(name)
    ]


def _exists(name: str) -> bool:
    try:
        registry(name)
    except ImportError:
        return False
    return True
