"""One bound SMPP connection: requests in a window, answers matched by sequence number, kept alive while idle.

One thread reads. Another one passes on what the gateway delivers, because that uses the database and must not delay
answers. When the connection ends, every open request ends without an answer.
"""

from __future__ import annotations

import logging
import queue
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from smpplib import command, command_codes, consts, smpp

from common.connecting import connect
from common.http_client import WRONG_CERTIFICATE
from sms.gateways.tls_stream import TlsStream

log = logging.getLogger(__name__)

CONNECT_WITHIN = 5.0  # seconds, for the name and the connection, and again for the bind
ANSWER_WITHIN = 15.0
ENQUIRE_EVERY = 30.0  # seconds without data from the other side
ENQUIRE_WITHIN = 10.0
_LOOK_EVERY = 0.5
# smpplib takes the last byte of this one for a NUL, and many gateways send none: then the id is not whole.
command.DeliverSM.params["receipted_message_id"] = command.Param(type=command.ostr, max=65)
_LARGEST = 70_000  # bytes of one PDU; a payload has at most 64 kB


class NotSent(Exception):
    """The request was not written completely, so nobody can have acted on it."""


class NoAnswer(Exception):
    """The request was written, but no answer came."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A delivery that smpplib cannot read, treated as a receipt whose text is all of it: it must be stored and
    acknowledged, or the gateway delivers it again and again."""

    sequence: int
    short_message: bytes
    esm_class: int = 0x04


class BindRefused(Exception):
    """The gateway refused the bind; `status` is its reason."""

    def __init__(self, status: int) -> None:
        super().__init__(f"bind status {status}")
        self.status = status


