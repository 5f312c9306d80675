"""SMPP against a real SMSC over a real socket: parts, the window, receipts, and everything that goes wrong."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest

from sms import parts, routing
from sms.gateways import smpp_session
from sms.gateways.base import (
    Abilities,
    Accepted,
    Delivery,
    OutOfOrder,
    PushedReceipt,
    ReceiptsBy,
    Refused,
    TryAgain,
    Unknown,
)
from sms.gateways.smpp_wire import Answer
from sms.models import MessageState
from sms.reports import pushed
from sms.sending import drain
from tests.support.smpp_binds import LONG, an_sms, bound
from tests.support.sms_fixtures import queue
from tests.support.sms_stubs.smpp import smpp_peer

pytestmark = pytest.mark.usefixtures("smpp_patience")


def test_a_short_persian_text_is_one_part_and_comes_out_as_it_went_in():
    with smpp_peer() as peer, bound(peer) as gateway:
        assert gateway.send(an_sms()) == Accepted(provider_ids=("m1",))
        [row] = peer.submitted(1)
    assert (row["to"], row["from"], row["text"], row["data_coding"]) == ("989121234567", "1000", "کد شناسه: 482913", 8)
    assert row["udh"] is None


def test_latin_alone_needs_half_the_room():
    with smpp_peer() as peer, bound(peer) as gateway:
        assert len(gateway.send(an_sms("a" * 160)).provider_ids) == 1
        assert len(gateway.send(an_sms("a" * 161)).provider_ids) == 2
    assert {row["data_coding"] for row in peer.submitted(3)} == {0}


def test_a_long_persian_text_goes_in_parts_that_a_phone_joins():
    with smpp_peer() as peer, bound(peer) as gateway:
        outcome = gateway.send(an_sms(LONG))
        rows = peer.submitted(4)
    assert outcome == Accepted(provider_ids=("m1", "m2", "m3", "m4"))
    assert "".join(row["text"] for row in rows) == LONG
    assert {row["esm_class"] for row in rows} == {0x40}
    headers = [row["udh"][0] for row in rows]
    assert [(header[:4], header[-4:]) for header in headers] == [("0003", f"040{n}") for n in range(1, 5)]
    assert len({header[4:6] for header in headers}) == 1  # one reference for all parts
    assert all(len(row["text"]) <= 67 for row in rows)


@pytest.mark.parametrize(
    "text",
    [
        "ا" * 66 + "😀" + "ا" * 66,  # the pair would lie over the end of a part
        "ا" * 68 + "😀",  # 70 units: one part
        "ا" * 69 + "😀",
        "a" * 152 + "€" + "a" * 160,  # two septets, over the end of a part
        "^{}\\[~]|€" * 16,  # 144 septets: one part
        "^{}\\[~]|€" * 18,
        "§" * 160,
        "`" * 71,  # not in the alphabet of phones
        "a" * 159 + "é",
    ],
    ids=range(9),
)
def test_a_text_is_sent_in_as_many_parts_as_are_counted_and_no_character_is_broken(text):
    with smpp_peer() as peer, bound(peer) as gateway:
        outcome = gateway.send(an_sms(text))
        rows = peer.submitted(parts.count(text))
    assert len(rows) == len(outcome.provider_ids) == parts.count(text)
    assert "".join(row["text"] for row in rows) == text


def test_a_long_message_that_is_sent_again_has_the_same_reference_so_that_a_phone_shows_it_once():
    sms = an_sms(LONG)
    with smpp_peer() as peer, bound(peer) as gateway:
        gateway.send(sms)
        gateway.send(sms)
        assert len({row["udh"][0][4:6] for row in peer.submitted(8)}) == 1


def test_one_bind_carries_many_messages_at_the_same_time():
    with smpp_peer(delay=200) as peer, bound(peer, WINDOW="20") as gateway:
        began = time.monotonic()
        outcomes: list[object] = []
        threads = [threading.Thread(target=lambda: outcomes.append(gateway.send(an_sms()))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert time.monotonic() - began < 2  # one after the other it would be four seconds
        assert len(peer.of("bound")) == 1
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert len({outcome.provider_ids for outcome in outcomes}) == 20


# ── what goes wrong


def test_the_peer_notes_whole_messages_as_a_phone_would_hold_them(tmp_path):
    log = tmp_path / "submissions"
    with smpp_peer(behaviour="ok=1,refuse=0", log=log) as peer, bound(peer) as gateway:
        long, short = an_sms(LONG), an_sms()
        gateway.send(long)
        gateway.send(short)
        peer.behave("refuse")
        gateway.send(an_sms(LONG))
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(row["taken"], row["text"]) for row in rows[:2]] == [(True, long.text), (True, short.text)]
    assert [(row["taken"], row["to"]) for row in rows[2:]] == [(False, "989121234567")]


def test_receipts_that_were_not_acknowledged_come_at_the_next_bind():
    kept: list[PushedReceipt] = []
    with smpp_peer(receipts="twice,reversed", behaviour="drop") as peer, bound(peer) as gateway:
        gateway.on_receipts = lambda name, pushed: kept.extend(pushed)
        assert type(gateway.send(an_sms())) is Unknown
        peer.until(lambda: peer.of("closed"))
        peer.behave("ok")
        gateway.stay_connected()
        peer.until(lambda: len(kept) == 4)
    stats = [gateway.read_receipts(pushed)[0].detail for pushed in kept]
    assert stats == ["DELIVRD", "DELIVRD", "ACCEPTD", "ACCEPTD"]


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        ("throttle", TryAgain.busy("status 88")),
        ("refuse", Refused("status 11")),
        ("busy", TryAgain.full("status 20")),
        ("500", TryAgain("status 8")),
        ("drop", Unknown("connection lost")),
        ("reset", Unknown("connection lost")),
        ("garbage", Unknown("connection lost")),
        ("hang", Unknown("time-out")),
        ("hang-taken", Unknown("time-out")),
        ("late", Unknown("time-out")),
    ],
)
def test_every_misbehaviour_is_an_outcome_and_the_next_message_goes_by_a_fresh_bind(behaviour, outcome, caplog):
    caplog.set_level(logging.DEBUG)
    with smpp_peer(behaviour=behaviour) as peer, bound(peer) as gateway:
        assert gateway.send(an_sms()) == outcome
        peer.behave("ok")
        assert type(gateway.send(an_sms())) is Accepted
    for secret in ("9121234567", "482913", "شناسه", "39383931"):
        assert secret not in caplog.text


def test_nobody_there_is_a_certain_no_for_all_that_wait_for_the_same_connection():
    with bound(1) as gateway:
        outcomes: list[object] = []
        threads = [threading.Thread(target=lambda: outcomes.append(gateway.send(an_sms()))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
    assert {type(outcome) for outcome in outcomes} == {TryAgain}
    assert len(outcomes) == 8


def test_a_wrong_password_is_our_account_and_costs_no_message():
    with smpp_peer(behaviour="bad-password") as peer, bound(peer) as gateway:
        assert gateway.send(an_sms()) == OutOfOrder("bind status 14")
        assert peer.of("submitted") == []
        peer.behave("ok")
        assert type(gateway.send(an_sms())) is Accepted


def test_a_slow_down_in_the_middle_of_a_long_message_is_waited_for():
    with smpp_peer(behaviour="throttle-parts") as peer, bound(peer) as gateway:
        outcome = gateway.send(an_sms(LONG))
        assert [row["taken"] for row in peer.submitted(7)] == [True, False, True, False, True, False, True]
    assert outcome == Accepted(provider_ids=("m1", "m2", "m3", "m4"), slowed=0.0)


def test_the_parts_of_a_message_have_their_steps():
    """A gateway may refuse what comes too soon after the part before (Jasmin)."""
    with smpp_peer(distance=50) as peer, bound(peer) as gateway:
        outcome = gateway.send(replace(an_sms(LONG), every=0.2))
        assert [row["taken"] for row in peer.submitted(4)] == [True] * 4
    assert outcome == Accepted(provider_ids=("m1", "m2", "m3", "m4"))


def test_half_a_message_is_doubt():
    with smpp_peer(delay=150) as peer, bound(peer) as gateway:
        outcomes: list[object] = []
        thread = threading.Thread(target=lambda: outcomes.append(gateway.send(an_sms(LONG))))
        thread.start()
        peer.until(lambda: len(peer.of("submitted")) == 2)
        peer.behave("refuse")
        thread.join(10)
    [outcome] = outcomes
    assert type(outcome) is Unknown
    assert "of 4: status 11" in outcome.detail


def test_an_idle_bind_is_kept_alive_and_a_deaf_peer_is_noticed(monkeypatch):
    monkeypatch.setattr(smpp_session, "ENQUIRE_EVERY", 0.3)
    monkeypatch.setattr(smpp_session, "ENQUIRE_WITHIN", 0.5)
    with smpp_peer() as peer, bound(peer) as gateway:
        gateway.stay_connected()
        peer.until(lambda: len(peer.of("enquired")) >= 2)
        assert peer.of("closed") == []
        peer.behave("deaf")
        peer.until(lambda: peer.of("closed"))
        peer.behave("ok")
        assert type(gateway.send(an_sms())) is Accepted
        peer.until(lambda: len(peer.of("bound")) == 2)


def test_a_worker_that_was_stopped_for_long_asks_before_it_gives_the_connection_up(monkeypatch):
    """It has heard nothing because it was not listening: the peer is not deaf."""
    slept = [0.0]
    monkeypatch.setattr(smpp_session, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + slept[0]))
    monkeypatch.setattr(smpp_session, "ENQUIRE_WITHIN", 5)
    with smpp_peer() as peer, bound(peer) as gateway:
        gateway.stay_connected()
        peer.until(lambda: gateway._session)  # the answer to the bind was heard: what follows is silence
        slept[0] = smpp_session.ENQUIRE_EVERY + 3600
        peer.until(lambda: peer.of("enquired"))
        assert type(gateway.send(an_sms())) is Accepted
        assert peer.of("closed") == []


def test_a_peer_that_only_drips_is_noticed(monkeypatch):
    monkeypatch.setattr(smpp_session, "ENQUIRE_EVERY", 0.3)
    monkeypatch.setattr(smpp_session, "ENQUIRE_WITHIN", 0.5)
    with smpp_peer(behaviour="drip", drip=100) as peer, bound(peer) as gateway:
        assert type(gateway.send(an_sms())) is Unknown
        peer.behave("ok")
        peer.until(lambda: peer.of("closed"), 5)
        assert type(gateway.send(an_sms())) is Accepted


# ── receipts


def test_receipts_are_acknowledged_once_they_are_kept_and_name_each_part():
    kept: list[PushedReceipt] = []
    with smpp_peer(receipts="once") as peer, bound(peer) as gateway:
        gateway.on_receipts = lambda name, pushed: kept.extend(pushed)
        ids = gateway.send(an_sms("ا" * 100)).provider_ids
        peer.until(lambda: len(peer.of("acknowledged")) == 4)
        assert {row["status"] for row in peer.of("acknowledged")} == {0}
        receipts = [receipt for pushed in kept for receipt in gateway.read_receipts(pushed)]
    assert ids == ("m1", "m2")
    assert sorted((receipt.provider_id, receipt.delivery) for receipt in receipts if receipt.detail == "DELIVRD") == [
        ("m1", Delivery.DELIVERED),
        ("m2", Delivery.DELIVERED),
    ]
    assert {pushed.method for pushed in kept} == {"SMPP"}


def test_a_receipt_that_could_not_be_kept_is_asked_for_again():
    def database_is_away(name: str, pushed: Sequence[PushedReceipt]) -> None:
        raise RuntimeError("away")

    with smpp_peer(receipts="once") as peer, bound(peer) as gateway:
        gateway.on_receipts = database_is_away
        gateway.send(an_sms())
        peer.until(lambda: len(peer.of("acknowledged")) == 2)
    assert {row["status"] for row in peer.of("acknowledged")} == {0x64}


def test_receipts_before_the_answer_do_not_hold_it_up():
    kept: list[PushedReceipt] = []
    with smpp_peer(receipts="early", delay=100) as peer, bound(peer) as gateway:
        gateway.on_receipts = lambda name, pushed: kept.extend(pushed)
        assert gateway.send(an_sms()) == Accepted(provider_ids=("m1",))
        peer.until(lambda: len(kept) == 2)


@pytest.mark.django_db(transaction=True)
def test_a_long_message_is_delivered_when_the_receipts_of_all_its_parts_are_in(settings):
    with smpp_peer(receipts="reversed") as peer:
        settings.SMS_GATEWAYS = ["op"]
        settings.SMS_ENVIRONMENT = {
            "SMS_OP_KIND": "smpp", "SMS_OP_HOST": "127.0.0.1", "SMS_OP_PORT": str(peer.port),
            "SMS_OP_SYSTEM_ID": "u", "SMS_OP_PASSWORD": "pw", "SMS_OP_SENDER": "1000",
        }  # fmt: skip
        message = queue(text=LONG)
        drain.drain()
        peer.until(lambda: len(peer.of("acknowledged")) == 8)
        routing._built.pop("op").close()
    message.refresh_from_db()
    assert (message.state, message.provider_id) == (MessageState.ACCEPTED, "m1 m2 m3 m4")
    pushed.drain()
    message.refresh_from_db()
    assert message.state == MessageState.DELIVERED


def pushed_receipt(body: str, query: str = "") -> PushedReceipt:
    return PushedReceipt(method="SMPP", query=query, content_type="", body=body.encode())


def test_the_stub_goes_on_where_it_was_killed(tmp_path):
    log = tmp_path / "log"
    with smpp_peer(receipts="once", log=log) as peer, bound(peer) as gateway:
        gateway.on_receipts = not_now
        assert gateway.send(an_sms()) == Accepted(provider_ids=("m1",))
        peer.until(lambda: peer.of("submitted"))
    with smpp_peer(receipts="once", log=log) as peer, bound(peer) as gateway:
        gateway.on_receipts = lambda name, pushed: None
        assert gateway.send(an_sms()) == Accepted(provider_ids=("m2",))
        peer.until(lambda: ("m1", "DELIVRD") in [(row["id"], row["stat"]) for row in peer.of("acknowledged")])


def not_now(name: str, pushed: Sequence[PushedReceipt]) -> None:
    raise ConnectionError


def test_receipts_are_read_as_operators_write_them():
    with bound(1) as gateway:
        [receipt] = gateway.read_receipts(pushed_receipt("id:77 sub:001 dlvrd:000 stat:UNDELIV err:027 text:..."))
        assert (receipt.provider_id, receipt.delivery, receipt.detail) == ("77", Delivery.UNDELIVERED, "UNDELIV 027")
        [receipt] = gateway.read_receipts(pushed_receipt("", "id=77&state=2"))
        assert (receipt.provider_id, receipt.delivery) == ("77", Delivery.DELIVERED)
        for body in ("", "id:77", "stat:DELIVRD", "id:77 stat:WHAT", "\x00\xff"):
            with pytest.raises(ValueError):
                gateway.read_receipts(pushed_receipt(body))
        assert gateway.abilities("code") == Abilities(receipts=ReceiptsBy.PUSH)


def test_ids_in_hexadecimal_are_kept_as_their_receipts_have_them():
    with bound(1, RECEIPT_IDS="hex") as gateway:
        assert gateway._id(Answer(0x80000004, 0, b"7B3F\0")) == "31551"
        assert gateway._id(Answer(0x80000004, 0, b"what\0")) == "what"


def test_the_words_of_a_message_in_its_receipt_are_not_read_as_its_state():
    with bound(1) as gateway:
        [receipt] = gateway.read_receipts(pushed_receipt("id:77 stat:DELIVRD err:000 Text:id:9 stat:UNDELIV err:1"))
    assert (receipt.provider_id, receipt.delivery, receipt.detail) == ("77", Delivery.DELIVERED, "DELIVRD")


@pytest.mark.parametrize(
    ("ids", "body", "query", "expected"),
    [
        ("same", "id:10 stat:DELIVRD", "id=A", "A"),
        ("same", "id:10 stat:DELIVRD", "id=A%00", "A"),
        ("text", "id:10 stat:DELIVRD", "id=A", "10"),
        ("text", "stat:DELIVRD", "id=A", "A"),
        ("hex", "id:10 stat:DELIVRD", "id=A", "10"),  # the text has it in decimal, as it was kept
        ("hex", "id:0000000010 stat:DELIVRD", "", "10"),
        ("hex", "stat:DELIVRD", "id=A", "10"),
    ],
)
def test_which_of_two_ids_in_a_receipt_counts_is_a_setting(ids, body, query, expected):
    with bound(1, RECEIPT_IDS=ids) as gateway:
        assert gateway.read_receipts(pushed_receipt(body, query))[0].provider_id == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [({"PORT": "many"}, "PORT"), ({"RECEIPT_IDS": "oct"}, "RECEIPT_IDS"), ({"HOST": ""}, "missing: HOST")],
)
def test_a_wrong_option_is_named(options, words):
    with pytest.raises(ValueError, match=words), bound(1, **options):
        pass
