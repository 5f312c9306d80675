"""A TLS connection that one thread reads while another writes.

OpenSSL allows only one thread at a time to use a connection, and a blocking read would keep the others out for as long
as nothing arrives. So the socket is non-blocking: each call holds the lock only for what can be done at once, and waits
for the network without it.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class TlsStream:
    """The part of a socket's interface that `smpp_session.Session` uses, over TLS. One reader and one writer at
    a time."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, host: str, *, within: float) -> None:
        """Take over `connection`. Raises ssl.SSLCertVerificationError if the certificate is not trusted or is another
        host's, OSError if TLS cannot be set up within `within` seconds for any other reason."""
        connection.settimeout(within)
        self._socket = context.wrap_socket(connection, server_hostname=host)
        self._socket.setblocking(False)
        self._lock = threading.Lock()
        self._patience: float = within

    def settimeout(self, seconds: float) -> None:
        """Set the time-out of later calls."""
        self._patience = seconds

    def recv(self, most: int) -> bytes:
        """As of a socket: what has arrived, or b"" at the end. Raises TimeoutError."""
        return self._until_done(lambda: self._socket.recv(most))

    def sendall(self, data: bytes) -> None:
        """As of a socket. Raises OSError; a part may have been sent then."""
        left = memoryview(data)
        while left:
            left = left[self._until_done(lambda: self._socket.send(left)) :]  # noqa: B023 - called at once

    def close(self) -> None:
        with self._lock:
            self._socket.close()

    def _until_done(self, work: Callable[[], T]) -> T:
        ends = time.monotonic() + self._patience
        while True:
            with self._lock:
                try:
                    return work()
                except ssl.SSLWantReadError:
                    events = select.POLLIN
                except ssl.SSLWantWriteError:
                    events = select.POLLOUT
                number = self._socket.fileno()
            self._wait(number, events, ends)

    @staticmethod
    def _wait(number: int, events: int, ends: float) -> None:
        poll = select.poll()
        poll.register(number, events)
        if not poll.poll(max(ends - time.monotonic(), 0) * 1000):
            raise TimeoutError
