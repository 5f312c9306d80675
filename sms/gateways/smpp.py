"""SMPP 3.4 gateway, as operators run it: one transceiver bind that is kept, with several messages under way in a
window.

A Persian text is sent as UCS-2, a long one in parts with a header (UDH) by which the phone joins them. Each part has an
id and a receipt of its own; receipts arrive on the same connection. SMPP has no client key, so a message without an
answer stays unknown.
"""

from __future__ import annotations

import atexit
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from django.db import close_old_connections
from django.utils import timezone
from smpplib import consts

from common import limits
from common.connecting import is_loopback
from sms.gateways import smpp_receipts, smpp_session, smpp_texts
from sms.gateways import smpp_wire as wire
from sms.gateways.base import (
    Abilities,
    Accepted,
    Because,
    Gateway,
    Outcome,
    OutOfOrder,
    PushedReceipt,
    Receipt,
    ReceiptsBy,
    Refused,
    Sms,
    TryAgain,
    Unknown,
    on_or_off,
    whole_number,
)
from sms.gateways.smpp_session import BindRefused, Late, NoAnswer, NotSent, Session
from sms.gateways.smpp_wire import Answer, Delivery

# Outcomes by command_status of an answer to a bind or a submit. One that is not here was not sent: try again.
_CODES: dict[int, Callable[[str], TryAgain | Refused | OutOfOrder]] = {
    consts.SMPP_ESME_RINVMSGLEN: Refused,
    consts.SMPP_ESME_RINVDSTADR: Refused,
    consts.SMPP_ESME_RINVSRCADR: OutOfOrder,
    consts.SMPP_ESME_RBINDFAIL: TryAgain.no_bind,  # or our account: `sms.binds` tells them apart
    consts.SMPP_ESME_RALYBND: TryAgain.no_bind,
    consts.SMPP_ESME_RINVPASWD: OutOfOrder,
    consts.SMPP_ESME_RINVSYSID: OutOfOrder,
    consts.SMPP_ESME_RINVSYSTYP: OutOfOrder,
    consts.SMPP_ESME_RTHROTTLED: TryAgain.busy,
    consts.SMPP_ESME_RMSGQFUL: TryAgain.full,
}
_PART_WITHIN = 25.0  # seconds for all parts of a message,
_PARTS_BEGIN_WITHIN = 20.0  # and within which each has had its turn, however slow the line is
_SLOW_DOWN_PAUSE = 0.5
_QUERY_WITHIN = 5.0  # seconds for one query_sm,
_QUERIES_WITHIN = 5.0  # and after which no further one is begun
_NEXT_QUERY = 3600.0  # seconds until a gateway that knows no query_sm is asked again
_BESIDE_AFTER = 1.0  # seconds that a connection in doubt has for its last answers before one beside it is tried,
_REPLACED_WITHIN = 5.0  # and until the new one has to be there
_NEXT_BIND = 0.3
_NEXT_CONNECT = 5.0  # seconds between attempts to connect without anything to send


class _Replaced(NotSent):
    """The connection in doubt still counts as our bind."""


_ENDED = TryAgain("connection replaced")


