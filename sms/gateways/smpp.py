"""SMPP 3.4 gateway, as operators run it: one transceiver bind that is kept, with several messages under way in a
window.

A Persian text is sent as UCS-2, a long one in parts with a header (UDH) by which the phone joins them. Each part has an
id and a receipt of its own; receipts arrive on the same connection. SMPP has no client key, so a message without an
answer stays unknown.
"""

from __future__ import annotations

import atexit
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from django.db import close_old_connections
from smpplib import consts

from common.connecting import is_loopback
from sms import parts
from sms.gateways import smpp_session
from sms.gateways.base import (
    Abilities,
    Accepted,
    Delivery,
    Gateway,
    Malformed,
    Outcome,
    OutOfOrder,
    PushedReceipt,
    Receipt,
    ReceiptsBy,
    Refused,
    Sms,
    TryAgain,
    Unknown,
    whole_number,
)
from sms.gateways.smpp_session import BindRefused, NoAnswer, NotSent, Session

# Outcomes by command_status of an answer to a bind or a submit. One that is not here was not sent: try again.
_CODES: dict[int, Callable[[str], TryAgain | Refused | OutOfOrder]] = {
    consts.SMPP_ESME_RINVMSGLEN: Refused,
    consts.SMPP_ESME_RINVDSTADR: Refused,
    consts.SMPP_ESME_RINVSRCADR: OutOfOrder,
    consts.SMPP_ESME_RBINDFAIL: OutOfOrder,
    consts.SMPP_ESME_RINVPASWD: OutOfOrder,
    consts.SMPP_ESME_RINVSYSID: OutOfOrder,
    consts.SMPP_ESME_RINVSYSTYP: OutOfOrder,
    consts.SMPP_ESME_RTHROTTLED: TryAgain.busy,
    consts.SMPP_ESME_RMSGQFUL: TryAgain.busy,
}
_SLOW_DOWN = (consts.SMPP_ESME_RTHROTTLED, consts.SMPP_ESME_RMSGQFUL)
# `stat:` in a receipt, and message_state where it is sent beside it.
_DELIVERY = {
    "ENROUTE": Delivery.ON_ITS_WAY,
    "ACCEPTD": Delivery.ON_ITS_WAY,
    "UNKNOWN": Delivery.ON_ITS_WAY,
    "DELIVRD": Delivery.DELIVERED,
    "EXPIRED": Delivery.UNDELIVERED,
    "DELETED": Delivery.UNDELIVERED,
    "UNDELIV": Delivery.UNDELIVERED,
    "REJECTD": Delivery.UNDELIVERED,
}
_STATES = ("", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD")
_RECEIPT = 0x04  # esm_class of a delivery receipt, in the bits 0x3C
_FIELD = re.compile(rb"\b(id|stat|err):(\S*)", re.IGNORECASE)
_WORDS = re.compile(rb"\btext:", re.IGNORECASE)  # followed by the first words of the message, which are not parsed
_LONGEST_ID = 65
_PART_WITHIN = 25.0  # seconds for all parts of a message
_SLOW_DOWN_PAUSE = 0.5
_NEXT_CONNECT = 5.0  # seconds between attempts to connect without anything to send


class SmppGateway(Gateway):
    """One account at one operator or SMS service."""

    KIND = "smpp"
    on_network = True
    REQUIRED = ("HOST", "PORT", "SYSTEM_ID", "PASSWORD", "SENDER")
    OPTIONAL = {
        "SYSTEM_TYPE": "what the operator wants in the bind (empty)",
        "SENDER_TON": "type of the sender's number (0); 5 for a name",
        "SENDER_NPI": "numbering plan of the sender's number (1); 0 for a name",
        "RECEIPT_IDS": "same; text: the id in a receipt's text counts, not the one beside it (receipted_message_id); "
        "hex: as text, and the answer to a send has it in hexadecimal, the text in decimal",
        "WINDOW": "messages under way at the same time in one process (10)",
        "TLS": "on or off: TLS from the first byte, with the certificate and the name checked (off)",
        "CA": "file with the certificates that are trusted instead of the system's, with TLS=on",
    }

    def __init__(self, *, name: str, options: Mapping[str, str]) -> None:
        super().__init__(name=name, options=options)
        self.connections = whole_number(options, "WINDOW", 10)
        self._address = (options["HOST"], whole_number(options, "PORT", 2775, most=65_535))
        self._ids = options.get("RECEIPT_IDS") or "same"
        if self._ids not in ("same", "text", "hex"):
            raise ValueError("RECEIPT_IDS is same, text or hex")
        self._bind = {name.lower(): options.get(name, "") for name in ("SYSTEM_ID", "PASSWORD", "SYSTEM_TYPE")}
        self._from = {
            "source_addr": options["SENDER"],
            "source_addr_ton": whole_number(options, "SENDER_TON", 0, least=0, most=255),
            "source_addr_npi": whole_number(options, "SENDER_NPI", 1, least=0, most=255),
        }
        self._tls = _tls(options)
        self._session: Session | None = None
        self._connecting = threading.Lock()
        self._failed: tuple[float, Exception] = (float("-inf"), NotSent("not connected"))

    @classmethod
    def in_the_open(cls, options: Mapping[str, str]) -> str:
        host = options.get("HOST", "")
        return "" if _is_on(options.get("TLS", "")) or is_loopback(host) else host

    def abilities(self, kind: str) -> Abilities:
        return Abilities(receipts=ReceiptsBy.PUSH)

    def send(self, sms: Sms) -> Outcome:
        try:
            session = self._connected()
        except BindRefused as refusal:
            return _CODES.get(refusal.status, TryAgain)(str(refusal))
        except NotSent as fault:
            return TryAgain(str(fault))
        texts, coding, esm_class = _split(sms)
        ids: list[str] = []
        ends = time.monotonic() + _PART_WITHIN
        for text in texts:
            said = self._submit(session, sms.to, text, coding, esm_class, patient=bool(ids), ends=ends)
            if isinstance(said, str):
                ids.append(said)
            elif ids:  # the phone gets a part of the message
                return Unknown(f"part {len(ids) + 1} of {len(texts)}: {said.detail}")
            else:
                return said
        return Accepted(provider_ids=tuple(dict.fromkeys(filter(None, ids))))  # some give all parts the same

    def _submit(
        self, session: Session, to: str, text: bytes, coding: int, esm_class: int, *, patient: bool, ends: float
    ) -> str | TryAgain | Refused | OutOfOrder | Unknown:
        """The id of one part, or why there is none. `patient`: the first part has been sent, so wait if the answer is
        "slow down"."""
        while True:
            try:
                answer = session.ask(
                    "submit_sm", dest_addr_ton=1, dest_addr_npi=1, destination_addr=to.removeprefix("+"),
                    data_coding=coding, esm_class=esm_class, registered_delivery=1, short_message=text, **self._from,
                    within=max(min(smpp_session.ANSWER_WITHIN, ends - time.monotonic()), 0.1),
                )  # fmt: skip
            except NotSent as fault:
                return TryAgain(str(fault))
            except NoAnswer as fault:
                return Unknown(str(fault))
            if answer.status == consts.SMPP_ESME_ROK:
                return self._id(_text(getattr(answer, "message_id", None) or b""))
            if not (patient and answer.status in _SLOW_DOWN and time.monotonic() < ends - _SLOW_DOWN_PAUSE):
                return _CODES.get(answer.status, TryAgain)(f"status {answer.status}")
            time.sleep(_SLOW_DOWN_PAUSE)

    def _id(self, text: str) -> str:
        """The id of an answer, written as the texts of receipts write it."""
        try:
            return str(int(text, 16)) if self._ids == "hex" else text
        except ValueError:
            return text

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

    def _connected(self) -> Session:
        """The bound connection. If several threads wait for it, one connects and all get its result."""
        asked_at = time.monotonic()
        with self._connecting:
            if self._session and self._session.alive:
                return self._session
            failed_at, fault = self._failed
            if failed_at > asked_at:
                raise fault
            if self._session:
                atexit.unregister(self._session.unbind)
            try:
                self._session = Session(self._address, self._bind, self._keep, tls=self._tls)
            except (BindRefused, NotSent) as fault:
                self._failed = (time.monotonic(), fault)
                raise
            atexit.register(self._session.unbind)
            return self._session

    def close(self) -> None:
        """Unbind; the next send binds again."""
        with self._connecting:
            if self._session:
                self._session.unbind()

    # ── Receipts

    def _keep(self, pdu: Any) -> None:
        """Pass a receipt on, unchanged. An SMS from a phone is ignored."""
        if (pdu.esm_class or 0) & 0x3C != _RECEIPT or self.on_receipt is None:
            return
        beside = {
            "id": _text(getattr(pdu, "receipted_message_id", None) or b""),
            "state": getattr(pdu, "message_state", None) or "",
        }
        query = urlencode({name: value for name, value in beside.items() if value})
        body = pdu.short_message or getattr(pdu, "message_payload", None) or b""
        close_old_connections()  # this thread lives as long as the bind
        try:
            self.on_receipt(self.name, PushedReceipt(method="SMPP", query=query, content_type="", body=body))
        finally:
            close_old_connections()

    def read_receipts(self, pushed: PushedReceipt) -> list[Receipt]:
        beside = parse_qs(pushed.query)
        fields = reversed(_FIELD.findall(_WORDS.split(pushed.body)[0]))  # if a name occurs twice, the first one counts
        found = {name.decode().lower(): _text(value) for name, value in fields}
        provider_id = self._receipted(found.get("id", ""), _text((beside.get("id") or [""])[0].encode()))
        state = found.get("stat", "").upper() or _state((beside.get("state") or [""])[0])
        if not provider_id:
            raise Malformed("no message id")
        if state not in _DELIVERY:
            raise Malformed("unknown status" if state else "no status")
        detail = f"{state} {found['err']}" if found.get("err", "000").strip("0") else state
        return [Receipt(_DELIVERY[state], provider_id=provider_id, detail=detail[:40])]

    def _receipted(self, in_text: str, beside: str) -> str:
        """The message that a receipt is about. The id is never guessed: in another number base it may be another
        message's."""
        if self._ids == "same":
            return beside or in_text
        if self._ids == "hex" and in_text.isdigit():
            in_text = str(int(in_text))  # without leading zeros
        return in_text or self._id(beside)


def _tls(options: Mapping[str, str]) -> ssl.SSLContext | None:
    """The TLS context that verifies the other side's name and certificate; None: without TLS. Raises ValueError."""
    wanted, trusted = options.get("TLS", ""), options.get("CA", "")
    if wanted.lower() not in ("", "on", "off"):
        raise ValueError("TLS is on or off")
    if not _is_on(wanted):
        if trusted:
            raise ValueError("CA goes with TLS=on")
        return None
    try:
        return ssl.create_default_context(cafile=trusted or None)
    except OSError:
        raise ValueError("CA is no file with certificates that can be read") from None


def _is_on(wanted: str) -> bool:
    return wanted.lower() == "on"


def _split(sms: Sms) -> tuple[list[bytes], int, int]:
    """The parts of the text, with data_coding and esm_class. Sent again, they have the same reference, so a phone that
    has some of them shows the message once."""
    latin, texts = parts.is_latin(sms.text), parts.split(sms.text)
    coding = consts.SMPP_ENCODING_DEFAULT if latin else consts.SMPP_ENCODING_ISO10646
    encoded = [parts.encode_latin(text) if latin else text.encode("utf-16-be", "replace") for text in texts]
    if len(encoded) == 1:
        return encoded, coding, consts.SMPP_MSGTYPE_DEFAULT
    header = b"\x05\x00\x03" + bytes([sms.key.int & 0xFF, len(encoded)])
    return [header + bytes([n]) + part for n, part in enumerate(encoded, 1)], coding, consts.SMPP_GSMFEAT_UDHI


def _text(raw: bytes) -> str:
    """An id or a word: up to a NUL, without blanks, because several ids are stored with blanks between them."""
    return "".join(raw.partition(b"\0")[0].decode("ascii", "replace").split())[:_LONGEST_ID]


def _state(number: str) -> str:
    return _STATES[int(number)] if number.isascii() and number.isdigit() and int(number) < len(_STATES) else ""
