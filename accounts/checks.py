"""A start with unsafe or misspelt settings of the sign-ins is refused, each mistake by name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from common.setting_faults import unknown_choice


def sign_ins_are_known(**_options: Any) -> list[CheckMessage]:
    """In every mode: a misspelt policy must not silently mean another one."""
    return [
        *unknown_choice("STAFF_TOTP", ("required", "optional"), code="portal.E003"),
        *unknown_choice("SIGN_IN_CODE", ("risk", "choice", "always"), code="portal.E004"),
    ]


def staff_type_a_code(**_options: Any) -> list[CheckMessage]:
    """Outside a demo: staff sign in with a one-time code."""
    if settings.DEMO or settings.STAFF_TOTP != "optional":
        return []
    return [
        Error(
            "STAFF_TOTP is 'optional', so a guessed password alone would open the citizens' data.",
            hint="Leave STAFF_TOTP out, or set it to 'required'.",
            id="portal.E050",
        )
    ]
