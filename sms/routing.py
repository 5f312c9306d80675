"""Which gateways carry a message, in which order."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from sms.gateways.base import Gateway
from sms.gateways.inbox import InboxGateway

GATEWAYS: dict[str, Callable[[], Gateway]] = {"inbox": InboxGateway}


@cache
def _build(name: str) -> Gateway:
    return GATEWAYS[name]()


def route(operator: str) -> tuple[Gateway, ...]:
    """The gateways to try for a message to `operator`, first one first.

    For now every operator has the same route: `settings.SMS_GATEWAYS`. Raises ImproperlyConfigured
    for a name that is no gateway.
    """
    unknown = [name for name in settings.SMS_GATEWAYS if name not in GATEWAYS]
    if unknown:
        raise ImproperlyConfigured(f"SMS_GATEWAYS: no such gateway: {', '.join(unknown)}")
    return tuple(_build(name) for name in settings.SMS_GATEWAYS)


def by_name(name: str) -> Gateway | None:
    """The gateway an earlier attempt went through; None if it is no longer configured."""
    return _build(name) if name in settings.SMS_GATEWAYS and name in GATEWAYS else None
