"""Kavenegar and a plain HTTP box over real sockets: whatever they do to a call is an outcome."""

from __future__ import annotations

import logging
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from common import http_client
from sms.gateways.base import (
    Abilities,
    Accepted,
    Because,
    Delivery,
    Found,
    NoAnswer,
    NotFound,
    OutOfOrder,
    PushedReceipt,
    ReceiptsBy,
    Refused,
    Sms,
    TryAgain,
    Unknown,
)
from sms.gateways.http import HttpGateway
from sms.gateways.kavenegar import KavenegarGateway
from tests.support.sms_stubs import Receipts, Stub, stub

TEXT = "کد شناسه ثبت نام: 482913\n@portal.example #482913"


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    monkeypatch.setattr(http_client, "ANSWER_WITHIN", 0.6)
    monkeypatch.setattr(http_client, "CONNECT_WITHIN", 0.3)


def an_sms(kind: str = "result", **values: object) -> Sms:
    given = {"key": uuid.uuid4(), "to": "+989121234567", "text": TEXT, "code": "482913", "label": "کد شناسه ثبت نام"}
    return Sms(kind=kind, **given | values)  # type: ignore[arg-type]


def kavenegar(url: str, **options: str) -> KavenegarGateway:
    return KavenegarGateway(name="kn", options={"KEY": "SECRET/KEY", "SENDER": "1000", "URL": url, **options})


def box(url: str, **options: str) -> HttpGateway:
    places = "/send?from={from}&to={to}&text={text}&id={id}"
    if "RECEIPT_URL" in options:
        places += "&dlr-url={receipt_url}"
    return HttpGateway(name="box", options={"URL": url + places, "SENDER": "1000", **options})


# ── what a call ends in

# behaviour → what Kavenegar, and a plain box, end in
ENDS = {
    "ok": (Accepted, Accepted),
    "close": (Accepted, Accepted),
    "500": (Unknown, Unknown),
    "500-taken": (Unknown, Unknown),
    "try-later": (TryAgain, TryAgain),
    "ok-error": (Refused, Accepted),  # the box's own errors are known by EXPECT alone: see below
    "html": (Unknown, Unknown),
    "bad-json": (Unknown, Accepted),
    "wrong-types": (Unknown, Accepted),
    "empty": (Unknown, Accepted),
    "not-http": (Unknown, Unknown),
    "reset-connect": (Unknown, Unknown),
    "reset": (Unknown, Unknown),
    "reset-half": (Unknown, Unknown),
    "drop": (Unknown, Unknown),
    "hang": (Unknown, Unknown),
    "hang-taken": (Unknown, Unknown),
    "drip": (Unknown, Unknown),
    "late": (Unknown, Unknown),
}


@pytest.mark.parametrize("behaviour", ENDS)
@pytest.mark.parametrize("kind", ["kavenegar", "http"])
def test_every_misbehaviour_is_an_outcome_in_time_and_prints_no_secret(kind, behaviour, caplog):
    caplog.set_level(logging.DEBUG)
    sms = an_sms()
    with stub(kind, behaviour=behaviour, late=3) as peer:
        gateway = kavenegar(peer.url) if kind == "kavenegar" else box(peer.url)
        began = time.monotonic()
        outcome = gateway.send(sms)
        assert time.monotonic() - began < 2
    expected = ENDS[behaviour][kind == "http"]
    if behaviour == "reset-connect":  # whether the reset is seen before the request is written is a race
        assert isinstance(outcome, Unknown | TryAgain)
    else:
        assert type(outcome) is expected, outcome
    for secret in ("9121234567", "482913", "SECRET", "شناسه"):
        assert secret not in repr(outcome)
        assert secret not in caplog.text


@pytest.mark.parametrize("kind", ["kavenegar", "http"])
def test_a_message_that_certainly_left_nothing_behind_can_be_tried_again(kind):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        gateway = kavenegar(url) if kind == "kavenegar" else box(url)
        assert gateway.send(an_sms()) == TryAgain("refused")
    url = "http://gateway.invalid"
    gateway = kavenegar(url) if kind == "kavenegar" else box(url)
    assert gateway.send(an_sms()) == TryAgain("no address")


def test_a_tls_peer_that_is_none_gets_no_message():
    with stub("http") as peer:
        assert box(peer.url.replace("http:", "https:")).send(an_sms()) == TryAgain("time-out")
        assert peer.log == []


