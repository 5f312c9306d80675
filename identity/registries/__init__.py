"""The registries by name. A dotted path in the settings names one that is not in this table."""

from __future__ import annotations

from functools import cache

from django.utils.module_loading import import_string

from identity.registries.base import Registry

KNOWN = {
    "local": "identity.registries.local.LocalRegistry",
    "demo": "identity.registries.demo.DemoRegistry",
}


@cache
def registry(name: str) -> Registry:
    """The registry called `name`. Raises ImportError where the settings name one that is not there."""
    made: Registry = import_string(KNOWN.get(name, name))()
    return made
