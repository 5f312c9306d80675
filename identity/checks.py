"""A start with registries that cannot be asked is refused, each mistake by name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from identity import configuration
from tamin_portal.setting_faults import as_messages


def registries_are_configured(**_options: Any) -> list[CheckMessage]:
    """What `identity.configuration` finds wrong or doubtful, and the demo registry outside a demo, by whatever name."""
    found = as_messages(configuration.faults(), configuration.doubts())
    actors = [name for name in configuration.all_names() if configuration.kind(name) == "demo" and name != "demo"]
    if actors and not settings.DEMO:  # by its own name `tamin_portal.checks` refuses it
        found.append(
            Error(
                f"The registry {actors[0]} is the demo's, which confirms people who do not exist.",
                hint=f"Set IDENTITY_{actors[0].upper()}_KIND to a registry that knows people.",
                id="identity.E009",
            )
        )
    return found
