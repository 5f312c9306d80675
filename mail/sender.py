"""Whom e-mails are from (MAIL_FROM, an address alone or with a name before it), and who says so (MAIL_HELO)."""

from __future__ import annotations

import re
from email.utils import parseaddr
from ipaddress import ip_address

from django.conf import settings
from django.core.mail.utils import DNS_NAME

from common.email_addresses import parse_email
from common.persian import InputError

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"


def name_and_address() -> tuple[str, str]:
    """The name (may be empty) and the address as mail servers take it. Raises InputError."""
    name, address = parseaddr(settings.MAIL_FROM)
    if not settings.MAIL_FROM.isprintable():
        raise InputError("email")  # a line end would begin another header
    return name, parse_email(address, inside=True).wire


def address() -> str:
    """The address of MAIL_FROM, or MAIL_FROM itself if it is none: then the server says what it thinks of it."""
    try:
        return name_and_address()[1]
    except InputError:
        return settings.MAIL_FROM


def domain() -> str:
    """The domain of MAIL_FROM in ASCII; localhost if there is none."""
    return address().rpartition("@")[2] if "@" in address() else "localhost"


def hello_name() -> str:
    """How we call ourselves in EHLO: MAIL_HELO, else the machine's full name, else the domain of MAIL_FROM. A container
    has no full name, and strict servers refuse the short one."""
    if settings.MAIL_HELO:
        return settings.MAIL_HELO
    machine = DNS_NAME.get_fqdn()
    return machine if "." in machine else domain()


def is_hello_name(name: str) -> bool:
    """Whether `name` may stand in EHLO (RFC 5321, 4.1.3): a host name in ASCII, or an IP address in brackets."""
    if name.startswith("[") and name.endswith("]"):
        try:
            return bool(ip_address(name[1:-1].removeprefix("IPv6:")))
        except ValueError:
            return False
    return len(name) <= 253 and all(re.fullmatch(_LABEL, label) for label in name.split("."))
