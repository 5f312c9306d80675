"""What a citizen sees while no web answers, or what does not come as far: tools/front.nginx.conf in a real nginx, with
nobody behind it."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.fronts import NGINX, front_conf, nginx, trust
from tests.support.live import free_port
from tests.support.pages import assert_fits_the_policy, text_of

pytestmark = [pytest.mark.faults, pytest.mark.skipif(NGINX is None, reason="needs nginx")]
SAID = "پرتال اکنون در دسترس نیست"


class Busy(BaseHTTPRequestHandler):
    """A portal that answers 503 itself, or goes away in mid-answer."""

    def do_GET(self) -> None:
        if self.path == "/dies":
            self.connection.close()
            return
        self.send_response(503)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"its page")

    def log_message(self, *said: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def front(folder: Path, web: int) -> Iterator[int]:
    assert trust(folder / "trust", "127.0.1.1").returncode == 0
    port = free_port()
    with nginx(folder, "front", front_conf(folder, port, web), port):
        yield port


def ask(port: int, path: str, method: str = "GET", body: bytes = b"") -> tuple[http.client.HTTPResponse, str]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, body or None)
        answer = connection.getresponse()
        return answer, answer.read().decode()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A front whose portal is away."""
    with front(tmp_path_factory.mktemp("alone"), free_port()) as port:
        yield port


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/portal/registration"), ("GET", "/"), ("POST", "/portal/registration"), ("POST", "/sms/receipts/a/b/")],
)
def test_the_front_says_it_in_persian(alone: int, method: str, path: str) -> None:
    answer, page = ask(alone, path, method, b"a=b" if method == "POST" else b"")
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "60"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert SAID in text_of(page)
    assert_fits_the_policy(page)


def test_nothing_of_the_page_comes_from_the_portal(alone: int) -> None:
    _, page = ask(alone, "/portal/")
    files = re.findall(r'(?:href|src)="(/[^"]*)"', page)
    assert files == ["/front/away.css"]
    answer, sheet = ask(alone, files[0])
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/css")
    assert "Retry-After" not in answer.headers
    assert "url(" not in sheet
    assert len(page) + len(sheet) < 6_000


def test_no_other_file_of_the_front_is_shown(alone: int) -> None:
    for path in ("/front/", "/front/../front.nginx.conf", "/front/%2e%2e/front.nginx.conf", "/front/nothing"):
        answer, page = ask(alone, path)
        assert answer.status in (400, 403, 404, 503)
        assert "proxy_pass" not in page


@pytest.mark.parametrize(("path", "said"), [("/portal/", "its page"), ("/dies", SAID)])
def test_what_the_portal_itself_answers_passes_through(tmp_path: Path, path: str, said: str) -> None:
    server = HTTPServer(("127.0.0.1", 0), Busy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with front(tmp_path, server.server_port) as port:
            answer, page = ask(port, path)
            assert answer.status == 503
            assert said in page
    finally:
        server.shutdown()
        server.server_close()


def raw(port: int, sent: bytes) -> tuple[int, str]:
    """What the front answers to these very bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        link.sendall(sent)
        answer = http.client.HTTPResponse(link)
        answer.begin()
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return answer.status, answer.read().decode()


HEAD = b"GET /portal/ HTTP/1.1\r\nHost: portal.example\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        (b"GET /portal/ HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "درخواست"),  # no Host
        (HEAD + b"Content-Length: x\r\n\r\n", 400, "درخواست"),
        (HEAD.replace(b"/portal/", b"/portal/?" + b"a" * 20_000) + b"\r\n", 414, "نشانی"),
        (HEAD + b"Cookie: " + b"a" * 20_000 + b"\r\n\r\n", 431, "مرورگر"),
        (HEAD.replace(b"GET", b"POST") + b"Content-Length: 99999999\r\n\r\n", 413, "گنجایش"),
        (HEAD.replace(b"/portal/", b"/front/nothing") + b"\r\n", 404, "صفحه"),
        (HEAD.replace(b"GET /portal/", b"POST /front/away.css") + b"Content-Length: 0\r\n\r\n", 404, "صفحه"),
    ],
)
def test_what_never_reaches_a_web_is_answered_in_persian(alone: int, sent: bytes, status: int, said: str) -> None:
    answered, page = raw(alone, sent)
    assert (answered, 'lang="fa" dir="rtl"' in page) == (status, True), page
    assert said in text_of(page), text_of(page)
    assert "nginx" not in page
    assert_fits_the_policy(page)


def test_who_is_braked_by_the_front_reads_for_how_long(tmp_path: Path) -> None:
    assert trust(tmp_path / "trust", "127.0.1.1").returncode == 0
    port = free_port()
    conf = front_conf(tmp_path, port, free_port())
    narrow = conf.replace("rate=500r/s", "rate=1r/m").replace("burst=1000 nodelay", "nodelay")
    narrow = narrow.replace("127.0.0.0/8 1;", "")  # a private address has no limit
    assert narrow.count("rate=1r/m") == 1
    with nginx(tmp_path, "narrow", narrow, port):
        ask(port, "/portal/")
        answer, page = ask(port, "/portal/")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert "یک دقیقه" in text_of(page)
