"""Clients that take their time: a byte a second of a request, of an answer, or nothing at all. Over raw sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

HEAD = b"%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
# What each kind sends at once, and what of it is sent a byte a second from then on.
KINDS: dict[str, tuple[bytes, bytes]] = {
    "slow headers": (HEAD % (b"GET", b"/portal/registration"), b"X-Slow: " + b"a" * 900),
    "slow bodies": (HEAD % (b"POST", b"/portal/registration") + b"Content-Length: 1000\r\n\r\n", b"a" * 1000),
    "slow readers": ((HEAD % (b"GET", b"/portal/registration") + b"\r\n") * 60, b""),  # and not one answer is taken
    "idlers": (HEAD % (b"GET", b"/healthz") + b"\r\n", b""),
    "silent ones": (b"", b""),
}


@contextmanager
def crowd(port: int, kind: str, number: int) -> Iterator[list[socket.socket]]:
    """`number` clients of this kind at the server on `port`; they come back as soon as they are sent away."""
    begins, trickle = KINDS[kind]
    clients = [_Slow(port, kind, begins) for _ in range(number)]
    over = threading.Event()

    def go_on() -> None:
        second = 0
        while not over.wait(1):
            for client in clients:
                client.trickle(trickle[second : second + 1])
            second += 1

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield [client.socket for client in clients]
    finally:
        over.set()
        thread.join()
        for client in clients:
            client.socket.close()


class _Slow:
    def __init__(self, port: int, kind: str, begins: bytes) -> None:
        self.port, self.begins = port, begins
        self.reads = kind != "slow readers"
        self.connect()

    def connect(self) -> None:
        self.socket = socket.socket()
        if not self.reads:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        self.socket.settimeout(10)
        with contextlib.suppress(OSError):
            self.socket.connect(("127.0.0.1", self.port))
            self.socket.sendall(self.begins)
        self.socket.setblocking(False)

    def trickle(self, byte: bytes) -> None:
        """Send it; come back if the server has closed the connection."""
        try:
            if byte:
                self.socket.send(byte)
            if self.reads and self.socket.recv(65_536) == b"":
                raise ConnectionError
        except BlockingIOError:
            return
        except OSError:
            self.socket.close()
            self.connect()
