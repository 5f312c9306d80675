"""A start with a misspelt policy of the registration is refused, each mistake by name."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage

from common.setting_faults import unknown_choice


def policies_are_known(**_options: Any) -> list[CheckMessage]:
    """In every mode: a misspelt policy must not silently mean another one."""
    return [
        *unknown_choice("ACTIVATION_POLICY", ("automatic", "branch"), code="portal.E001"),
        *unknown_choice("DUPLICATE_NOTICE", ("guide", "after_proof"), code="portal.E002"),
    ]
