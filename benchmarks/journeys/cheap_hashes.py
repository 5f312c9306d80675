"""An app that makes the portal's password hasher cheap: what Argon2id takes is no code of ours."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class CheapHashes(AppConfig):
    name = "benchmarks.journeys"

    def ready(self) -> None:
        make_cheap()


def make_cheap() -> None:
    """The first hasher's memory and time are as small as they can be."""
    from django.contrib.auth.hashers import get_hasher

    hasher: Any = type(get_hasher())
    hasher.memory_cost, hasher.time_cost = 64, 1
