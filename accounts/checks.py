"""Checks the settings of the sign-ins and of the branches' map at the start. Unsafe or misspelt ones are refused, each
by name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from accounts.models import CodePurpose
from common.setting_faults import as_messages, unknown_choice
from sms import configuration, texts


def sign_ins_are_known(**_options: Any) -> list[CheckMessage]:
    """Refuse an unknown policy, in every mode: a misspelt one must not silently mean another one."""
    return [
        *unknown_choice("STAFF_TOTP", ("required", "optional"), check_id="portal.E003"),
        *unknown_choice("SIGN_IN_CODE", ("risk", "choice", "always"), check_id="portal.E004"),
    ]


def templates_take_every_label(**_options: Any) -> list[CheckMessage]:
    """Refuse a gateway whose template would refuse the codes of a purpose: citizens would wait for them in vain."""
    labels = {texts.label_of(purpose) for purpose in CodePurpose} | {texts.test_label()}
    return as_messages(configuration.faults_of_labels(sorted(labels)), [])


def map_link_is_one(**_options: Any) -> list[CheckMessage]:
    """Refuse a map link that would lead nowhere, or that runs something."""
    if "{place}" in settings.MAP_LINK and settings.MAP_LINK.startswith(("https://", "geo:")):
        return []
    return [Error("MAP_LINK must begin with https:// or geo: and hold {place}.", id="portal.E005")]


def staff_type_a_code(**_options: Any) -> list[CheckMessage]:
    """Outside a demo refuse a start at which staff could sign in without a one-time code."""
    if settings.DEMO or settings.STAFF_TOTP != "optional":
        return []
    return [
        Error(
            "STAFF_TOTP is 'optional', so a guessed password alone would open the citizens' data.",
            hint="Leave STAFF_TOTP out, or set it to 'required'.",
            id="portal.E050",
        )
    ]
