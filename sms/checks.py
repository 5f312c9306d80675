"""A start with gateways or routes that cannot work is refused, each mistake by name."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from sms import configuration


def sending_is_configured(**_options: Any) -> list[CheckMessage]:
    """What `sms.configuration` finds wrong or doubtful, and the inbox outside a demo, whatever it is called."""
    found: list[CheckMessage] = [Error(fault.what, hint=fault.hint, id=fault.id) for fault in configuration.faults()]
    found += [Warning(doubt.what, hint=doubt.hint, id=doubt.id) for doubt in configuration.doubts()]
    boxes = [name for name in configuration.names() if configuration.kind(name) == "inbox" and name != "inbox"]
    if boxes and not settings.DEMO:  # by its own name `tamin_portal.checks` refuses it
        found.append(
            Error(
                f"The gateway {boxes[0]} is an inbox, which shows every code on a page instead of sending it.",
                hint=f"Set SMS_{boxes[0].upper()}_KIND to a gateway that sends.",
                id="sms.E014",
            )
        )
    return found
