"""SMPP byte by byte: strange answers and deliveries cost neither an id nor a message nor the bind."""

from __future__ import annotations

import gc
import socket
import struct
import threading
import time
import uuid
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from sms.gateways.base import Accepted, Delivery, PushedReceipt, Receipt, Sms, TryAgain, Unknown
from sms.gateways.smpp import SmppGateway
from tests.support.sms_fixtures import until

pytestmark = pytest.mark.usefixtures("smpp_patience")


def an_sms() -> Sms:
    return Sms(key=uuid.uuid4(), to="+989121234567", text="کد شناسه: 482913", kind="result")


@contextmanager
def bound(port: int) -> Iterator[SmppGateway]:
    given = {"HOST": "127.0.0.1", "PORT": str(port), "SYSTEM_ID": "u", "PASSWORD": "pw", "SENDER": "1000"}
    gateway = SmppGateway(name="op", options=given)
    try:
        yield gateway
    finally:
        gateway.close()


def deliver_sm(body: bytes, *, receipted_id: bytes = b"", cut: int = 0) -> bytes:
    """A receipt as it is on the wire; `cut`: bytes that its end is short of."""
    tlv = struct.pack(">HH", 0x001E, len(receipted_id)) + receipted_id if receipted_id else b""
    fields = b"\0\1\1989121234567\0\1\0011000\0\4\0\0\0\0\0\0\0\0" + bytes([len(body)]) + body + tlv
    fields = fields[: len(fields) - cut]
    return struct.pack(">IIII", 16 + len(fields), 5, 0, 77) + fields


@contextmanager
def smsc(*, submit: bytes = b"", push: bytes = b"", answers: list[bytes] | None = None) -> Iterator[int]:
    """A peer that says these bytes: `submit` instead of an answer to a submit (its number filled in at 12), `push`
    after the bind. `answers` takes what it gets."""

    def serve() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            while head := connection.recv(16, socket.MSG_WAITALL):
                length, command, _, sequence = struct.unpack(">IIII", head)
                body = connection.recv(length - 16, socket.MSG_WAITALL) if length > 16 else b""
                if command == 9:
                    connection.sendall(struct.pack(">IIII", 17, 0x80000009, 0, sequence) + b"\0" + push)
                elif command == 4:
                    connection.sendall(submit[:12] + sequence.to_bytes(4) + submit[16:])
                elif answers is not None:
                    answers.append(head + body)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def said(command: int, status: int = 0, body: bytes = b"") -> bytes:
    return struct.pack(">IIII", 16 + len(body), command, status, 0) + body


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (said(0x80000004, body=b"id 7\0"), Accepted(provider_ids=("id7",))),
        (said(0x80000004, body=b"\0"), Accepted()),
        (said(0x80000004), Accepted()),
        (said(0x80000000), Unknown("no answer to the question")),  # generic_nack that names no fault
        (said(0x80000000, status=3), TryAgain("status 3")),
        (said(0x80000015), Unknown("no answer to the question")),
        (said(0x80000099, body=b"what"), Unknown("no answer to the question")),
        (said(0x80000004, body=b"7\0\x00\x1e\x00"), Accepted(provider_ids=("7",))),
        (said(0x80000004, body=b"4711"), Accepted(provider_ids=("4711",))),  # without its NUL
    ],
    ids=range(9),
)
def test_strange_answers_to_a_submit_are_outcomes_and_cost_no_other_message_its_bind(answer, outcome):
    with smsc(submit=answer) as port, bound(port) as gateway:
        assert gateway.send(an_sms()) == outcome
        assert gateway._session.alive


def test_parts_that_share_an_id_are_told_as_one():
    """One receipt is all that will be heard of them."""
    sms = Sms(key=uuid.uuid4(), to="+989121234567", text="کد " * 60, kind="result")
    with smsc(submit=said(0x80000004, body=b"7\0")) as port, bound(port) as gateway:
        assert gateway.send(sms) == Accepted(provider_ids=("7",))


@pytest.mark.parametrize("end", [b"", b"\0"], ids=["without a NUL", "with one"])
def test_the_id_beside_a_receipt_is_whole_with_and_without_a_nul_at_its_end(end):
    kept: list[PushedReceipt] = []
    arrived = threading.Event()

    def keep(name: str, pushed: Sequence[PushedReceipt]) -> None:
        kept.extend(pushed)
        arrived.set()

    with smsc(push=deliver_sm(b"stat:DELIVRD", receipted_id=b"4711" + end)) as port, bound(port) as gateway:
        gateway.on_receipts = keep
        gateway.stay_connected()
        assert arrived.wait(5)
        assert gateway.read_receipts(kept[0]) == [
            Receipt(Delivery.DELIVERED, "4711", detail="DELIVRD", ids=(("text", ""), ("beside", "4711")))
        ]


def test_a_receipt_that_is_cut_off_is_kept_raw_and_acknowledged_and_the_bind_lives():
    kept: list[PushedReceipt] = []
    answers: list[bytes] = []
    raw = deliver_sm(b"id:4711 stat:DELIVRD", receipted_id=b"4711\0", cut=7)
    with smsc(push=raw, answers=answers) as port, bound(port) as gateway:
        gateway.on_receipts = lambda name, pushed: kept.extend(pushed)
        gateway.stay_connected()
        ends = time.monotonic() + 5
        while not answers and time.monotonic() < ends:
            time.sleep(0.01)
        assert gateway._session.alive
        [receipt] = gateway.read_receipts(kept[0])
    assert (receipt.provider_id, receipt.delivery) == ("4711", Delivery.DELIVERED)
    assert answers[0][4:16] == struct.pack(">III", 0x80000005, 0, 77)


def test_a_session_that_is_over_is_not_kept_until_the_process_ends():
    with smsc() as first, smsc() as second, bound(first) as gateway:
        sessions = []
        for port in (first, second):
            gateway._address = ("127.0.0.1", port)
            sessions.append(weakref.ref(gateway._connected()))
            gateway.close()
        until(lambda: gc.collect() >= 0 and sessions[0]() is None, 5)
