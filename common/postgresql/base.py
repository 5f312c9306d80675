"""Django's PostgreSQL backend (`ENGINE`), which finds out without a statement that a kept connection has ended.

Django asks `SELECT 1` at the first statement of each request. A server or a pooler that ends a connection, be it by a
restart, a crash, a time limit or its administrator, closes its socket, and a closed socket can be read; of a connection
that nobody uses, nothing else can, with and without TLS. So only what can be read is asked.

One end is silent: a firewall that forgets, or a machine that is no more. It takes time, so a connection that was at
rest for `limits.DATABASE_AT_REST` is asked too.
"""

from __future__ import annotations

import select
import time

from django.db.backends.postgresql import base

from common import limits


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection. Django calls `is_usable` at most once a request, with `CONN_HEALTH_CHECKS`."""

    _looked_at = float("-inf")  # monotonic; the connection was used then or later

    def is_usable(self) -> bool:
        """Whether the next statement will meet the server, as far as can be known."""
        now, looked_at = time.monotonic(), self._looked_at
        self._looked_at = now
        rested = now - looked_at > limits.DATABASE_AT_REST.total_seconds()
        if rested or self.errors_occurred or self.connection.closed or can_be_read(self.connection.fileno()):
            return super().is_usable()
        return True


def can_be_read(socket: int) -> bool:
    """Whether something has arrived, or the other end is closed. Not `select`, which takes no number above 1023."""
    poll = select.poll()
    poll.register(socket, select.POLLIN)
    return bool(poll.poll(0))
