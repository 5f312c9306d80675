"""What administrators changed about the gateways at run time: off, on, another weight. No deploy, no restart.

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
    """Whether `gateway` may carry messages to `operator`: neither is switched off."""
    switches = _look()
    return all((gateway, each) not in switches or switches[gateway, each].is_on for each in {"", operator})


def weight(gateway: str, operator: str, configured: int) -> int:
    """The weight of `gateway` among those it shares with."""
    shifted = shifted_weight(gateway, operator)
    return configured if shifted is None else shifted


def shifted_weight(gateway: str, operator: str) -> int | None:
    """The weight that administrators gave instead of that of the settings, for `operator` or else for all."""
    switches = _look()
    for each in (operator, ""):
        switch = switches.get((gateway, each))
        if switch and switch.weight is not None:
            return switch.weight
    return None


def pairs() -> set[tuple[str, str]]:
    """The gateways of which something was changed for one operator alone, each with that operator."""
    return {(gateway, operator) for gateway, operator in _look() if operator}


def switch(gateway: str, operator: str = "", **changes: object) -> GatewaySwitch:
    """Write `is_on` or `weight` for `gateway` (and one operator; empty: all)."""
    row, _made = GatewaySwitch.objects.update_or_create(gateway=gateway, operator=operator, defaults=changes)
    forget()
    return row


@register_reset
def forget() -> None:
    """Read again at the next question."""
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
