"""Whatever bytes a gateway answers is an outcome: accepted on evidence alone, not sent only where it says so."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from common import http_client
from sms.gateways.base import (
    Accepted,
    Because,
    Found,
    LookUp,
    NotFound,
    Outcome,
    OutOfOrder,
    PushedReceipt,
    Receipt,
    Refused,
    Sms,
    TryAgain,
    Unknown,
)
from sms.gateways.http import HttpGateway
from sms.gateways.kavenegar import _CODES, KavenegarGateway
from sms.gateways.smpp import SmppGateway

KEY = uuid.UUID(int=7 << 65)
SMS = Sms(key=KEY, to="+989121234567", text="متن", kind="result")
fuzzed = settings(
    max_examples=150, suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture]
)


class Speaker:
    """A server that answers every request with `answer`, and goes on where the answer has a length."""

    answer = b""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.server.accept()
                with connection, suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb")
        while (line := reader.readline()) not in (b"", b"\r\n"):
            if line.startswith(b"Content-Length:"):
                length = int(line[15:])
        reader.read(length)
        connection.sendall(self.answer)

    def says(self, body: bytes, *, status: int = 200, headers: str = "") -> None:
        head = f"HTTP/1.1 {status} Said\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self.answer = head.encode() + body


@pytest.fixture(scope="module")
def speaker() -> Iterator[Speaker]:
    one = Speaker()
    yield one
    one.server.shutdown(socket.SHUT_RDWR)
    one.server.close()
    one.thread.join(5)


@pytest.fixture
def kavenegar(speaker: Speaker) -> KavenegarGateway:
    return KavenegarGateway(name="kn", options={"KEY": "k", "SENDER": "1", "URL": speaker.url})


def box(url: str, **options: str) -> HttpGateway:
    return HttpGateway(name="box", options={"URL": url + "/send?to={to}&text={text}", **options})


# ── Kavenegar: answers that look like its own, with anything in their places

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just(10**30),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
codes = st.sampled_from([*_CODES, 100, 199, 200, 201, 500])
ids = st.integers(1, 2**63 - 1)
entry = st.fixed_dictionaries(
    {},
    optional={
        "localid": st.sampled_from([7, "7"]) | anything,
        "messageid": ids | anything,
        "status": st.sampled_from([1, 4, 6, 10, 11, 14, 100]) | anything,
    },
)
answers = st.fixed_dictionaries(
    {"return": st.fixed_dictionaries({"status": codes | anything}) | anything},
    optional={"entries": st.lists(entry | anything, max_size=2) | anything},
)
bodies = st.one_of(
    answers.map(lambda value: json.dumps(value).encode()),
    st.tuples(answers, st.integers(0, 99)).map(lambda pair: json.dumps(pair[0]).encode()[: pair[1]]),  # cut off
    answers.map(lambda value: json.dumps(value).encode() + b"\xff"),
    answers.map(lambda value: gzip.compress(json.dumps(value).encode())),
    st.binary(max_size=50),
    anything.map(lambda value: json.dumps(value).encode()),
)
ACCEPTED = {"return": {"status": 200}, "entries": [{"messageid": 77, "status": 1}]}


def status_of(body: bytes) -> int | None:
    """What an honest reader finds: Kavenegar's status, if there is one."""
    with suppress(ValueError, TypeError, LookupError):
        status = json.loads(body)["return"]["status"]
        return status if type(status) is int else None
    return None


