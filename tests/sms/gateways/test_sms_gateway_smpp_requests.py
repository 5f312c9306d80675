"""Requests of an SMPP peer: each has its response, none is taken for an answer, and receipts come in many of them. And
answers that come too late."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from sms import routing
from sms.gateways import smpp_inbound, smpp_texts
from sms.gateways.base import Accepted, Delivery, PushedReceipt, Receipt, Sms, Unknown
from sms.models import Message, MessageKind, MessageState, Part
from sms.models import Receipt as ReceiptRow
from sms.reports import pushed
from sms.sending import drain
from tests.support.raw_smsc import (
    ALERT,
    DATA,
    DELIVER,
    RESPONSE,
    SUBMIT,
    Pdu,
    accepted,
    data_sm,
    deliver_sm,
    pdu,
    tlv,
)
from tests.support.smpp_binds import LONG, an_sms, bound
from tests.support.sms_fixtures import queue

pytestmark = pytest.mark.usefixtures("smpp_patience")
GENERIC_NACK = RESPONSE
OPTIONS = {
    "SMS_OP_KIND": "smpp",
    "SMS_OP_HOST": "127.0.0.1",
    "SMS_OP_SYSTEM_ID": "u",
    "SMS_OP_PASSWORD": "pw",
    "SMS_OP_SENDER": "1000",
}


@pytest.fixture
def kept() -> list[PushedReceipt]:
    return []


@pytest.fixture
def gateway(smsc, kept):
    with bound(smsc.port) as one:
        one.on_receipts = lambda name, receipts: kept.extend(receipts)
        one.stay_connected()
        smsc.until(lambda: one._session)
        yield one


@pytest.fixture
def in_use(smsc, settings):
    """The gateway as the portal builds it; unbound at the end."""
    settings.SMS_GATEWAYS = ["op"]
    settings.SMS_ENVIRONMENT = {**OPTIONS, "SMS_OP_PORT": str(smsc.port)}
    yield
    if one := routing._built.pop("op", None):
        one.close()


# ── Requests are no answers


@pytest.mark.parametrize(
    "request_of",
    [
        lambda sequence: data_sm(tlv(0x001E, b"8\0") + tlv(0x0427, b"\2"), sequence),
        lambda sequence: deliver_sm(b"id:8 stat:DELIVRD", sequence),
        lambda sequence: pdu(ALERT, sequence, b"\1\1989121234567\0\1\1989121234568\0"),
        lambda sequence: pdu(0x0021, sequence, b"what"),
    ],
    ids=["data_sm", "deliver_sm", "alert_notification", "unknown"],
)
def test_a_request_with_the_number_of_our_own_submit_is_not_its_answer(smsc, gateway, request_of):
    smsc.answers[SUBMIT] = lambda request: request_of(request.sequence) + accepted(request)
    assert gateway.send(an_sms()) == Accepted(provider_ids=("7",))


def test_every_request_has_its_response_but_those_that_have_none(smsc, gateway):
    smsc.push(data_sm(tlv(0x001E, b"8\0") + tlv(0x0427, b"\2"), 21))
    smsc.push(deliver_sm(b"hello", 22, esm_class=0))
    smsc.push(pdu(0x0021, 23, b"submit_multi is none of a peer's"))
    smsc.push(pdu(0x99999, 24))
    smsc.push(pdu(ALERT, 25, b"\1\1989121234567\0\1\1989121234568\0"))
    smsc.push(pdu(0x0B, 26, b"smsc\0pw\0"))
    smsc.push(pdu(RESPONSE | 0x99, 27))  # an answer to nothing is not answered
    smsc.push(pdu(0x15, 28))
    smsc.until(lambda: len(smsc.got) >= 6)
    said = {each.sequence: (each.command, each.status) for each in smsc.got if each.command & RESPONSE}
    assert said == {
        21: (RESPONSE | DATA, 0),
        22: (RESPONSE | DELIVER, 0),
        23: (GENERIC_NACK, 3),
        24: (GENERIC_NACK, 3),
        28: (RESPONSE | 0x15, 0),
    }
    assert gateway.send(an_sms()) == Accepted(provider_ids=("7",))


# ── Receipts in all of them


@pytest.mark.parametrize(
    "raw",
    [
        data_sm(tlv(0x001E, b"4711\0") + tlv(0x0427, b"\2")),
        data_sm(tlv(0x0424, b"id:4711 stat:DELIVRD")),
        deliver_sm(b"", tlvs=tlv(0x0424, b"id:4711 stat:DELIVRD")),
        deliver_sm(b"id:4711 stat:DELIVRD", esm_class=0x20),
        deliver_sm(b"id:4711 stat:DELIVRD", esm_class=0),
        deliver_sm(b"", esm_class=0, tlvs=tlv(0x001E, b"4711") + tlv(0x0427, b"\2")),
        deliver_sm(b"\5\0\3\1\1\1id:4711 stat:DELIVRD", esm_class=0x44),
        deliver_sm(b"id:4711 stat:DELIVRD")[:30],  # cut off: all of it is its text
    ],
    ids=["data_sm", "data_sm with payload", "payload", "intermediate", "class 0", "class 0 with TLV", "header", "cut"],
)
def test_a_receipt_is_kept_however_it_is_sent(smsc, gateway, kept, raw):
    if len(raw) == 30:
        raw = len(raw).to_bytes(4) + raw[4:16] + b"id:4711 stat:DELIVRD"[:14]
    smsc.push(raw)
    smsc.until(lambda: kept)
    assert kept[0].query != "from_phone=1"
    if len(raw) > 30:
        [receipt] = gateway.read_receipts(kept[0])
        assert (receipt.provider_id, receipt.delivery) == ("4711", Delivery.DELIVERED)


@pytest.mark.parametrize("source", [b"", b"1", b"TAMIN", b"98300000"])
def test_an_unmarked_receipt_from_no_mobile_could_mean_anybodys_message_and_is_none(smsc, gateway, kept, source):
    smsc.push(deliver_sm(b"id:4711 stat:DELIVRD", esm_class=0, source=source))
    smsc.until(lambda: kept)
    assert gateway.read_receipts(kept[0]) == []


def test_of_a_message_from_a_phone_only_its_arrival_is_kept(smsc, gateway, kept):
    smsc.push(deliver_sm(b"my code is 482913", esm_class=0))
    smsc.until(lambda: kept)
    assert (kept[0].query, kept[0].body) == ("from_phone=1", b"")
    assert gateway.read_receipts(kept[0]) == []


@pytest.mark.django_db(transaction=True)
def test_a_phone_cannot_report_on_another_phones_message(smsc, in_use):
    message = queue(to="+989121234567")
    drain.drain()
    smsc.push(deliver_sm(b"id:7 stat:UNDELIV", 1, esm_class=0, source=b"989129999999"))
    smsc.until(lambda: ReceiptRow.objects.count() == 1)
    pushed.drain()
    message.refresh_from_db()
    assert message.state == MessageState.ACCEPTED
    smsc.push(deliver_sm(b"id:7 stat:DELIVRD", 2, esm_class=0, source=b"09121234567"))
    smsc.until(lambda: ReceiptRow.objects.count() == 2)
    pushed.drain()
    message.refresh_from_db()
    assert message.state == MessageState.DELIVERED


def test_a_flood_of_receipts_is_bounded_and_told_to_come_again(smsc, gateway, kept, monkeypatch):
    monkeypatch.setattr(smpp_inbound, "MOST", 5)
    begun, goes_on = threading.Event(), threading.Event()

    def store(name: str, receipts: Sequence[PushedReceipt]) -> None:
        begun.set()
        assert goes_on.wait(10)
        kept.extend(receipts)

    gateway.on_receipts = store
    smsc.push(deliver_sm(b"id:1 stat:DELIVRD", 1))
    assert begun.wait(5)
    smsc.push(b"".join(deliver_sm(b"id:%d stat:DELIVRD" % n, n) for n in range(2, 21)))
    smsc.until(lambda: len(smsc.of(RESPONSE | DELIVER)) == 14)  # one is being stored, five wait
    assert {each.status for each in smsc.of(RESPONSE | DELIVER)} == {0x64}
    assert gateway.send(an_sms()) == Accepted(provider_ids=("7",))  # and answers are heard all the while
    goes_on.set()
    smsc.until(lambda: len(smsc.of(RESPONSE | DELIVER)) == 20)
    assert len(kept) == 6


def test_receipts_that_come_together_are_stored_together_and_one_that_cannot_be_is_refused_alone(smsc, gateway):
    calls: list[list[bytes]] = []
    begun, goes_on = threading.Event(), threading.Event()

    def store(name: str, receipts: Sequence[PushedReceipt]) -> None:
        begun.set()
        assert goes_on.wait(10)
        calls.append([receipt.body[3:4] for receipt in receipts])
        if b"4" in calls[-1]:
            raise ValueError("a bug")

    gateway.on_receipts = store
    smsc.push(deliver_sm(b"id:1 stat:DELIVRD", 1))
    assert begun.wait(5)
    smsc.push(b"".join(deliver_sm(b"id:%d stat:DELIVRD" % n, n) for n in range(2, 6)))
    assert gateway.send(an_sms()) == Accepted(provider_ids=("7",))  # so they have been read
    goes_on.set()
    smsc.until(lambda: len(smsc.of(RESPONSE | DELIVER)) == 5)
    assert calls == [[b"1"], [b"2", b"3", b"4", b"5"], [b"2"], [b"3"], [b"4"], [b"5"]]
    assert {each.sequence: each.status for each in smsc.of(RESPONSE | DELIVER)} == {1: 0, 2: 0, 3: 0, 4: 0x64, 5: 0}


def test_while_the_database_is_away_all_are_refused_at_once(smsc, gateway):
    calls: list[int] = []

    def away(name: str, receipts: Sequence[PushedReceipt]) -> None:
        calls.append(len(receipts))
        raise OperationalError("away")

    gateway.on_receipts = away
    smsc.push(b"".join(deliver_sm(b"id:%d stat:DELIVRD" % n, n) for n in range(1, 31)))
    smsc.until(lambda: len(smsc.of(RESPONSE | DELIVER)) == 30)
    assert {each.status for each in smsc.of(RESPONSE | DELIVER)} == {0x64}
    assert sum(calls) == 30


# ── Late answers


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", [MessageKind.CODE, MessageKind.RESULT])
def test_an_answer_after_the_time_out_ends_the_doubt(smsc, in_use, kind):
    submits: list[Pdu] = []
    smsc.answers[SUBMIT] = lambda request: submits.append(request) or b""
    message = queue(kind)
    drain.drain()
    message.refresh_from_db()
    assert message.state == MessageState.UNKNOWN
    smsc.push(accepted(submits[0]))
    smsc.until(ReceiptRow.objects.exists)
    pushed.drain()
    message.refresh_from_db()
    assert (message.state, message.provider_id, message.next_attempt_at) == (MessageState.ACCEPTED, "7", None)
    assert list(message.tries.with_ends().values_list("result", flat=True)) == ["accepted"]
    smsc.push(deliver_sm(b"id:7 stat:DELIVRD"))
    smsc.until(lambda: ReceiptRow.objects.count() == 2)
    pushed.drain()
    message.refresh_from_db()
    assert message.state == MessageState.DELIVERED
    assert len(submits) == 1


@pytest.mark.django_db(transaction=True)
def test_a_late_answer_to_the_last_part_names_all_parts(smsc, in_use):
    submits: list[Pdu] = []

    def answer(request: Pdu) -> bytes:
        submits.append(request)
        return accepted(request, b"%d\0" % len(submits)) if len(submits) < 4 else b""

    smsc.answers[SUBMIT] = answer
    message = queue(text=LONG)
    drain.drain()
    smsc.push(accepted(submits[3], b"4\0"))
    smsc.until(ReceiptRow.objects.exists)
    pushed.drain()
    message.refresh_from_db()
    assert (message.state, message.provider_id) == (MessageState.ACCEPTED, "1 2 3 4")
    assert Part.objects.filter(message=message).count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_late_answer_to_half_a_message_proves_nothing(smsc, in_use):
    submits: list[Pdu] = []
    smsc.answers[SUBMIT] = lambda request: submits.append(request) or b""
    message = queue(text=LONG)
    drain.drain()
    smsc.push(accepted(submits[0]))
    smsc.push(deliver_sm(b"id:999 stat:DELIVRD"))
    smsc.until(ReceiptRow.objects.exists)
    pushed.drain()
    message.refresh_from_db()
    assert message.state == MessageState.UNKNOWN
    assert ReceiptRow.objects.count() == 1


def test_a_late_refusal_is_no_acceptance(smsc, gateway, kept):
    submits: list[Pdu] = []
    smsc.answers[SUBMIT] = lambda request: submits.append(request) or b""
    assert gateway.send(an_sms()) == Unknown("time-out")
    smsc.push(pdu(RESPONSE | SUBMIT, submits[0].sequence, status=8))
    smsc.push(deliver_sm(b"id:8 stat:DELIVRD"))
    smsc.until(lambda: kept)
    assert gateway.read_receipts(kept[0]) == [
        Receipt(Delivery.DELIVERED, "8", detail="DELIVRD", ids=(("text", "8"), ("beside", "")))
    ]


# ── Until when a queue behind the gateway may hold a message

NOW = datetime(2026, 3, 20, 22, 59, 58, 700_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "relative", "absolute"),
    [
        (timedelta(minutes=10), "000000001000000R", "260321023958714+"),
        (timedelta(hours=72), "000003000000000R", "260324022958714+"),
        (timedelta(days=1, hours=2, minutes=3, seconds=4.4), "000001020304000R", "260322043303114+"),
        (timedelta(seconds=-5), "000000000001000R", "260321022953714+"),
    ],
)
def test_the_end_of_use_as_smpp_writes_it(left, relative, absolute):
    assert smpp_texts.relative(NOW + left, NOW) == relative
    assert smpp_texts.absolute(NOW + left, NOW) == absolute


def test_an_absolute_end_behind_utc_has_its_sign():
    with timezone.override("America/St_Johns"):
        assert smpp_texts.absolute(NOW, NOW)[-3:] == "10-"


def validity_of(request: Pdu) -> str:
    return request.body.split(b"\1989121234567\0")[1][3:].split(b"\0")[1].decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("kind", "hours"), [(MessageKind.CODE, 10 / 60), (MessageKind.RESULT, 72)])
def test_each_kind_of_message_tells_the_gateway_its_end(smsc, in_use, kind, hours):
    message = queue(kind)
    drain.drain()
    [request] = smsc.of(SUBMIT)
    said = validity_of(request)
    left = timedelta(days=int(said[4:6]), hours=int(said[6:8]), minutes=int(said[8:10]), seconds=int(said[10:12]))
    assert said.endswith("000R")
    assert hours * 3600 - 30 < left.total_seconds() <= hours * 3600
    assert Message.objects.get(pk=message.pk).state == MessageState.ACCEPTED


def test_the_end_is_not_told_where_the_gateway_does_not_want_it(smsc):
    sms = Sms(
        key=an_sms().key, to="+989121234567", text="a", kind="code", valid_until=timezone.now() + timedelta(hours=1)
    )
    with bound(smsc.port, VALIDITY="none") as gateway:
        gateway.send(sms)
    with bound(smsc.port, VALIDITY="absolute") as gateway:
        gateway.send(sms)
    none, absolute = map(validity_of, smsc.of(SUBMIT))
    assert none == ""
    assert absolute.endswith("14+")


def test_a_wrong_way_to_tell_the_end_is_named():
    with pytest.raises(ValueError, match="VALIDITY"), bound(1, VALIDITY="soon"):
        pass