class SmppGateway(Gateway):
    """One account at one operator or SMS service."""

    KIND = "smpp"
    on_network = True
    poll_after = limits.RECEIPT_DUE_WITHIN
    REQUIRED = ("HOST", "PORT", "SYSTEM_ID", "PASSWORD", "SENDER")
    OPTIONAL = {
        "SYSTEM_TYPE": "what the operator wants in the bind (empty)",
        "SENDER_TON": "type of the sender's number (0); 5 for a name",
        "SENDER_NPI": "numbering plan of the sender's number (1); 0 for a name",
        "RECEIPT_IDS": "auto: how receipts write ids is learned from them (auto); same: as in the answer to the send; "
        "text: the id in a receipt's text counts, not the one beside it (receipted_message_id); "
        "hex: as text, and the answer to a send has it in hexadecimal, the text in decimal",
        "VALIDITY": "how the end of a message's use is told to the gateway: relative, absolute or none (relative)",
        "BINDS": "how many connections it takes, from all processes together (1)",
        "QUERY": "on or off: the gateway is asked (query_sm) about overdue receipts, if it can be (on)",
        "WINDOW": "messages under way at the same time in one process (10)",
        "TLS": "on or off: TLS from the first byte, with the certificate and the name checked (off)",
        "CA": "file with the certificates that are trusted instead of the system's, with TLS=on",
    }

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.connections = whole_number(options, "WINDOW", 10)
        self.binds = whole_number(options, "BINDS", 1, most=100)
        self._address = (options["HOST"], whole_number(options, "PORT", 2775, most=65_535))
        self._ids = options.get("RECEIPT_IDS") or "auto"
        if self._ids not in ("auto", "same", "text", "hex"):
            raise ValueError("RECEIPT_IDS is auto, same, text or hex")
        if (validity := options.get("VALIDITY") or "relative") not in smpp_texts.VALIDITY:
            raise ValueError("VALIDITY is relative, absolute or none")
        self._validity = smpp_texts.VALIDITY[validity]
        self._bind = {name.lower(): options.get(name, "") for name in ("SYSTEM_ID", "PASSWORD", "SYSTEM_TYPE")}
        self._from = {
            "source_addr": options["SENDER"],
            "source_addr_ton": whole_number(options, "SENDER_TON", 0, least=0, most=255),
            "source_addr_npi": whole_number(options, "SENDER_NPI", 1, least=0, most=255),
        }
        self._tls = _tls(options)
        asks = on_or_off(options, "QUERY", default=True)
        # Ids that were turned into decimal are not those that the gateway knows.
        self._no_query_until = 0.0 if asks and self._ids != "hex" else float("inf")
        self._session: Session | None = None
        self._old: Session | None = None  # the one before, which ends when its last requests are answered
        self._connecting = threading.Lock()
        self._left_at = float("-inf")
        self._unreachable_since: float | None = None  # time.monotonic(); None: the last connection could be made
        self._failed: tuple[float, Exception] = (float("-inf"), NotSent("not connected"))

    @classmethod
    def in_the_open(cls, options: Mapping[str, str]) -> str:
        host = options.get("HOST", "")
        return "" if options.get("TLS", "").lower() == "on" or is_loopback(host) else host

    def abilities(self, kind: str) -> Abilities:
        return Abilities(receipts=ReceiptsBy.PUSH)

    def send(self, sms: Sms) -> Outcome:
        said = self._sent(sms)
        if said is _ENDED:  # the connection was replaced between our look at it and the send
            said = self._sent(sms)
        return said

    def _sent(self, sms: Sms) -> Outcome:
        try:
            session = self._connected(sms.key)
        except _Replaced as fault:
            return TryAgain.this_message(str(fault))
        except BindRefused as refusal:
            return _CODES.get(refusal.status, TryAgain)(str(refusal))
        except NotSent as fault:
            return TryAgain(str(fault))
        said = self._send(session, sms)
        if session.retired and isinstance(said, TryAgain) and said.because is Because.GATEWAY:
            return _ENDED
        if isinstance(said, Unknown):
            session.unanswered.add(sms.key)
        return said

    def _send(self, session: Session, sms: Sms) -> Outcome:
        texts, coding, esm_class = smpp_texts.split(sms)
        fields = {"destination_addr": sms.to.removeprefix("+"), "data_coding": coding, "esm_class": esm_class}
        if sms.valid_until:
            fields["validity_period"] = self._validity(sms.valid_until, timezone.now())
        ids: list[str] = []
        ends = time.monotonic() + _PART_WITHIN
        every = min(sms.every, _PARTS_BEGIN_WITHIN / len(texts))
        slowed, next_at = None, 0.0
        for number, text in enumerate(texts, 1):
            late = partial(self._accepted_late, sms.key, tuple(ids)) if number == len(texts) else None
            fields["short_message"] = text
            asked_at = _at(next_at)
            said = self._submit(session, fields, late, ends)
            while ids and _is_slow_down(said) and time.monotonic() < ends - _SLOW_DOWN_PAUSE:
                slowed, asked_at = every, _at(time.monotonic() + (every or _SLOW_DOWN_PAUSE))
                said = self._submit(session, fields, late, ends)
            next_at = asked_at + every
            if isinstance(said, str):
                ids.append(said)
            elif ids:  # the phone gets a part of the message
                return Unknown(f"part {number} of {len(texts)}: {said.detail}")
            else:
                return said
        return Accepted(provider_ids=_each_once(ids), slowed=slowed)

    def _submit(
        self, session: Session, fields: Mapping[str, object], late: Late | None, ends: float
    ) -> str | TryAgain | Refused | OutOfOrder | Unknown:
        """The id of one part, or why there is none. `late`: takes an answer that comes after the time-out."""
        within = max(min(smpp_session.ANSWER_WITHIN, ends - time.monotonic()), 0.1)
        try:
            answer = session.ask(
                "submit_sm", dest_addr_ton=1, dest_addr_npi=1, registered_delivery=1, **self._from, **fields,
                within=within, late=late,
            )  # fmt: skip
        except NotSent as fault:
            return TryAgain(str(fault))
        except NoAnswer as fault:
            return Unknown(str(fault))
        if answer.status == consts.SMPP_ESME_ROK:
            return self._id(answer)
        return _CODES.get(answer.status, TryAgain)(f"status {answer.status}")

    def _id(self, answer: Answer) -> str:
        return smpp_receipts.answered_id(smpp_receipts.text_of(answer.message_id), self._ids)

    def _accepted_late(self, key: uuid.UUID, ids: Sequence[str], answer: Answer) -> None:
        """An answer to the last part came after the time-out: if it is a yes, the doubt about the message ends."""
        if answer.status == consts.SMPP_ESME_ROK and answer.is_for(wire.SUBMIT_SM):
            self._keep([smpp_receipts.late_acceptance(key, _each_once([*ids, self._id(answer)]))])

    # ── Connection

    def stay_connected(self) -> None:
        session, (failed_at, _) = self._session, self._failed
        if (session and session.alive) or time.monotonic() - failed_at < _NEXT_CONNECT or self._connecting.locked():
            return
        threading.Thread(target=self._connect_quietly, name=f"smpp-{self.name}", daemon=True).start()

    def _connect_quietly(self) -> None:
        try:
            self._connected()
        except (BindRefused, NotSent):
            return  # the next send reports it

    def _connected(self, key: uuid.UUID | None = None) -> Session:
        """The bound connection, with signs of life from the peer; another one if the message `key` is in doubt on this
        one. If several threads wait for it, one connects and all get its result."""
        asked_at = time.monotonic()
        with self._connecting:
            is_sound = self._session is not None and self._session.is_sound()
            if self._session and is_sound and self._session.may_carry(key):
                return self._session
            failed_at, fault = self._failed
            if failed_at > asked_at:
                raise fault
            if self._session:
                atexit.unregister(self._session.unbind)
                self._old = self._session if is_sound else None
            try:
                self._session = self._replacing(self._old) if self._old else self._new()
            except (BindRefused, NotSent) as fault:
                self._failed = (time.monotonic(), fault)
                self._unreachable_since = self._cannot_connect(fault)
                raise
            self._unreachable_since = None
            atexit.register(self._session.unbind)
            return self._session

    def _new(self) -> Session:
        return Session(self._address, self._bind, self._deliver, left=self._left, tls=self._tls)

    def _left(self) -> None:
        self._left_at = time.monotonic()

    def left_at(self) -> float:
        return self._left_at

    def _replacing(self, old: Session) -> Session:
        """A connection in place of `old`, over which nothing new goes any more. It ends when its requests are answered,
        normally at once; a new one beside it is tried only if that takes longer, because it may be the only bind that
        we may have. Raises _Replaced while that one is still counted."""
        old.retire()
        ends = time.monotonic() + _REPLACED_WITHIN
        old.ends(within=_BESIDE_AFTER)
        while True:
            try:
                return self._new()
            except BindRefused as refusal:
                left = ends - time.monotonic()
                if _CODES.get(refusal.status) != TryAgain.no_bind:
                    raise
                if left <= 0 or not old.ends(within=left):
                    raise _Replaced(str(refusal)) from None
            time.sleep(_NEXT_BIND)  # the SMSC needs a moment to notice the unbind

    def _cannot_connect(self, fault: Exception) -> float | None:
        if isinstance(fault, BindRefused | _Replaced):
            return None
        return self._unreachable_since or time.monotonic()

    def unreachable_for(self) -> float:
        since = self._unreachable_since
        return time.monotonic() - since if since is not None else 0.0

    def close(self) -> None:
        """Unbind; the next send binds again."""
        with self._connecting:
            for session in (self._session, self._old):
                if session:
                    session.unbind()

    # ── Receipts

    def _deliver(self, deliveries: Sequence[Delivery]) -> None:
        self._keep([smpp_receipts.pushed(each) for each in deliveries])

    def _keep(self, receipts: Sequence[PushedReceipt]) -> None:
        """Pass receipts on, unchanged. Raises whatever keeps them from being stored; then none of them was."""
        if self.on_receipts is None:
            return
        close_old_connections()  # this thread lives as long as the bind
        try:
            self.on_receipts(self.name, receipts)
        finally:
            close_old_connections()

    def poll(self, provider_ids: Sequence[str]) -> list[Receipt]:
        """By query_sm, over the connection that is there. A gateway that does not know the request, or does not answer
        it, is not asked again for an hour by this process."""
        session, ends = self._session, time.monotonic() + _QUERIES_WITHIN
        found: list[Receipt] = []
        for provider_id in provider_ids:
            now = time.monotonic()
            if session is None or not session.alive or now > ends or now < self._no_query_until:
                break
            fields = {"message_id": provider_id}
            try:
                answer = session.ask("query_sm", within=_QUERY_WITHIN, **fields, **self._from)  # type: ignore[arg-type]
            except NotSent:
                break
            except NoAnswer:
                self._no_query_until = now + _NEXT_QUERY
                break
            if answer.status == consts.SMPP_ESME_RINVCMDID or answer.command == wire.GENERIC_NACK:
                self._no_query_until = now + _NEXT_QUERY
            elif answer.status == consts.SMPP_ESME_ROK and (said := smpp_receipts.queried(provider_id, answer.body)):
                found.append(said)
        return found

    def read_receipts(self, pushed: PushedReceipt) -> list[Receipt]:
        return smpp_receipts.read(pushed, self._ids)


def _at(time_: float) -> float:
    """Wait until then (`time.monotonic()`), if that is not past; returns now."""
    if (early := time_ - time.monotonic()) > 0:
        time.sleep(early)
    return time.monotonic()


def _is_slow_down(said: object) -> bool:
    return isinstance(said, TryAgain) and said.because in (Because.BUSY, Because.FULL)


def _each_once(ids: Sequence[str]) -> tuple[str, ...]:
    """Some give all parts the same id."""
    return tuple(dict.fromkeys(filter(None, ids)))


def _tls(options: Mapping[str, str]) -> ssl.SSLContext | None:
    """The TLS context that verifies the other side's name and certificate; None: without TLS. Raises ValueError."""
    trusted = options.get("CA", "")
    if not on_or_off(options, "TLS"):
        if trusted:
            raise ValueError("CA goes with TLS=on")
        return None
    try:
        return ssl.create_default_context(cafile=trusted or None)
    except OSError:
        raise ValueError("CA is no file with certificates that can be read") from None
