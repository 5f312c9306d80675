"""One bound SMPP connection: requests in a window, answers matched by sequence number, kept alive while idle.

One thread reads; another one passes on what the gateway delivers (`smpp_inbound`). When the connection ends, every open
request ends without an answer. An answer that comes after its request has timed out is passed on too: it proves what
became of the message.

A time-out puts the connection in doubt: the peer is asked for a sign of life at once, and nothing else is sent before
it comes. And what got no answer here is never sent again over the same connection, whatever the peer says.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from smpplib import command_codes, consts, smpp

from common.connecting import connect
from common.http_client import WRONG_CERTIFICATE
from sms.gateways import smpp_wire as wire
from sms.gateways.smpp_inbound import Inbound
from sms.gateways.smpp_wire import Answer, Delivery
from sms.gateways.tls_stream import TlsStream

log = logging.getLogger(__name__)

CONNECT_WITHIN = 5.0  # seconds, for the name and the connection, and again for the bind
ANSWER_WITHIN = 15.0
ENQUIRE_EVERY = 30.0  # seconds without data from the other side
ENQUIRE_WITHIN = 10.0
DOUBT_WITHIN = 5.0  # the same after a time-out: well before the next try of a result (limits.SMS_RESULT_RETRIES)
_LOOK_EVERY = 0.5
_MOST_LATE = 1_000  # requests whose late answer is waited for

Late = Callable[[Answer], None]


class NotSent(Exception):
    """The request was not written completely, so nobody can have acted on it."""


class NoAnswer(Exception):
    """The request was written, but no answer came."""


class BindRefused(Exception):
    """The gateway refused the bind; `status` is its reason."""

    def __init__(self, status: int) -> None:
        super().__init__(f"bind status {status}")
        self.status = status


class Session:
    """Connects and binds when it is made. Raises NotSent or BindRefused.

    `deliver` is called with deliver_sm and data_sm as they come, several at once if they come quickly; what it raises
    on is refused, and the gateway delivers it again. `left` is called when the connection ends and the peer may not
    have noticed: it has neither ended it nor refused the bind. An unbind of ours proves nothing, nobody waits for its
    answer. With `tls`, nothing is sent before the other side has shown a valid certificate; it never falls back to
    plain text.
    """

    def __init__(
        self,
        address: tuple[str, int],
        bind: dict[str, Any],
        deliver: Callable[[Sequence[Delivery]], None],
        *,
        left: Callable[[], None] = lambda: None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.sequence = 0  # smpplib reads this attribute
        self._lock = threading.Lock()
        self._asked: dict[int, Future[Answer]] = {}
        self._late: OrderedDict[int, Late] = OrderedDict()  # of requests that timed out
        self.alive = True
        self._heard = time.monotonic()
        self._enquired = float("-inf")  # when an enquire_link was sent
        self._patience = ENQUIRE_WITHIN
        self._sound = threading.Event()  # no enquire_link is open, or the connection is closed
        self._sound.set()
        self.unanswered: set[uuid.UUID] = set()  # keys of messages that got no certain answer here
        self.retired = False
        self._unbinding = False
        self._left, self._peer_knows = left, False
        self._ended = threading.Event()
        try:
            self._socket = _connected(address, tls)
        except ssl.SSLCertVerificationError:
            raise NotSent(WRONG_CERTIFICATE) from None
        except (OSError, UnicodeError) as error:
            raise NotSent(type(error).__name__) from None
        self._socket.settimeout(_LOOK_EVERY)
        self._inbound = Inbound(deliver, self._acknowledge)
        threading.Thread(target=self._read, name="smpp", daemon=True).start()
        self._bind(bind)

    def _bind(self, fields: dict[str, Any]) -> None:
        try:
            answer = self.ask("bind_transceiver", within=CONNECT_WITHIN, interface_version=0x34, **fields)
        except NoAnswer as fault:
            self.close()
            raise NotSent(f"bind: {fault}") from None
        if answer.status != consts.SMPP_ESME_ROK:
            self._peer_knows = True
            self.close()
            raise BindRefused(answer.status)

    def next_sequence(self) -> int:
        """Called by smpplib for every request it makes, while we hold the lock."""
        self.sequence = self.sequence % 0x7FFFFFFF + 1
        return self.sequence

    def ask(self, command: str, *, within: float = ANSWER_WITHIN, late: Late | None = None, **fields: Any) -> Answer:
        """Send a request and return its answer. Raises NotSent or NoAnswer. If the answer comes after the time-out,
        `late` is called with it, in another thread."""
        answer: Future[Answer] = Future()
        sequence = self._send(command, answer, fields)
        try:
            said = answer.result(timeout=within)
        except TimeoutError:
            said = self._timed_out(sequence, answer, late)
        if said.status == consts.SMPP_ESME_ROK and not said.is_for(command_codes.get_command_code(command)):
            raise NoAnswer("no answer to the question")
        return said

    def _timed_out(self, sequence: int, answer: Future[Answer], late: Late | None) -> Answer:
        """The answer, if it has come this moment."""
        with self._lock:
            timed_out = self._asked.pop(sequence, None) is not None
            if timed_out and late is not None:
                self._late[sequence] = late
                if len(self._late) > _MOST_LATE:
                    self._late.popitem(last=False)
        if not timed_out:
            return answer.result()
        self._inquire(DOUBT_WITHIN)
        raise NoAnswer("time-out")

    def is_sound(self) -> bool:
        """Whether the peer gives signs of life. Waits if it was asked for one; then the link is proven or closed."""
        if not self._sound.wait(ENQUIRE_WITHIN + 2 * _LOOK_EVERY):
            self.close()
        return self.alive

    def may_carry(self, key: uuid.UUID | None) -> bool:
        """Whether anything new goes over this connection, and the message is not one of `unanswered`."""
        return not self.retired and key not in self.unanswered

    def retire(self) -> None:
        """End the connection when no request is open any more; nobody may send anything new over it."""
        self.retired = True
        if not self._asked:
            self.unbind()

    def ends(self, *, within: float) -> bool:
        """Whether it is closed, or will be within so many seconds."""
        return self._ended.wait(within)

    def close(self) -> None:
        """Close the connection; every open request ends without an answer. Idempotent."""
        with self._lock:
            ends, self.alive = self.alive, False
            asked, self._asked = self._asked, {}
        self._sound.set()
        self._socket.close()
        self._inbound.end()
        if ends and not self._peer_knows:
            self._left()
        self._ended.set()
        for answer in asked.values():
            answer.set_exception(NoAnswer("connection lost"))

    def unbind(self) -> None:
        """Send an unbind, without waiting for an answer, and close. Of several threads that want it, one does it."""
        with self._lock:
            if self._unbinding:
                return
            self._unbinding = True
        try:
            self._send("unbind", None, {})
        except NotSent:
            return
        self.close()

    # ── Sending

    def _send(self, command: str, answer: Future[Answer] | None, fields: dict[str, Any]) -> int:
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
                self._write(pdu.generate())
                return sequence
            except OSError as error:
                self._asked.pop(sequence, None)
                fault = NotSent(type(error).__name__)
        self.close()
        raise fault

    def _write(self, raw: bytes) -> None:
        self._socket.settimeout(CONNECT_WITHIN)
        self._socket.sendall(raw)
        self._socket.settimeout(_LOOK_EVERY)

    def _respond(self, command: int, sequence: int, status: int = consts.SMPP_ESME_ROK) -> None:
        with self._lock:
            self._write(wire.response(command, sequence, status))

    def _acknowledge(self, delivery: Delivery, status: int) -> None:
        try:
            self._respond(delivery.command, delivery.sequence, status)
        except OSError:
            self.close()
            raise

    # ── Receiving

    def _read(self) -> None:
        buffer = b""
        try:
            while self.alive:
                buffer += self._receive()
                while len(buffer) >= wire.HEADER and len(buffer) >= (length := wire.length(buffer)):
                    self._heard = time.monotonic()
                    self._sound.set()
                    self._take(buffer[:length])
                    buffer = buffer[length:]
                self._enquire()
                if self.retired and not self._asked:
                    self.unbind()
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
            self._peer_knows = True
            raise ConnectionResetError
        return received

    def _enquire(self) -> None:
        """Send enquire_link after silence, and close the connection if that stays unanswered. An incomplete PDU does
        not count as a sign of life. If this process itself was stopped, the other side is asked first."""
        now = time.monotonic()
        if self._enquired > self._heard:
            if now - self._enquired > self._patience:
                raise TimeoutError
        elif now - self._heard > ENQUIRE_EVERY:
            self._inquire(ENQUIRE_WITHIN)

    def _inquire(self, within: float) -> None:
        """Ask the peer for a sign of life, unless that has been done and it has not given one since."""
        if self._enquired > self._heard or not self.alive:
            return
        self._enquired, self._patience = time.monotonic(), within
        self._sound.clear()
        with contextlib.suppress(NotSent):  # then the connection is closed
            self._send("enquire_link", None, {})

    def _take(self, raw: bytes) -> None:
        """Each request of the peer gets its response; one that we do not know, generic_nack."""
        command, status, sequence = wire.header(raw)
        if command & wire.RESPONSE:
            self._answered(sequence, Answer(command, status, raw[wire.HEADER :]))
        elif command in (wire.DELIVER_SM, wire.DATA_SM):
            self._inbound.put(wire.delivery(raw))
        elif command == wire.ENQUIRE_LINK:
            self._respond(command, sequence)
        elif command == wire.UNBIND:
            self._peer_knows = True
            self._respond(command, sequence)
            raise ConnectionResetError
        elif command not in wire.WITHOUT_RESPONSE:
            self._respond(wire.GENERIC_NACK, sequence, consts.SMPP_ESME_RINVCMDID)

    def _answered(self, sequence: int, said: Answer) -> None:
        with self._lock:
            asked, late = self._asked.pop(sequence, None), self._late.pop(sequence, None)
        if asked is not None:
            asked.set_result(said)
        elif late is not None:
            self._inbound.put_late(partial(late, said))


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
