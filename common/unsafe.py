"""Refuses unsafe settings outside demo mode, unless an administrator allows them by name:
`ALLOW_UNSAFE=https,superuser`.

Every such check uses `refused`, so that allowing works the same way everywhere, and every start logs what is allowed.
An unknown name is refused, because a misspelt one would look like a decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error

from common.connecting import is_loopback

# Names in ALLOW_UNSAFE → what happens if it is allowed.
CONSEQUENCES = {
    "https": "pages, passwords and cookies go over plain HTTP",
    "proxies": "whoever is in TRUSTED_PROXIES' networks chooses the address that limits are counted by",
    "keys": "a key that can be guessed signs sessions or protects stored codes",
    "sms": "codes and the gateway's password go to an SMS gateway unencrypted",
    "receipts": "receipts and their token come over plain HTTP",
    "registries": "national IDs and keys go to a registry unencrypted",
    "mail": "letters and their links go to the mail server unencrypted",
    "database": "everything the portal knows goes to PostgreSQL unencrypted, or without a password",
    "redis": "Redis is reached unencrypted, or without a password",
    "superuser": "the database role may do everything, also run programs on the database's machine",
}


def is_allowed(name: str) -> bool:
    """Whether ALLOW_UNSAFE has `name`, a key of `CONSEQUENCES`."""
    if name not in CONSEQUENCES:
        raise KeyError(name)
    return name in settings.ALLOW_UNSAFE


def refused(name: str, what: str, *, hint: str, check_id: str) -> Iterator[CheckMessage]:
    """The error, with how it could be allowed; nothing if `name` is allowed."""
    if not is_allowed(name):
        yield Error(what, hint=f"{hint} {how_to_allow(name)}", id=check_id)


def how_to_allow(name: str) -> str:
    """The end of every hint: how to allow it."""
    return f"ALLOW_UNSAFE={name} allows it."


def consequences() -> list[str]:
    """A line for each name that is allowed; unknown names have none."""
    return [f"ALLOW_UNSAFE has '{name}': {CONSEQUENCES[name]}." for name in CONSEQUENCES if is_allowed(name)]


def plain_http_host(url: str) -> str:
    """The host outside this machine that `url` reaches over plain HTTP; empty: there is none, or it is no URL."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    return host if parts.scheme.lower() == "http" and not is_loopback(host) else ""
