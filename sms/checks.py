"""Django system checks of SMS settings: a start is refused with gateways or routes that cannot work,
with the inbox outside demo mode, and where codes or receipts would travel unencrypted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import DatabaseError

from common import unsafe
from common.setting_faults import as_messages
from sms import configuration, seen
from sms.gateways import KINDS


def sending_is_configured(**_options: Any) -> list[CheckMessage]:
    """The faults and doubts of `sms.configuration`; also an inbox gateway outside demo mode, under any name."""
    found = as_messages(configuration.faults(), configuration.doubts())
    boxes = [name for name in configuration.names() if configuration.kind(name) == "inbox" and name != "inbox"]
    if boxes and not settings.DEMO:  # one called "inbox" is refused by `gateways_reach_phones`
        found.append(
            Error(
                f"The gateway {boxes[0]} is an inbox, which shows every code on a page instead of sending it.",
                hint=f"Set SMS_{boxes[0].upper()}_KIND to a gateway that sends.",
                id="sms.E014",
            )
        )
    return found if settings.DEMO else [*found, *_in_the_open()]


def _in_the_open() -> Iterator[CheckMessage]:
    """Gateways and receipt URLs without encryption: whoever is in between could read codes, credentials and
    receipts."""
    for name in dict.fromkeys(configuration.names()):
        prefix, options = f"SMS_{name.upper()}_", configuration.options(name)
        gateway = KINDS.get(configuration.kind(name))
        if gateway and (host := gateway.in_the_open(options)):
            what = f"The gateway '{name}' at {host} would get codes and its password in the open."
            hint = f"Write https:// in {prefix}URL, or {prefix}TLS=on for SMPP."
            yield from unsafe.refused("sms", what, hint=hint, check_id="sms.E017")
        if (host := unsafe.plain_http_host(options.get("RECEIPT_URL", ""))) and host not in settings.RECEIPT_HOSTS:
            what = f"{prefix}RECEIPT_URL has receipts and their token come over plain HTTP."
            yield from unsafe.refused(
                "receipts", what, hint="Write https://, or a name of RECEIPT_HOSTS.", check_id="sms.E018"
            )


def gateways_are_seen(*, databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """Warn of gateways that get no traffic because nobody has seen what they send. Only where the check may ask the
    database (`manage.py check --database default`, `migrate`)."""
    try:
        unseen = seen.unseen() if databases else []
    except DatabaseError:  # not there, or not migrated yet
        return []
    return [
        Warning(
            f"The gateway '{name}' is new: it gets no traffic until somebody has read a test SMS of it.",
            hint=f"{seen.what_to_do(name)}, then confirm what arrived; or --assume-seen.",
            id="sms.W004",
        )
        for name in unseen
    ]


def gateways_reach_phones(**_options: Any) -> list[CheckMessage]:
    """Outside demo mode there is at least one gateway, and none is the inbox."""
    return [] if settings.DEMO else list(_not_reaching())


def _not_reaching() -> Iterator[CheckMessage]:
    if not settings.SMS_GATEWAYS:
        yield Error(
            "No SMS gateway is set, so no citizen would get a code.",
            hint="Set SMS_GATEWAYS to the gateways in the order they are tried.",
            id="portal.E010",
        )
    if "inbox" in settings.SMS_GATEWAYS:
        yield Error(
            "SMS_GATEWAYS has the inbox, which shows every code on a page instead of sending it.",
            hint="Take 'inbox' out of SMS_GATEWAYS.",
            id="portal.E011",
        )
