"""Absolute URLs of our pages, for SMS and e-mail: the host comes from the settings, never from a request. And addresses
that a browser names."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from django.conf import settings


def absolute(path: str) -> str:
    """`path` (with its leading slash) on `PUBLIC_HOST`."""
    return f"{'https' if settings.HTTPS else 'http'}://{settings.PUBLIC_HOST}{path}"


def parts_of_address(address: str) -> SplitResult:
    """The parts of an address that a browser sent; of one that is none, as of an empty one."""
    try:
        return urlsplit(address)
    except ValueError:  # such as an IPv6 host that is not closed
        return urlsplit("")
