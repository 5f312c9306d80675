"""System check of the registration policies in the settings: a misspelt one stops the start."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage

from common.setting_faults import unknown_choice


def policies_are_known(**_options: Any) -> list[CheckMessage]:
    """An error for each misspelt policy, in every mode: it would silently mean another policy."""
    return [
        *unknown_choice("ACTIVATION_POLICY", ("automatic", "branch"), check_id="portal.E001"),
        *unknown_choice("DUPLICATE_NOTICE", ("guide", "after_proof"), check_id="portal.E002"),
    ]
