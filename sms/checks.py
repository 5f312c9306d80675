"""A start with a gateway that does not exist is refused by name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from sms.routing import GATEWAYS


def gateways_exist(**_options: Any) -> list[CheckMessage]:
    """Every name in SMS_GATEWAYS can be built."""
    return [
        Error(
            f"SMS_GATEWAYS names '{name}', which does not exist.",
            hint=f"Known are {', '.join(GATEWAYS)}.",
            id="sms.E001",
        )
        for name in settings.SMS_GATEWAYS
        if name not in GATEWAYS
    ]
