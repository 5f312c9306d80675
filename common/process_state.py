"""What a process remembers between its requests and tasks, and how to make it forget all of it.

A module that keeps such state in module-level variables registers the function that resets it. Tests call `reset_all`
before each test: what one left behind must not decide another. Service never calls it.
"""

from __future__ import annotations

from collections.abc import Callable

Reset = Callable[[], None]
_resets: list[Reset] = []


def register_reset(reset: Reset) -> Reset:
    """Decorate the function that makes its module as it is in a process that has just started.

    It asks no database, and may be called while nothing else of this process runs.
    """
    _resets.append(reset)
    return reset


def reset_all() -> None:
    """Call every function that was registered."""
    for reset in _resets:
        reset()
