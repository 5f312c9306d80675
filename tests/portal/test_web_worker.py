"""What the web's worker process does with a request before a thread has it."""

from __future__ import annotations

import socket
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from waitress.adjustments import Adjustments

from accounts.sessions import devices
from accounts.staff import flow as staff_flow
from common import limits
from tamin_portal.web_requests import Request
from tamin_portal.web_worker import Channel, Queues, TcpServer
from tests.support.accounts import citizen
from tests.support.entrances import sign_in


@pytest.fixture
def queues() -> Any:
    started = Queues(threads=1)
    yield started
    started.shutdown()


def request(method: str = "POST", path: str = "/portal/", body: bytes = b"", **headers: str) -> Request:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *(f"{name}: {value}" for name, value in headers.items())]
    parsed = Request(Adjustments(max_request_body_size=limits.WEB_LARGEST_BODY))
    raw = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    while raw and not parsed.completed:
        raw = raw[parsed.received(raw) :]
    assert parsed.completed
    return parsed


@pytest.mark.parametrize("path", ["/portal/", "/admin/login/"])
def test_tries_of_strangers_queue_by_themselves(queues, path) -> None:
    assert queues._queue_of(request(path=path)) is queues.strangers
    for method, other in (("GET", path), ("POST", "/portal/registration"), ("POST", "/portal/profile/password")):
        assert queues._queue_of(request(method, other)) is queues.pages


@pytest.mark.django_db
def test_who_brings_a_devices_cookie_of_ours_does_not_queue_behind_strangers(queues) -> None:
    citizen()
    browser = Client()
    assert sign_in(browser, remember="on").status_code == 302
    trusted = browser.cookies[devices.TRUSTED_COOKIE].value
    staff = HttpResponse()
    devices.remember_account(RequestFactory().get("/"), staff, staff_flow.account_key("maryam"))
    known = staff.cookies[devices.COOKIE].value
    for cookie in (f"a=b; {devices.TRUSTED_COOKIE}={trusted}", f"{devices.COOKIE}={known}"):
        assert queues._queue_of(request(Cookie=cookie)) is queues.known
    forged = trusted[:-3] + "AAA"
    for cookie in (f"{devices.TRUSTED_COOKIE}={forged}", "trusted=", "device=a:b:c", "\xff"):
        assert queues._queue_of(request(Cookie=cookie)) is queues.strangers


def test_of_a_body_larger_than_any_form_nothing_is_kept() -> None:
    size = limits.WEB_BODY_KEPT + 1
    parsed = request(body=b"x" * size, **{"Content-Length": str(size)})
    assert parsed.error is None
    assert parsed.headers["CONTENT_LENGTH"] == str(size)
    assert parsed.get_body_stream().read() == b""


def test_a_body_in_chunks_ends_at_what_is_kept() -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    parsed = request(body=chunk * 10, **{"Transfer-Encoding": "chunked"})
    assert parsed.error.code == 413
    parsed.close()


def channel(**facts: Any) -> Any:
    return SimpleNamespace(
        **{"requests": [], "next_waits": False, "total_outbufs_len": 0, "sends_since": 0.0, "request": None} | facts
    )


def test_a_client_is_waited_for_only_while_it_is_its_turn() -> None:
    now = 1_000.0
    assert Channel.waits_since(channel(requests=[object()]), now) == (now, 0.0)
    head, whole = (SimpleNamespace(began=990.0, headers_finished=done) for done in (False, True))
    assert Channel.waits_since(channel(request=head), now) == (990.0, limits.WEB_HEAD_WITHIN.total_seconds())
    assert Channel.waits_since(channel(request=whole), now) == (990.0, limits.WEB_REQUEST_WITHIN.total_seconds())
    sending = channel(total_outbufs_len=1)
    for moment in (now, now + 5):
        assert Channel.waits_since(sending, moment) == (now, limits.WEB_ANSWER_TAKEN_WITHIN.total_seconds())
    sending.requests, sending.next_waits = [object()], True
    assert Channel.waits_since(sending, now + 5)[0] == now


