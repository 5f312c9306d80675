"""Between a web server and PostgreSQL: passes everything on and keeps the statements, whoever sends them and how."""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import sqlparse

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START")
SET_BEFORE = re.compile(r"^\s*SET\s+LOCAL\b", re.IGNORECASE)
PING = re.compile(r"^\s*SELECT\s+1\s*;?\s*$", re.IGNORECASE)


class Listener:
    """`seen`: all that was sent since it was emptied. `SET LOCAL` in front of a statement is no statement of its own,
    as it is sent with it; two others that are sent together are two."""

    def __init__(self, server: tuple[str, int]) -> None:
        self.server, self.seen = server, list[str]()
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.door.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def take(self) -> list[str]:
        """The statements so far; the next ones begin anew."""
        seen, self.seen = self.seen, []
        return [
            text
            for sent in seen
            for each in sqlparse.split(sent)
            if (text := each.strip()) and not SET_BEFORE.match(text)
        ]

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self.door.accept()
                server = socket.create_connection(self.server)
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=_pass_on, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError), client, server, client.makefile("rb") as stream:
            _send_start(stream, server)
            prepared: dict[bytes, str] = {}
            while head := stream.read(5):
                body = stream.read(struct.unpack("!I", head[1:])[0] - 4)
                self._note(head[:1], body, prepared)
                server.sendall(head + body)

    def _note(self, kind: bytes, body: bytes, prepared: dict[bytes, str]) -> None:
        if kind == b"Q":
            self.seen.append(body.rstrip(b"\0").decode())
        elif kind == b"P":  # a statement, by its name
            name, text, _types = body.split(b"\0", 2)
            prepared[name] = text.decode()
        elif kind == b"B":  # one is about to be executed
            self.seen.append(prepared.get(body.split(b"\0", 2)[1], "?"))


def _send_start(stream: Any, server: socket.socket) -> None:
    """The first message has no kind. The client must not ask for encryption (PGSSLMODE=disable)."""
    size = stream.read(4)
    if len(size) < 4:
        raise EOFError
    server.sendall(size + stream.read(struct.unpack("!I", size)[0] - 4))


def _pass_on(server: socket.socket, client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := server.recv(65536):
            client.sendall(block)
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def listening(url: str) -> Iterator[tuple[Listener, str]]:
    """A listener before the server of `url`, and the URL that leads through it."""
    parts = urlsplit(url)
    listener = Listener((parts.hostname or "127.0.0.1", parts.port or 5432))
    try:
        yield listener, parts._replace(netloc=f"{parts.username or ''}@127.0.0.1:{listener.port}").geturl()
    finally:
        listener.door.close()


def of_rows(statements: list[str]) -> int:
    """Without transaction control, and without the question whether the connection is alive."""
    return sum(1 for each in statements if kind(each) not in (*CONTROL, "ping"))


def kinds(statements: list[str]) -> str:
    """How many of each, as "3 SELECT, 1 INSERT"."""
    return ", ".join(f"{count} {name}" for name, count in Counter(map(kind, statements)).most_common())


def kind(statement: str) -> str:
    return "ping" if PING.match(statement) else statement.split(maxsplit=1)[0].upper().rstrip(";")
