"""How a drain waits for a database that is away while answers of gateways still have to be written."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)
Result = TypeVar("Result")

AWAY = (OperationalError, InterfaceError)  # what a database that is away, or locked for too long, raises
_AGAIN_AFTER = 0.5  # seconds


class Patience:
    """Belongs to one drain. `has_answers`: whether some are still to be written, or calls are under way."""

    def __init__(self, has_answers: Callable[[], object], seconds: float) -> None:
        self._has_answers, self._seconds = has_answers, seconds
        self._away_since: float | None = None

    def begin(self) -> None:
        """All steps from here on wait for the database together, not each for itself."""
        self._away_since = None

    def run(self, step: Callable[[], Result]) -> Result:
        """Run `step`, and repeat it while the database is away and there are answers. In a transaction, which is broken
        then, it is not repeated."""
        while True:
            try:
                return step()
            except AWAY as error:
                if connection.in_atomic_block:
                    raise
                self.wait(error)

    def wait(self, error: Exception) -> None:
        """Wait a little after `error`, or raise it: nothing waits for the database, or it has been away for too
        long."""
        connection.close()
        now = time.monotonic()
        self._away_since = self._away_since or now
        if not self._has_answers() or now - self._away_since > self._seconds:
            raise error
        log.warning("the database is away (%s); answers of gateways wait", type(error).__name__)
        time.sleep(_AGAIN_AFTER)