def test_a_connection_is_used_again_and_one_that_was_closed_meanwhile_costs_no_message():
    with stub("http") as peer:
        gateway = box(peer.url)
        for _ in range(5):
            assert gateway.send(an_sms()) == Accepted()
        assert peer.most_open == 1
        peer.behave("close")
        for _ in range(5):
            assert gateway.send(an_sms()) == Accepted()
            _until(lambda: peer.open == 0)
    assert len({row["key"] for row in peer.log}) == 10


def test_a_gateway_that_was_restarted_is_found_again():
    with stub("http") as peer:
        gateway, port = box(peer.url), peer.port
        assert gateway.send(an_sms()) == Accepted()
    assert gateway.send(an_sms()) == TryAgain("refused")
    with stub("http", port=port):
        assert gateway.send(an_sms()) == Accepted()


# ── Kavenegar


def test_kavenegar_is_given_the_number_as_people_write_it_and_our_key():
    with stub("kavenegar") as peer:
        sms = an_sms()
        assert kavenegar(peer.url).send(sms) == Accepted(provider_ids=(str(peer.log[0]["id"]),))
    raw = peer.log[0]["raw"]
    assert raw == {
        "receptor": "09121234567", "sender": "1000", "message": TEXT, "localid": str(sms.key.int >> 65),
    }  # fmt: skip


@pytest.mark.parametrize("lost", ["drop", "hang-taken", "reset-half", "500-taken", "bad-json", "wrong-types"])
def test_the_same_key_again_is_the_same_sms_at_kavenegar(lost):
    with stub("kavenegar", behaviour=lost) as peer:
        gateway, sms = kavenegar(peer.url), an_sms()
        assert type(gateway.send(sms)) is Unknown
        peer.behave("ok")
        assert gateway.send(sms) == Accepted(provider_ids=(str(peer.taken[0]["id"]),))
    assert [row["taken"] for row in peer.log] == [True, False]


@pytest.mark.parametrize(
    ("codes", "outcome"),
    [
        ("411", Refused),
        ("401 403 407 412 416 418 429 501", OutOfOrder),
        ("402 409", TryAgain),
        ("451", TryAgain.busy),
        ("400 406 413 414 420 422 431 432 607", TryAgain.this_message),
        ("417 499 599", Unknown),
    ],
)
def test_kavenegars_own_codes(codes, outcome):
    with stub("kavenegar") as peer:
        gateway = kavenegar(peer.url)
        for code in codes.split():
            peer.behave(f"code-{code}")
            assert gateway.send(an_sms()) == outcome(code)


@pytest.mark.parametrize("code", ["424", "426", "427", "428"])
def test_a_template_that_does_not_work_is_out_of_order_for_codes_alone(code):
    with stub("kavenegar", behaviour=f"code-{code}") as peer:
        gateway = kavenegar(peer.url, TEMPLATE="login")
        assert gateway.send(an_sms("code")) == OutOfOrder(code, kind="code")
        assert gateway.send(an_sms("result")) == OutOfOrder(code)


def test_codes_go_by_the_template_which_knows_no_key():
    with stub("kavenegar") as peer:
        gateway = kavenegar(peer.url, TEMPLATE="login", TEMPLATE_LABEL="token20")
        assert type(gateway.send(an_sms("code"))) is Accepted
        assert type(gateway.send(an_sms("result"))) is Accepted
    assert peer.log[0]["raw"] == {
        "receptor": "09121234567", "template": "login", "token": "482913", "type": "sms", "token20": "کد شناسه ثبت نام",
    }  # fmt: skip
    assert "localid" in peer.log[1]["raw"]
    assert gateway.abilities("code") == Abilities(look_up_by_id=timedelta(hours=48), receipts=ReceiptsBy.POLL)
    assert gateway.abilities("result").client_key == timedelta(hours=12)
    assert kavenegar(peer.url).abilities("code") == gateway.abilities("result")


def test_kavenegar_can_be_asked_for_a_message_by_our_key_and_by_its_id():
    with stub("kavenegar", receipts=Receipts(after=60)) as peer:
        gateway, sms = kavenegar(peer.url), an_sms()
        assert gateway.look_up(key=sms.key) == NotFound()
        [provider_id] = gateway.send(sms).provider_ids
        assert gateway.look_up(key=sms.key) == Found(provider_ids=(provider_id,))
        peer.receipts = Receipts(after=0)
        assert gateway.look_up(key=sms.key, provider_id=provider_id) == Found((provider_id,), Delivery.DELIVERED)


