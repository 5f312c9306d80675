"""A connection that does not come about in its time is a certain no, whatever holds it up."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from common import http_client
from sms.gateways import smpp_session
from sms.gateways.base import Accepted, Gateway, Sms, TryAgain
from sms.gateways.http import HttpGateway
from sms.gateways.smpp import SmppGateway
from tests.support.sms_stubs import stub

LOOK_UP = socket.getaddrinfo


@pytest.fixture(autouse=True)
def short_patience(monkeypatch):
    for module in (http_client, smpp_session):
        monkeypatch.setattr(module, "CONNECT_WITHIN", 0.5)
    monkeypatch.setattr(http_client, "ANSWER_WITHIN", 2.0)


def an_sms() -> Sms:
    return Sms(key=uuid.uuid4(), to="+989121234567", text="متن", kind="result")


def box(url: str) -> HttpGateway:
    return HttpGateway(name="box", options={"URL": url + "/send?to={to}&text={text}&id={id}"})


def smpp(host: str, port: int) -> SmppGateway:
    given = {"HOST": host, "PORT": str(port), "SYSTEM_ID": "u", "PASSWORD": "pw", "SENDER": "1000"}
    return SmppGateway(name="op", options=given)


def seconds_of(gateway: Gateway, outcome: object) -> float:
    began = time.monotonic()
    assert gateway.send(an_sms()) == outcome
    return time.monotonic() - began


@pytest.fixture
def dns(monkeypatch) -> Iterator[tuple[threading.Event, list[str]]]:
    """A name server that answers when the event is set, and what it was asked."""
    answers, asked = threading.Event(), []

    def slow(host: str, *args: object, **options: object) -> object:
        asked.append(host)
        assert answers.wait(30)
        return LOOK_UP("127.0.0.1", *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    yield answers, asked
    answers.set()


def test_a_name_server_that_does_not_answer_holds_up_no_call(dns):
    answers, asked = dns
    with stub("http") as peer:
        gateway = box(f"http://gateway.example:{peer.port}")
        assert seconds_of(gateway, TryAgain("time-out")) < 2
        assert seconds_of(smpp("operator.example", 2775), TryAgain("TimeoutError")) < 2
        seconds_of(gateway, TryAgain("time-out"))
        assert asked == ["gateway.example", "operator.example"]  # one question at a time about each
        answers.set()
        ends = time.monotonic() + 5
        while gateway.send(an_sms()) != Accepted():
            assert time.monotonic() < ends
        assert len(peer.log) == 1


@contextmanager
def full() -> Iterator[int]:
    """A port at which connections hang: nobody takes them and there is no room for more to wait."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(server.getsockname())
        yield server.getsockname()[1]


def test_a_server_that_does_not_take_connections_is_a_certain_no():
    with full() as port:
        assert seconds_of(box(f"http://127.0.0.1:{port}"), TryAgain("time-out")) < 2
        assert seconds_of(smpp("127.0.0.1", port), TryAgain("TimeoutError")) < 2


def test_all_addresses_of_a_name_together_have_the_time_of_one(monkeypatch):
    with full() as port:
        [one] = LOOK_UP("127.0.0.1", port, type=socket.SOCK_STREAM)
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: [one] * 8)
        assert seconds_of(box(f"http://gateway.example:{port}"), TryAgain("time-out")) < 2


def test_the_next_address_of_a_name_is_tried_and_has_its_share_of_the_time(monkeypatch):
    with full() as port, stub("http") as peer:
        addresses = [LOOK_UP("127.0.0.1", each, type=socket.SOCK_STREAM)[0] for each in (port, 1, peer.port)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: addresses)
        assert box("http://gateway.example").send(an_sms()) == Accepted()


def test_a_tls_peer_that_drips_its_hello_holds_up_no_call():
    def drip() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            for byte in b"\x16\x03\x03\x40\x00\x02\x00" + b"\0" * 40:
                connection.sendall(bytes([byte]))
                time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip)
        thread.start()
        assert seconds_of(box(f"https://127.0.0.1:{server.getsockname()[1]}"), TryAgain("time-out")) < 2
        thread.join(10)