def test_whose_time_is_over_is_sent_away_without_another_write() -> None:
    """Who takes nothing lets nobody write: a mark for the next write would never be looked at."""
    closed = []

    def connection(name: str, waited: float, at_most: float, unheard: bool = False) -> Any:
        return SimpleNamespace(
            waits_since=lambda now: (now - waited, at_most),
            handle_close=lambda: closed.append(name),
            is_unheard=lambda: unheard,
        )

    all_of_them = (
        connection("over", 61, 60),
        connection("over, but its bytes are here unread", 61, 60, unheard=True),
        connection("in time", 59, 60),
        connection("not its turn", 0, 0),
    )
    server = SimpleNamespace(active_channels=dict(enumerate(all_of_them)))
    TcpServer.maintenance(cast(Any, server), 0)
    assert closed == ["over"]


@pytest.mark.parametrize(("began", "sent", "is_unheard"), [(0.0, b"G", True), (0.0, b"", False), (9.0, b"G", False)])
def test_a_request_whose_bytes_lie_unread_is_not_the_clients_delay(began, sent, is_unheard) -> None:
    client, served = socket.socketpair()
    with client, served:
        client.sendall(sent)
        request = SimpleNamespace(began=time.monotonic() - began)
        connection = SimpleNamespace(requests=[], total_outbufs_len=0, request=request, socket=served)
        assert Channel.is_unheard(cast(Any, connection)) is is_unheard


def test_a_connection_that_just_came_makes_no_room_for_others(monkeypatch) -> None:
    monkeypatch.setattr(limits, "WEB_CONNECTIONS", 4)
    closed = []
    waited = {"two seconds": 2.0, "a moment": 0.1, "ten seconds": 10.0, "half a second": 0.5}
    channels = {
        name: SimpleNamespace(
            waits_since=lambda now, seconds=seconds: (now - seconds, 60),
            handle_close=lambda name=name: closed.append(name),
            is_unheard=lambda: False,
        )
        for name, seconds in waited.items()
    }
    monkeypatch.setattr(limits, "WEB_CROWDED", 0.0)
    TcpServer.maintenance(cast(Any, SimpleNamespace(active_channels=channels)), 0)
    assert closed == ["ten seconds", "two seconds"]


@pytest.mark.parametrize("path", ["//portal/", "///admin/login/"])
def test_more_slashes_do_not_lead_around_the_queue(queues, path) -> None:
    """waitress gives the application one slash."""
    assert queues._queue_of(request(path=path)) is queues.strangers


@pytest.mark.parametrize(
    ("version", "headers"),
    [
        ("1.1", "Transfer-Encoding: chunked\r\nContent-Length: 4"),
        ("1.0", "Transfer-Encoding: chunked"),
        ("2.0", "Transfer-Encoding: chunked"),
        ("1.1", f"Content-Length: {'9' * 5000}"),
        ("1.1", "Content-Length: 3\r\nContent-Length: 3"),
    ],
)
def test_a_body_whose_length_is_in_doubt_is_refused(version, headers) -> None:
    """Another server before us could see the next request where we see the body."""
    parsed = Request(Adjustments())
    parsed.received(f"POST /portal/ HTTP/{version}\r\nHost: x\r\n{headers}\r\n\r\n".encode())
    assert parsed.completed
    assert parsed.error.code == 400


def test_a_target_that_cannot_be_read_is_refused_like_any_other_broken_request() -> None:
    parsed = Request(Adjustments())
    parsed.received(b"GET http://[/portal/ HTTP/1.1\r\nHost: x\r\n\r\n")
    assert parsed.error.code == 400


def test_a_request_without_a_body_does_not_wait_for_the_word_to_go_on() -> None:
    """waitress would read the next request's headers as more of this one's."""
    assert not request("GET", Expect="100-continue").expect_continue
    unfinished = Request(Adjustments())
    unfinished.received(b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
    assert unfinished.expect_continue
