"""What a citizen sees while no web answers: tools/front.nginx.conf in a real nginx, with nobody behind it."""

from __future__ import annotations

import contextlib
import http.client
import re
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
