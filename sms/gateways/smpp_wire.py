"""PDUs of an SMPP 3.4 peer, read byte by byte and leniently, and our responses to its requests.

A PDU is an answer only if its command id has the response bit (SMPP 3.4, 5.1.2.1): the peer numbers its own requests
from 1 as we number ours, so a sequence number alone says nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from smpplib import consts

RESPONSE = 0x8000_0000  # the bit of every answer; alone: generic_nack
GENERIC_NACK = RESPONSE
SUBMIT_SM, DELIVER_SM, UNBIND, OUTBIND = 0x04, 0x05, 0x06, 0x0B
ENQUIRE_LINK, ALERT_NOTIFICATION, DATA_SM = 0x15, 0x102, 0x103
WITHOUT_RESPONSE = (ALERT_NOTIFICATION, OUTBIND)

HEADER = 16  # bytes
LARGEST = 70_000  # bytes of one PDU; a payload has at most 64 kB

RECEIPTED_MESSAGE_ID, MESSAGE_PAYLOAD, MESSAGE_STATE = 0x001E, 0x0424, 0x0427  # TLVs
RECEIPT = 0x04  # esm_class of a delivery receipt, in the bits 0x3C
_KIND = 0x3C
_INTERMEDIATE = 0x20  # esm_class of an intermediate notification, which is read like a receipt
_HEADER_IN_TEXT = 0x40


class Unreadable(ValueError):
    """A body that is shorter than its fields."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to a request of ours. Its repr shows no body."""

    command: int
    status: int
    body: bytes = field(default=b"", repr=False)

    @property
    def message_id(self) -> bytes:
        """The id in an answer to a submit: up to a NUL, which some gateways leave out."""
        return self.body.partition(b"\0")[0]

    def is_for(self, command: int) -> bool:
        return self.command == command | RESPONSE


@dataclass(frozen=True, slots=True)
class Delivery:
    """A deliver_sm or data_sm. Its repr shows no number and no text."""

    command: int
    sequence: int
    esm_class: int = RECEIPT
    source: bytes = field(default=b"", repr=False)
    coding: int = 0
    body: bytes = field(default=b"", repr=False)
    beside: Mapping[int, bytes] = field(default_factory=dict, repr=False)  # TLVs

    @property
    def is_marked_as_receipt(self) -> bool:
        """By esm_class, or by fields that only a gateway can write and not a phone."""
        marked = self.esm_class & _KIND in (RECEIPT, _INTERMEDIATE)
        return marked or RECEIPTED_MESSAGE_ID in self.beside or MESSAGE_STATE in self.beside


def header(raw: bytes) -> tuple[int, int, int]:
    """Command id, status and sequence number."""
    command, status, sequence = struct.unpack(">4x3L", raw[:HEADER])
    return command, status, sequence


def length(raw: bytes) -> int:
    """The length of the PDU that begins here. Raises ValueError if this cannot be SMPP."""
    found = int.from_bytes(raw[:4])
    if not HEADER <= found <= LARGEST:
        raise ValueError("no SMPP")
    return found


def response(command: int, sequence: int, status: int = consts.SMPP_ESME_ROK) -> bytes:
    """Our response to a request of the peer. That to a message ends with an empty message id."""
    body = b"\0" if command in (DELIVER_SM, DATA_SM) else b""
    return struct.pack(">4L", HEADER + len(body), command | RESPONSE, status, sequence) + body


def delivery(raw: bytes) -> Delivery:
    """The deliver_sm or data_sm in `raw`. One that cannot be read is a receipt whose text is all of it: it must be
    stored and acknowledged, or the gateway delivers it again and again."""
    command, _, sequence = header(raw)
    try:
        return _read(command, sequence, _Fields(raw[HEADER:]))
    except Unreadable:
        return Delivery(command, sequence, body=raw[HEADER:])


def _read(command: int, sequence: int, fields: _Fields) -> Delivery:
    fields.text()  # service_type
    fields.take(2)
    source = fields.text()
    fields.take(2)
    fields.text()  # destination_addr: our own number
    esm_class = fields.number()
    if command == DATA_SM:
        fields.number()  # registered_delivery
        coding, body = fields.number(), b""
    else:
        fields.take(2)  # protocol_id, priority_flag
        fields.text(), fields.text()  # schedule_delivery_time, validity_period
        fields.take(2)  # registered_delivery, replace_if_present
        coding = fields.number()
        fields.number()  # sm_default_msg_id
        body = fields.take(fields.number())
    beside = fields.beside()
    body = body or beside.get(MESSAGE_PAYLOAD, b"")
    if esm_class & _HEADER_IN_TEXT and body:
        body = body[body[0] + 1 :]
    return Delivery(command, sequence, esm_class, source, coding, body, beside)


class _Fields:
    """The fields of a body, one after the other. Raises Unreadable where it ends too early."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def take(self, count: int) -> bytes:
        ends = self._at + count
        if ends > len(self._body):
            raise Unreadable
        found, self._at = self._body[self._at : ends], ends
        return found

    def number(self, size: int = 1) -> int:
        return int.from_bytes(self.take(size))

    def text(self) -> bytes:
        """Up to a NUL, without it."""
        ends = self._body.find(b"\0", self._at)
        if ends < 0:
            raise Unreadable
        return self.take(ends + 1 - self._at)[:-1]

    def beside(self) -> dict[int, bytes]:
        """The TLVs that are left."""
        found: dict[int, bytes] = {}
        while self._at < len(self._body):
            tag = self.number(2)
            found[tag] = self.take(self.number(2))
        return found
