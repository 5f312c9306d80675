"""A start whose SMS routes name an operator that nobody can choose is refused: its messages would go another way."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error

from registration.places import OPERATORS
from sms import configuration


def routes_name_known_operators(**_options: Any) -> list[CheckMessage]:
    """Every operator in SMS_ROUTES is one of step one's."""
    known = [key for key, _name in OPERATORS]
    try:
        named = configuration.operators()
    except ValueError:  # sms.E008 says it
        return []
    return [
        Error(
            f"SMS_ROUTES names '{operator}', which is no operator.",
            hint=f"Known are {', '.join(known)}, and * for all others.",
            id="registration.E001",
        )
        for operator in named
        if operator not in known
    ]
