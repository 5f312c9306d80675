"""Absolute URLs of our pages, for SMS and e-mail. The host comes from the settings, never from a request."""

from __future__ import annotations

from django.conf import settings


def absolute(path: str) -> str:
    """`path` (with its leading slash) on `PUBLIC_HOST`."""
    return f"{'https' if settings.HTTPS else 'http'}://{settings.PUBLIC_HOST}{path}"