@pytest.mark.parametrize("behaviour", sorted(set(ENDS) - {"ok", "close", "reset-connect"}))
def test_a_question_that_kavenegar_does_not_answer_is_no_answer(behaviour):
    with stub("kavenegar") as peer:
        gateway, sms = kavenegar(peer.url), an_sms()
        [provider_id] = gateway.send(sms).provider_ids
        peer.behave(behaviour)
        asked = gateway.look_up(key=sms.key)
        polled = gateway.poll([provider_id])
    assert type(asked) is NoAnswer
    assert polled == []


def test_delivery_is_polled_for_any_number_of_messages():
    with stub("kavenegar", receipts=Receipts(after=0)) as peer:
        gateway = kavenegar(peer.url)
        ids = [gateway.send(an_sms()).provider_ids[0] for _ in range(3)]
        asked = [*ids, *(str(n) for n in range(1, 600))]
        receipts = gateway.poll(asked)
        assert [(receipt.provider_id, receipt.delivery) for receipt in receipts] == [
            (provider_id, Delivery.DELIVERED) for provider_id in ids
        ]
        assert peer.queries == 2  # 500 at once
        peer.receipts = Receipts(after=0, undelivered=1.0)
        assert gateway.poll(ids[:1])[0].delivery is Delivery.UNDELIVERED


# ── a plain box


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 410])
def test_a_box_with_another_address_or_another_key_is_out_of_order(status):
    with stub("http", behaviour=f"code-{status}") as peer:
        assert box(peer.url).send(an_sms()) == OutOfOrder(f"http {status}")


@pytest.mark.parametrize("status", [400, 406, 409, 411, 413, 414, 415, 418, 422, 431, 451, 499])
def test_a_box_that_does_not_take_this_message_says_nothing_about_the_others(status):
    with stub("http", behaviour=f"code-{status}") as peer:
        assert box(peer.url).send(an_sms()) == TryAgain(f"http {status}", Because.MESSAGE)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(408, TryAgain("http 408")), (425, TryAgain.busy("http 425")), (429, TryAgain.busy("http 429")),
     (500, Unknown("http 500")), (502, Unknown("http 502")), (503, Unknown("http 503")), (600, Unknown("http 600"))],
)  # fmt: skip
def test_a_box_that_may_take_it_later_or_may_have_taken_it(status, outcome):
    with stub("http", behaviour=f"code-{status}") as peer:
        assert box(peer.url).send(an_sms()) == outcome


def test_an_error_under_a_200_is_no_acceptance_where_the_words_of_one_are_known():
    with stub("http") as peer:
        gateway = box(peer.url, EXPECT="Accepted for delivery")
        assert gateway.send(an_sms()) == Accepted()
        for behaviour in ("ok-error", "empty", "wrong-types"):
            peer.behave(behaviour)
            assert type(gateway.send(an_sms())) is Unknown


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_filled_in_arrives_as_it_was(method):
    text = "۱۰۰٪ & {id} = «é» {receipt_url}\n+#?"
    with stub("http") as peer:
        sms = an_sms(text=text)
        assert box(peer.url, METHOD=method, RECEIPT_URL="http://127.0.0.1:1/r?status=%d").send(sms) == Accepted()
    assert peer.log[0]["raw"] == {
        "from": "1000", "to": "+989121234567", "text": text, "id": sms.key.hex,
        "dlr-url": f"http://127.0.0.1:1/r?status=%d&id={sms.key.hex}",
    }  # fmt: skip


def pushed(query: str) -> PushedReceipt:
    return PushedReceipt(method="GET", query=query, content_type="", body=b"")


def test_receipts_of_a_box_name_our_key():
    gateway, key = box("http://127.0.0.1:1", RECEIPT_URL="https://portal.example/r"), uuid.uuid4()
    for status, delivery in (("1", Delivery.DELIVERED), ("UNDELIV", Delivery.UNDELIVERED), ("8", Delivery.ON_ITS_WAY)):
        [receipt] = gateway.read_receipts(pushed(f"id={key.hex}&status={status}"))
        assert (receipt.key, receipt.delivery) == (key, delivery)
    assert gateway.abilities("code") == Abilities(receipts=ReceiptsBy.PUSH)
    assert box("http://127.0.0.1:1").abilities("code") == Abilities()