def ids_of(body: bytes) -> list[str]:
    entries = json.loads(body).get("entries")
    found = [each.get("messageid") for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    return [str(each) for each in found if type(each) is int and 0 < each < 2**63]


@fuzzed
@given(body=bodies, http=st.sampled_from([200, 400, 404, 500, 502]))
@example(body=json.dumps(ACCEPTED).encode(), http=200)
@example(body=json.dumps(ACCEPTED | {"entries": None}).encode(), http=200)
@example(body=json.dumps(ACCEPTED | {"entries": []}).encode(), http=200)
@example(body=json.dumps({"return": {"status": "200"}, "entries": [{"messageid": 77}]}).encode(), http=200)
@example(body=b'{"return":{"status":200},"entries":[{"messageid":%s}]}' % (b"9" * 4000), http=200)
@example(body=b'{"return":{"status":200},"entries":[{"messageid":77.0}]}', http=200)
def test_kavenegar_has_taken_a_message_when_it_names_it_and_not_when_it_says_so(speaker, kavenegar, body, http):
    speaker.says(body, status=http)
    outcome = kavenegar.send(SMS)
    status = status_of(body)
    assert isinstance(outcome, Outcome)
    if isinstance(outcome, Accepted):
        assert status == 200
        assert outcome.provider_ids == (ids_of(body)[0],)
    elif isinstance(outcome, TryAgain | Refused | OutOfOrder):
        assert status in _CODES
        assert outcome == _CODES[status](str(status))
    else:
        assert status not in _CODES
        assert status != 200 or not ids_of(body)


@fuzzed
@given(body=bodies)
@example(body=b'{"return":{"status":200},"entries":[{"messageid":77,"status":100}]}')
@example(body=b'{"return":{"status":200},"entries":[{"messageid":78,"status":10}]}')
@example(body=b'{"return":{"status":200},"entries":[{"messageid":78,"status":100}]}')
@example(body=b'{"return":{"status":400},"entries":[{"messageid":77,"status":100}]}')
@example(body=b'{"return":{"status":200},"entries":[{"messageid":77,"status":10,"localid":8}]}')
def test_a_question_is_answered_by_what_is_about_this_message_alone(speaker, kavenegar, body):
    speaker.says(body)
    by_id, by_key = kavenegar.look_up(key=KEY, provider_id="77"), kavenegar.look_up(key=KEY)
    for said in (by_id, by_key):
        assert isinstance(said, LookUp)
        if isinstance(said, Found | NotFound):
            assert status_of(body) == 200
    if isinstance(by_key, Found | NotFound):
        assert json.loads(body)["entries"][0].get("localid", 7) in (7, "7")
    if isinstance(by_id, Found):
        assert by_id.provider_ids == ("77",) == tuple(ids_of(body))
    if isinstance(by_id, NotFound):
        assert ids_of(body) in ([], ["77"])
    reports = kavenegar.poll(["77"])
    assert {report.provider_id for report in reports} <= {"77"}
    assert not reports or status_of(body) == 200


# ── a plain box


@fuzzed
@given(status=st.integers(200, 599), body=st.binary(max_size=60) | st.sampled_from([b"\xef\xbb\xbf <HTML>", b"OK 7"]))
@example(status=200, body=b"\xef\xbb\xbf\n<!DOCTYPE html><p>OK")
@example(status=200, body=b"<?xml version='1.0'?>\n<!-- OK --><html>")
@example(status=200, body=b"html")
def test_a_box_is_believed_by_its_status_and_by_the_words_that_were_agreed(speaker, status, body):
    speaker.says(b"" if status in (204, 304) else body, status=status)
    page = status not in (204, 304) and any(begins in body.lower() for begins in (b"<html", b"<!doctype html"))
    plain, strict = box(speaker.url).send(SMS), box(speaker.url, EXPECT="OK").send(SMS)
    if 200 <= status < 300:
        assert type(plain) is (Unknown if page else Accepted)
        assert type(strict) is (Accepted if b"OK" in body and not page and status != 204 else Unknown)
    elif status < 500 and status != 303:  # after "see other" the request may have been processed
        assert isinstance(plain, TryAgain | OutOfOrder)
        assert plain == strict
    else:
        assert plain == strict == Unknown(f"http {status}")


@pytest.mark.parametrize("status", range(300, 500))
def test_no_one_message_can_put_a_box_out_of_order(speaker, status):
    speaker.says(b"", status=status)
    outcome = box(speaker.url).send(SMS)
    if status == 303:  # the request may have been processed (RFC 9110, 15.4.4)
        assert isinstance(outcome, Unknown)
        return
    ours = status < 400 or status in (401, 402, 403, 404, 405, 407, 410)
    assert isinstance(outcome, OutOfOrder) is ours
    assert ours or (outcome.because is Because.GATEWAY) is (status == 408)


# ── both: what is too much

MUCH = b"x" * 10_000_000
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 10000000\r\n\r\n" + MUCH,
        HEAD + b"\r\n" + MUCH,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n989680\r\n" + MUCH + b"\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 20000000\r\n\r\n" + MUCH,
    ],
    ids=["whole", "without a length", "chunked", "cut off"],
)
def test_ten_megabytes_are_read_by_nobody(speaker, kavenegar, answer):
    speaker.answer = answer
    assert type(kavenegar.send(SMS)) is Unknown
    assert type(box(speaker.url).send(SMS)) is Unknown
    assert kavenegar.poll(["77"]) == []


def test_an_answer_is_never_unpacked(speaker, kavenegar):
    bomb = gzip.compress(b"\0" * 100_000_000)
    assert len(bomb) < http_client.LARGEST_ANSWER
    speaker.says(bomb, headers="Content-Encoding: gzip\r\n")
    assert type(kavenegar.send(SMS)) is Unknown
    assert type(box(speaker.url, EXPECT="OK").send(SMS)) is Unknown


# ── receipts

words = st.sampled_from(["id:", "stat:", "err:", "DELIVRD", "text:", " ", "\0", "77", "\xff", "id=7&", "status=1"])
texts = st.lists(words | st.text(max_size=4), max_size=12).map("".join)


@fuzzed
@given(query=texts, body=texts.map(lambda text: text.encode("utf-8", "replace")))
def test_a_receipt_is_read_or_said_to_be_malformed(query: str, body: bytes):
    given_options: dict[str, Any] = {
        "HOST": "h", "PORT": "1", "SYSTEM_ID": "u", "PASSWORD": "p", "SENDER": "1", "RECEIPT_IDS": "hex",
    }  # fmt: skip
    for gateway in (box("http://127.0.0.1:1"), SmppGateway(name="op", options=given_options)):
        with suppress(ValueError):
            for receipt in gateway.read_receipts(PushedReceipt("GET", query, "", body)):
                assert isinstance(receipt, Receipt)
                assert receipt.key or 0 < len(receipt.provider_id) <= 65
                assert not {"\0", " "} & set(receipt.provider_id)
