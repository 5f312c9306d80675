"""HTTP for adapters: one request, one answer or one certain reason why not, within one deadline.

What matters to who asks is whether the other side may have seen the request. `NotSent`: it cannot, no byte of
the request was written (no address, refused, no connection in time). `NoAnswer`: it may have. Both
carry a word and never a URL, a number or a text. Redirects are not followed, proxies not asked.

Connections are kept and used again, by one thread at a time. One that the other side has closed
meanwhile is noticed before a byte is written, so that it costs no message. On a kept connection an
answer too many of the other side can be read as the answer to the next request: `keep=False` is for
those whose answers decide about a person.
"""

from __future__ import annotations

import io
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from common.connecting import connect

CONNECT_WITHIN = 5.0  # seconds for the look-up of the name, the connection and TLS together
ANSWER_WITHIN = 15.0  # seconds for all of it and the request and its answer, however slowly bytes drip in
LARGEST_ANSWER = 1_000_000  # bytes
WRONG_CERTIFICATE = "tls"  # the word of NotSent: the other side is not who it should be
_IDLE = 10.0  # seconds a connection is kept for the next request; many servers close after 15 or 20


class NotSent(Exception):
    """No byte of the request left: certainly not sent."""


class NoAnswer(Exception):
    """The request was written, at least in part, and no whole answer came: perhaps sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Shows no body when printed."""

    status: int
    body: bytes = field(repr=False)


class Client:
    """Requests to one server, `url` (scheme and host; a path in it is ignored). `keep`: connections are used again."""

    def __init__(self, url: str, *, keep: bool = True) -> None:
        self._keep = keep
        self._idle: deque[tuple[float, socket.socket]] = deque()  # newest last
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("URL is http://… or https://…")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._address = (parts.hostname, parts.port or (443 if self._tls else 80))
        self._host = parts.netloc.rpartition("@")[2]

    def __del__(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    def request(
        self,
        method: str,
        target: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        connect_within: float | None = None,
        answer_within: float | None = None,
    ) -> Answer:
        """Raises NotSent or NoAnswer. The deadlines are CONNECT_WITHIN and ANSWER_WITHIN unless the caller's differ."""
        head = self._head(method, target, body, headers or {})
        ends = time.monotonic() + (answer_within or ANSWER_WITHIN)
        connection = self._kept() or self._connect(connect_within or CONNECT_WITHIN)
        try:
            connection.settimeout(max(ends - time.monotonic(), 0.001))
            connection.sendall(head + body)
            answer, keep = _read(connection, method, ends)
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            raise NoAnswer(_word(error)) from None
        if keep and self._keep:
            self._idle.append((time.monotonic(), connection))
        else:
            connection.close()
        return answer

    def _head(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        lines = {"Host": self._host, "Accept-Encoding": "identity", "Content-Length": str(len(body)), **headers}
        if not self._keep:
            lines["Connection"] = "close"
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{method} {target} HTTP/1.1\r\n{text}\r\n".encode("latin-1")

    def _kept(self) -> socket.socket | None:
        """A connection from before that nobody has closed. The newest first: the others may grow old."""
        while True:
            try:
                since, connection = self._idle.pop()
            except IndexError:
                return None
            if not _closed(connection) and time.monotonic() - since < _IDLE:
                return connection
            connection.close()

    def _connect(self, within: float) -> socket.socket:
        ends = time.monotonic() + within
        try:
            connection = connect(*self._address, within=within)
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that cannot be one
            raise NotSent(_word(error)) from None
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            return connection
        connection.settimeout(max(ends - time.monotonic(), 0.001))  # for the whole handshake
        try:
            return self._tls.wrap_socket(connection, server_hostname=self._address[0])
        except OSError as error:
            connection.close()
            raise NotSent(_word(error)) from None


def _closed(connection: socket.socket) -> bool:
    """Something to read on an idle connection is its end, or nothing that belongs to us."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


def _read(connection: socket.socket, method: str, ends: float) -> tuple[Answer, bool]:
    """The answer, and whether the connection can be used again."""
    response = HTTPResponse(_Until(connection, ends), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read(LARGEST_ANSWER + 1)
        if len(body) > LARGEST_ANSWER or response.length or (response.chunked and not response.isclosed()):
            raise HTTPException("larger than an answer can be, or cut off")
        return Answer(response.status, body), not response.will_close
    finally:
        response.close()


class _Until(io.RawIOBase):
    """A socket as HTTPResponse wants it, on which the time to read ends at `ends`."""

    def __init__(self, connection: socket.socket, ends: float) -> None:
        self._connection, self._ends = connection, ends

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


def _word(error: Exception) -> str:
    """What kind of fault it was. Messages of exceptions may hold a URL; their names do not."""
    if isinstance(error, TimeoutError):
        return "time-out"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, socket.gaierror):
        return "no address"
    if isinstance(error, ssl.SSLCertVerificationError):
        return WRONG_CERTIFICATE  # a handshake that breaks off is a fault like any other
    return type(error).__name__