@pytest.mark.parametrize(
    "query",
    [
        "",
        "id=",
        "id=7&status=1",
        f"id={'0' * 32}",
        f"id={'0' * 32}&status=what",
        "%ff",
        "&".join("a=1" for _ in range(99)),
    ],
    ids=range(7),
)
def test_a_malformed_receipt_is_said_to_be_one(query):
    with pytest.raises(ValueError):
        box("http://127.0.0.1:1", RECEIPT_URL="https://portal.example/r").read_receipts(pushed(query))


# ── options


@pytest.mark.parametrize(
    ("gateway", "options", "words"),
    [
        (KavenegarGateway, {"SENDER": "1"}, "missing: KEY"),
        (KavenegarGateway, {"KEY": "k", "SENDER": "1", "CONNECTIONS": "many"}, "CONNECTIONS"),
        (KavenegarGateway, {"KEY": "k", "SENDER": "1", "TEMPLATE_LABEL": "token9"}, "token10 or token20"),
        (KavenegarGateway, {"KEY": "k", "SENDER": "1", "URL": "ftp://x"}, "URL is http"),
        (HttpGateway, {}, "missing: URL"),
        (HttpGateway, {"URL": "http://x/?to={to}"}, "needs {to} and {text}"),
        (HttpGateway, {"URL": "http://x/?to={to}&t={text}", "METHOD": "PUT"}, "METHOD"),
        (HttpGateway, {"URL": "http://x/?to={to}&t={text}", "RECEIPT_URL": "https://p/"}, "go together"),
        (HttpGateway, {"URL": "x?to={to}&t={text}"}, "URL is http"),
    ],
)
def test_a_wrong_option_is_named(gateway, options, words):
    with pytest.raises(ValueError, match=words):
        gateway(name="x", options=options)


def _until(condition, seconds: float = 5) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_the_stub_itself_counts_what_a_phone_would_hold():
    with stub("kavenegar", behaviour="drop=0.5,500=0.5") as peer:
        assert isinstance(peer, Stub)
        gateway = kavenegar(peer.url)
        for _ in range(20):
            gateway.send(an_sms())
    assert 0 < len(peer.taken) < len(peer.log) == 20


# ── answers that are HTTP, and strange


@contextmanager
def says(answer: bytes) -> Iterator[str]:
    """A server that answers every request with these bytes and closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", Accepted()),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\nok\r\n", Unknown("IncompleteRead")),
        (HEAD + b"Content-Length: 99\r\n\r\nok", Unknown("HTTPException")),
        (HEAD + b"Content-Length: 5000000\r\n\r\n" + b"x" * 2_000_000, Unknown("HTTPException")),
        (HEAD + b"Content-Length: what\r\n\r\nok", Accepted()),  # until the end of the connection
        (HEAD + b"\r\nok", Accepted()),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\nok", Accepted()),
        (b"HTTP/1.1 204 No Content\r\n\r\n", Accepted()),
        (HEAD + b"X: " + b"y" * 100_000, Unknown("LineTooLong")),
        (HEAD + b"X: y\r\n" * 500, Unknown("HTTPException")),
        (b"HTTP/1.1 two hundred\r\n\r\n", Unknown("BadStatusLine")),
        (b"\xff\xfe\x00" * 50, Unknown("BadStatusLine")),
        (b"", Unknown("RemoteDisconnected")),
    ],
    ids=range(13),
)
def test_strange_answers_are_outcomes_too(answer, outcome):
    with says(answer) as url:
        said = box(url).send(an_sms())
    assert said == outcome


@pytest.mark.parametrize(
    "body", [b"null", b"[]", b'{"return":null}', b'{"return":{"status":true}}', b'{"return":{"status":1e999}}',
             b'{"return":{"status":200},"entries":{}}', b'{"return":{"status":200},"entries":[7]}',
             b'{"return":{"status":200},"entries":[{"messageid":-1}]}', b"[" * 200_000, b"\xff", b'{"return":{}}'],
    ids=range(11),
)  # fmt: skip
def test_json_of_any_other_shape_is_doubt_at_kavenegar(body):
    with says(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) as url:
        assert type(kavenegar(url).send(an_sms())) is Unknown
    with says(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) as url:
        assert type(kavenegar(url).look_up(key=uuid.uuid4())) is NoAnswer
    with says(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body) as url:
        assert kavenegar(url).poll(["7"]) == []
