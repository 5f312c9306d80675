"""Django system checks of registry settings: a start with registries that cannot be asked is refused."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from common.setting_faults import as_messages
from identity import configuration

REGISTRIES = ("IDENTITY_OWNER_REGISTRIES", "IDENTITY_PERSON_REGISTRIES")


def registries_are_configured(**_options: Any) -> list[CheckMessage]:
    """The faults and doubts of `identity.configuration`; also a demo registry outside demo mode, under any name."""
    found = as_messages(configuration.faults(), configuration.doubts())
    actors = [name for name in configuration.all_names() if configuration.kind(name) == "demo" and name != "demo"]
    if actors and not settings.DEMO:  # one called "demo" is refused by `registries_are_real`
        found.append(
            Error(
                f"The registry {actors[0]} is the demo's, which confirms people who do not exist.",
                hint=f"Set IDENTITY_{actors[0].upper()}_KIND to a registry that knows people.",
                id="identity.E009",
            )
        )
    return found


def registries_are_named(**_options: Any) -> list[CheckMessage]:
    """In every mode there is a registry for each question: without one every registration would wait for ever."""
    return [
        Error(
            f"{setting} is empty, so no registration could be checked.",
            hint=f"Set {setting}, for example to '{'demo' if settings.DEMO else 'local'}'.",
            id="portal.E012",
        )
        for setting in REGISTRIES
        if not getattr(settings, setting)
    ]


def registries_are_real(**_options: Any) -> list[CheckMessage]:
    """Outside demo mode no registry is the demo's."""
    return [
        Error(
            f"{setting} has the demo registry, which confirms people who do not exist.",
            hint=f"Take 'demo' out of {setting}.",
            id="portal.E013",
        )
        for setting in REGISTRIES
        if not settings.DEMO and "demo" in getattr(settings, setting)
    ]
