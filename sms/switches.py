"""Switches of gateways that administrators set at run time: off, on, another weight. No deploy, no restart.

Every process reads the switches at most once a second.
"""

from __future__ import annotations

import threading
import time

from common.process_state import register_reset
from sms.models import GatewaySwitch

LOOK_EVERY = 1.0  # seconds
_lock = threading.Lock()
_read_at = float("-inf")
_switches: dict[tuple[str, str], GatewaySwitch] = {}


def is_on(gateway: str, operator: str) -> bool:
    """Whether `gateway` may carry messages to `operator`: it is switched off neither in general nor for this
    operator."""
    switches = _look()
    return all((gateway, each) not in switches or switches[gateway, each].is_on for each in {"", operator})


def weight(gateway: str, operator: str, configured: int) -> int:
    """The weight of `gateway` in its tier."""
    shifted = shifted_weight(gateway, operator)
    return configured if shifted is None else shifted


def shifted_weight(gateway: str, operator: str) -> int | None:
    """The weight set at run time, that for `operator` before that for all operators; None: none is set."""
    switches = _look()
    for each in (operator, ""):
        switch = switches.get((gateway, each))
        if switch and switch.weight is not None:
            return switch.weight
    return None


def pairs() -> set[tuple[str, str]]:
    """The gateways that have a switch for one operator, each with that operator."""
    return {(gateway, operator) for gateway, operator in _look() if operator}


def switch(gateway: str, operator: str = "", **changes: object) -> GatewaySwitch:
    """Write `is_on` or `weight` of `gateway`, for one operator or, if that is empty, for all."""
    row, _made = GatewaySwitch.objects.update_or_create(gateway=gateway, operator=operator, defaults=changes)
    forget()
    return row


@register_reset
def forget() -> None:
    """Read the switches again at the next call."""
    global _read_at
    with _lock:
        _read_at = float("-inf")


def _look() -> dict[tuple[str, str], GatewaySwitch]:
    global _read_at, _switches
    with _lock:
        if time.monotonic() - _read_at >= LOOK_EVERY:
            _read_at = time.monotonic()
            _switches = {(row.gateway, row.operator): row for row in GatewaySwitch.objects.all()}
        return _switches