class Session:
    """Connects and binds when it is made. Raises NotSent or BindRefused.

    `deliver` is called with each deliver_sm; if it raises, the gateway is told to try again later. With `tls`, nothing
    is sent before the other side has shown a valid certificate; it never falls back to plain text.
    """

    def __init__(
        self,
        address: tuple[str, int],
        bind: dict[str, Any],
        deliver: Callable[[Any], None],
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.sequence = 0  # smpplib reads this attribute
        self._lock = threading.Lock()
        self._asked: dict[int, Future[Any]] = {}
        self._delivered: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._deliver = deliver
        self.alive = True
        self._heard = time.monotonic()
        self._enquired = float("-inf")  # when an enquire_link was sent
        try:
            self._socket = _connected(address, tls)
        except ssl.SSLCertVerificationError:
            raise NotSent(WRONG_CERTIFICATE) from None
        except (OSError, UnicodeError) as error:
            raise NotSent(type(error).__name__) from None
        self._socket.settimeout(_LOOK_EVERY)
        for work in (self._read, self._hand_over):
            threading.Thread(target=work, name="smpp", daemon=True).start()
        self._bind(bind)

    def _bind(self, fields: dict[str, Any]) -> None:
        try:
            answer = self.ask("bind_transceiver", within=CONNECT_WITHIN, interface_version=0x34, **fields)
        except NoAnswer as fault:
            self.close()
            raise NotSent(f"bind: {fault}") from None
        if answer.status != consts.SMPP_ESME_ROK:
            self.close()
            raise BindRefused(answer.status)

    def next_sequence(self) -> int:
        """Called by smpplib for every request it makes, while we hold the lock."""
        self.sequence = self.sequence % 0x7FFFFFFF + 1
        return self.sequence

    def ask(self, command: str, *, within: float = ANSWER_WITHIN, **fields: Any) -> Any:
        """Send a request and return its answer. Raises NotSent or NoAnswer."""
        answer: Future[Any] = Future()
        sequence = self._send(command, answer, fields)
        try:
            said = answer.result(timeout=within)
        except TimeoutError:
            raise NoAnswer("time-out") from None
        finally:
            self._asked.pop(sequence, None)
        if said.status == consts.SMPP_ESME_ROK and said.command != f"{command}_resp":
            raise NoAnswer("no answer to the question")
        return said

    def close(self) -> None:
        """Close the connection; every open request ends without an answer. Idempotent."""
        with self._lock:
            self.alive = False
            asked, self._asked = self._asked, {}
        self._socket.close()
        self._delivered.put(None)
        for answer in asked.values():
            answer.set_exception(NoAnswer("connection lost"))

    def unbind(self) -> None:
        """Send an unbind, without waiting for an answer, and close."""
        try:
            self._send("unbind", None, {})
        except NotSent:
            return
        self.close()

    # ── Sending

    def _send(self, command: str, answer: Future[Any] | None, fields: dict[str, Any]) -> int:
        """Write a request and return its number. If it could not be written completely, the connection is closed: the
        other side cannot know where the next request begins."""
        with self._lock:
            if not self.alive:
                raise NotSent("connection lost")
            pdu = smpp.make_pdu(command, client=self, **fields)
            sequence: int = pdu.sequence
            if answer is not None:
                self._asked[sequence] = answer
            try:
                self._write(pdu)
                return sequence
            except OSError as error:
                self._asked.pop(sequence, None)
                fault = NotSent(type(error).__name__)
        self.close()
        raise fault

    def _write(self, pdu: Any) -> None:
        self._socket.settimeout(CONNECT_WITHIN)
        self._socket.sendall(pdu.generate())
        self._socket.settimeout(_LOOK_EVERY)

    def _respond(self, command: str, sequence: int, status: int = consts.SMPP_ESME_ROK) -> None:
        pdu = smpp.make_pdu(command, client=self, sequence=sequence, status=status)
        pdu.sequence, pdu.status = sequence, status
        with self._lock:
            self._write(pdu)

    # ── Receiving

    def _read(self) -> None:
        buffer = b""
        try:
            while self.alive:
                buffer += self._receive()
                while len(buffer) >= 16 and len(buffer) >= (length := _length(buffer)):
                    self._heard = time.monotonic()
                    self._take(buffer[:length])
                    buffer = buffer[length:]
                self._enquire()
        except Exception as error:
            if self.alive:
                log.warning("smpp: the connection ended (%s)", type(error).__name__)
        self.close()

    def _receive(self) -> bytes:
        try:
            received = self._socket.recv(65_536)
        except TimeoutError:
            return b""
        if not received:
            raise ConnectionResetError
        return received

    def _enquire(self) -> None:
        """Send enquire_link after silence, and close the connection if that stays unanswered. An incomplete PDU does
        not count as a sign of life. If this process itself was stopped, the other side is asked first."""
        now = time.monotonic()
        if self._enquired > self._heard:
            if now - self._enquired > ENQUIRE_WITHIN:
                raise TimeoutError
        elif now - self._heard > ENQUIRE_EVERY:
            self._send("enquire_link", None, {})
            self._enquired = now

    def _take(self, raw: bytes) -> None:
        code, sequence = struct.unpack(">4xL4xL", raw[:16])
        if code == command_codes.commands["enquire_link"]:
            self._respond("enquire_link_resp", sequence)
        elif code == command_codes.commands["unbind"]:
            self._respond("unbind_resp", sequence)
            raise ConnectionResetError
        elif code == command_codes.commands["deliver_sm"]:
            self._delivered.put(self._parsed(raw) or Unreadable(sequence, raw[16:]))
        elif answer := self._asked.pop(sequence, None):
            if pdu := self._parsed(raw):
                answer.set_result(pdu)
            else:
                answer.set_exception(NoAnswer("cannot be read"))

    def _parsed(self, raw: bytes) -> Any:
        """The PDU, or None if it cannot be read. The connection goes on, because the start of the next PDU is known."""
        try:
            return smpp.parse_pdu(raw, client=self, allow_unknown_opt_params=True)
        except Exception as error:  # smpplib raises exceptions of many kinds
            log.warning("smpp: a message of the peer cannot be read (%s)", type(error).__name__)
            return None

    def _hand_over(self) -> None:
        """Pass a delivery on; acknowledge it only when it has been stored. Otherwise the gateway keeps it and delivers
        it again."""
        while (pdu := self._delivered.get()) is not None:
            try:
                self._deliver(pdu)
                status = consts.SMPP_ESME_ROK
            except Exception as error:  # the database may be away; the text of its errors may hold anything
                log.error("smpp: a delivery was not kept (%s)", type(error).__name__)
                status = consts.SMPP_ESME_RX_T_APPN
            try:
                self._respond("deliver_sm_resp", pdu.sequence, status)
            except OSError:
                self.close()


def _connected(address: tuple[str, int], tls: ssl.SSLContext | None) -> socket.socket | TlsStream:
    """A connected socket. Raises OSError (ssl.SSLCertVerificationError is one) or UnicodeError."""
    ends = time.monotonic() + CONNECT_WITHIN
    connection = connect(*address, within=CONNECT_WITHIN)
    if tls is None:
        return connection
    try:
        return TlsStream(connection, tls, address[0], within=max(ends - time.monotonic(), 0.001))
    except OSError:
        connection.close()
        raise


def _length(buffer: bytes) -> int:
    length = int.from_bytes(buffer[:4])
    if not 16 <= length <= _LARGEST:
        raise ValueError("no SMPP")
    return length
