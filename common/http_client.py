"""HTTP client for adapters: one request within one deadline, and a certain answer to whether it was sent.

What the caller must know is whether the other side may have seen the request. `NotSent`: it cannot, because no byte was
written (no address, refused, no connection in time). `NoAnswer`: it may have. Both carry a word and never a URL, a
number or a text. Redirects are not followed, and no proxy is used.

Connections are kept and used again, by one thread at a time. If the other side has closed one meanwhile, that is
noticed before a byte is written. After a request without an answer no connection from before is used again: what hung
one of them may hang them all, and the next try must not be lost in the same way. On a kept connection, a surplus answer
could be read as the answer to the next request: `keep=False` is for services whose answers decide about a person.
"""

from __future__ import annotations

import contextlib
import io
import math
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from common.connecting import NotOutsideError, connect

CONNECT_WITHIN = 5.0  # seconds for the look-up of the name, the connection and TLS together
ANSWER_WITHIN = 15.0  # seconds for all of that, the request and the whole answer
LARGEST_ANSWER = 1_000_000  # bytes
NOT_OUTSIDE = "this machine"  # the word of NotSent if the name leads to where it must not
WRONG_CERTIFICATE = "tls"  # the word of NotSent if the certificate is not valid
_LONGEST_RETRY_AFTER = 99_999  # seconds
_IDLE = 10.0  # seconds a connection is kept for the next request; many servers close after 15 or 20


class NotSent(Exception):
    """No byte of the request was written: certainly not sent."""


class NoAnswer(Exception):
    """The request was written, at least in part, and no complete answer came: perhaps sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer. Its repr shows no body. `retry_after`: the seconds of a Retry-After header, from now if it holds a
    date; None without one that can be read. `location`: where a redirect leads; it is not followed."""

    status: int
    body: bytes = field(repr=False)
    retry_after: int | None = None
    location: str = field(default="", repr=False)


class Client:
    """Requests to one server, `url` (scheme and host; a path in it is ignored). `keep`: connections are used again.
    `only_outside`: never to this machine or its own link, whatever the name leads to."""

    def __init__(self, url: str, *, keep: bool = True, only_outside: bool = False) -> None:
        self._keep, self._only_outside = keep, only_outside
        self._idle: deque[tuple[float, socket.socket]] = deque()  # newest last
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("URL is http://… or https://…")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._address = (parts.hostname, parts.port or (443 if self._tls else 80))
        self._host = parts.netloc.rpartition("@")[2]

    def __del__(self) -> None:
        self._let_go()

    def _let_go(self) -> None:
        """Close the connections that are idle."""
        with contextlib.suppress(IndexError):
            while True:
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
        """Make one request. Raises NotSent or NoAnswer. The deadlines are CONNECT_WITHIN and ANSWER_WITHIN by
        default."""
        head = self._head(method, target, body, headers or {})
        ends = time.monotonic() + (answer_within or ANSWER_WITHIN)
        connection = self._kept() or self._connect(connect_within or CONNECT_WITHIN)
        try:
            connection.settimeout(max(ends - time.monotonic(), 0.001))
            connection.sendall(head + body)
            answer, keep = _read(connection, method, ends)
        except (OSError, HTTPException, ValueError) as error:
            connection.close()
            self._let_go()
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
        """A kept connection that nobody has closed, the newest one first, so that surplus ones become idle and are
        closed."""
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
            connection = connect(*self._address, within=within, only_outside=self._only_outside)
        except (OSError, UnicodeError) as error:  # UnicodeError: an impossible host name
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
    """Whether an idle connection can be read: then it has ended, or holds data that is not ours."""
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
        location = response.getheader("Location") or ""
        return Answer(response.status, body, _retry_after(response), location), not response.will_close
    finally:
        response.close()


def _retry_after(response: HTTPResponse) -> int | None:
    said = (response.getheader("Retry-After") or "").strip()
    if said.isascii() and said.isdigit() and len(said) < 6:
        return int(said)
    until = _date(said)
    if until is None:
        return None
    now = _date(response.getheader("Date") or "") or timezone.now()  # the server's own clock, where it tells it
    return min(max(math.ceil((until - now).total_seconds()), 0), _LONGEST_RETRY_AFTER)


def _date(said: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


class _Until(io.RawIOBase):
    """A socket for HTTPResponse whose reads must end at `ends`."""

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
    """A word for the kind of error. Messages of exceptions may contain a URL; their class names do not."""
    if isinstance(error, TimeoutError):
        return "time-out"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, NotOutsideError):
        return NOT_OUTSIDE
    if isinstance(error, socket.gaierror):
        return "no address"
    if isinstance(error, ssl.SSLCertVerificationError):
        return WRONG_CERTIFICATE  # a handshake that breaks off is a fault like any other
    return type(error).__name__
