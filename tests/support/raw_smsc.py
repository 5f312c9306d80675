"""An SMSC of the tests that says whatever bytes a test wants, and notes every PDU that it gets."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

BIND, UNBIND, SUBMIT, ENQUIRE = 0x09, 0x06, 0x04, 0x15
DELIVER, DATA, ALERT = 0x05, 0x103, 0x102
RESPONSE = 0x80000000


@dataclass(frozen=True)
class Pdu:
    connection: int  # the first is 1
    command: int
    status: int
    sequence: int
    body: bytes = field(repr=False)


def pdu(command: int, sequence: int, body: bytes = b"", *, status: int = 0) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, status, sequence) + body


def tlv(tag: int, value: bytes) -> bytes:
    return struct.pack(">HH", tag, len(value)) + value


def deliver_sm(
    text: bytes,
    sequence: int = 77,
    *,
    esm_class: int = 4,
    source: bytes = b"989121234567",
    coding: int = 0,
    tlvs: bytes = b"",
) -> bytes:
    ends = bytes([esm_class, 0, 0, 0, 0, 0, 0, coding, 0, len(text)])
    return pdu(DELIVER, sequence, b"\0\1\1" + source + b"\0\0\1" + b"1000\0" + ends + text + tlvs)


def data_sm(tlvs: bytes, sequence: int = 77, *, esm_class: int = 4) -> bytes:
    return pdu(DATA, sequence, b"\0\1\1989121234567\0\0\0011000\0" + bytes([esm_class, 0, 0]) + tlvs)


def accepted(request: Pdu, message_id: bytes = b"7\0") -> bytes:
    return pdu(request.command | RESPONSE, request.sequence, message_id)


class RawSmsc:
    """`answers`: by command, what is said to a request; without an entry nothing is. Binds, submits and enquire_links
    are answered unless a test says otherwise."""

    def __init__(self, server: socket.socket) -> None:
        self.port: int = server.getsockname()[1]
        self.got: list[Pdu] = []
        self.answers: dict[int, Callable[[Pdu], bytes]] = {
            BIND: lambda request: pdu(BIND | RESPONSE, request.sequence, b"smsc\0"),
            ENQUIRE: lambda request: pdu(ENQUIRE | RESPONSE, request.sequence),
            SUBMIT: accepted,
        }
        self._server = server
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def push(self, raw: bytes, *, connection: int = 0) -> None:
        """Say `raw` on a connection; 0: the newest."""
        self._connections[connection - 1].sendall(raw)

    def of(self, command: int) -> list[Pdu]:
        return [each for each in list(self.got) if each.command == command]

    def until(self, condition: Callable[[], object], seconds: float = 10) -> None:
        ends = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < ends, self.got
            time.sleep(0.01)

    def close(self) -> None:
        for each in (self._server, *self._connections):
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection, len(self._connections)), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            while head := connection.recv(16, socket.MSG_WAITALL):
                length, command, status, sequence = struct.unpack(">IIII", head)
                body = connection.recv(length - 16, socket.MSG_WAITALL) if length > 16 else b""
                request = Pdu(number, command, status, sequence, body)
                self.got.append(request)
                if said := self.answers.get(command, lambda request: b"")(request):
                    connection.sendall(said)


@contextlib.contextmanager
def raw_smsc() -> Iterator[RawSmsc]:
    server = socket.create_server(("127.0.0.1", 0))
    smsc = RawSmsc(server)
    try:
        yield smsc
    finally:
        smsc.close()
