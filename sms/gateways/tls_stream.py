"""A TLS connection that one thread reads while another writes.

OpenSSL's state of a connection is not for two threads at once, and a blocking read would hold it for as long as
nothing comes. So the socket does not block: each call takes the lock for what can be done at once, and waits for the
network outside it.
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
    """What `smpp_session.Session` uses of a socket, over TLS. One reader and one writer at a time."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext, host: str, *, within: float) -> None:
        """Takes `connection` over. Raises ssl.SSLCertVerificationError for a certificate that is not trusted or is
        another host's, OSError for whatever else keeps TLS from being set up within `within` seconds."""
        connection.settimeout(within)
        self._socket = context.wrap_socket(connection, server_hostname=host)
        self._socket.setblocking(False)
        self._lock = threading.Lock()
        self._patience: float = within

    def settimeout(self, seconds: float) -> None:
        """For the calls that begin from now on."""
        self._patience = seconds

    def recv(self, most: int) -> bytes:
        """As a socket's: what has come, or b"" at the end. Raises TimeoutError."""
        return self._until_done(lambda: self._socket.recv(most))

    def sendall(self, data: bytes) -> None:
        """As a socket's. Raises OSError; then perhaps a part has left."""
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
