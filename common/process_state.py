"""A registry of functions that reset what a process remembers in module-level variables between requests and tasks.

Tests call `reset_all` before each test, so that one test cannot influence another. The service itself never calls it.
"""

from __future__ import annotations

from collections.abc import Callable

Reset = Callable[[], None]
_resets: list[Reset] = []


def register_reset(reset: Reset) -> Reset:
    """A decorator for the function that resets its module to the state of a process that has just started.

    The function uses no database, and runs while nothing else of this process runs.
    """
    _resets.append(reset)
    return reset


def reset_all() -> None:
    """Call every registered function."""
    for reset in _resets:
        reset()
