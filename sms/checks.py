"""A start with gateways or routes that cannot work is refused, each mistake by name."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error

from sms import configuration


def sending_is_configured(**_options: Any) -> list[CheckMessage]:
    """What `sms.configuration` finds wrong."""
    return [Error(fault.what, hint=fault.hint, id=fault.id) for fault in configuration.faults()]
