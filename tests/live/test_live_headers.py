"""The real servers: what they do with odd headers, what they say of themselves, and the time in every log."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.fronts import NGINX, front_conf, nginx, trust
from tests.support.live import Portal, free_port, wait_for
from tests.support.live_servers import EmbeddedRedis

pytestmark = pytest.mark.startup
ODD = [
    "SCRIPT_NAME: /x",
    "Script-Name: /x",
    "PATH_INFO: /x",
    "Path-Info: /x",
    "REMOTE_USER: clerk",
    "Remote-User: clerk",
    "wsgi.url_scheme: https",
    "X-Forwarded-Prefix: /x",
    "X-Original-URL: /admin/",
    "X-Rewrite-URL: /admin/",
    "X-Http-Method-Override: DELETE",
]
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+03:30"
OF_A_CLOCK = re.compile(r"\d\d:\d\d:\d\d")


@pytest.fixture(scope="module")
def portal_options() -> dict[str, Any]:
    """A machine whose clock is not on Tehran's time."""
    return {"env": {"TZ": "America/New_York"}}


def answer(port: int, *headers: str, path: str = "/portal/registration", method: str = "GET") -> tuple[int, str]:
    """The status of an answer, and its headers as they came."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        whole = b"".join(iter(lambda: client.recv(65536), b"")).decode(errors="replace")
    return int(whole.split(" ", 2)[1]), whole.partition("\r\n\r\n")[0]


@pytest.mark.parametrize("header", ODD)
def test_a_header_that_means_something_to_servers_means_nothing_here(portal: Portal, header: str) -> None:
    assert answer(portal.port, header)[0] == 200


@pytest.mark.parametrize("header", ODD)
def test_no_header_opens_the_admin(portal: Portal, header: str) -> None:
    status, told = answer(portal.port, header, path="/admin/")
    assert status == 302
    assert "Location: /admin/login/?next=/admin/" in told


@pytest.mark.parametrize("path", ["/portal/registration", "/nowhere", "/static/favicon.svg", "/healthz"])
def test_the_server_names_no_version(portal: Portal, path: str) -> None:
    told = answer(portal.port, path=path)[1]
    assert re.search(r"^Server: portal\r?$", told, re.MULTILINE)
    assert "unicorn" not in told


def test_files_are_for_our_own_pages(portal: Portal) -> None:
    told = answer(portal.port, path="/static/favicon.svg")[1]
    assert "Cross-Origin-Resource-Policy: same-origin" in told
    assert "Content-Security-Policy: default-src 'none'" in told
    assert "Access-Control-Allow-Origin" not in told


@pytest.fixture(scope="module")
def front(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a real nginx with the front's settings, before this portal."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    folder, port = tmp_path_factory.mktemp("front"), free_port()
    trust(folder / "trust", "127.0.0.1")
    conf = front_conf(folder, port, portal.port)
    with nginx(folder, "front", conf.replace("location = /front-is-up", dead_end() + "location = /front-is-up"), port):
        yield port


def dead_end() -> str:
    """A place behind which nothing listens."""
    return f"location = /dead-end {{ proxy_pass http://127.0.0.1:{free_port()}; }}\n        "


@pytest.mark.parametrize(("path", "status"), [("/portal/registration", 200), ("/dead-end", 503), ("/nowhere", 404)])
def test_the_front_names_no_version_and_says_each_thing_once(front: int, path: str, status: int) -> None:
    got, told = answer(front, "SCRIPT_NAME: /x", path=path)
    assert got == status
    assert re.search(r"^Server: nginx\r?$", told, re.MULTILINE)
    for name in ("Cross-Origin-Resource-Policy: same-origin", "X-Content-Type-Options: nosniff"):
        assert told.count(name) == 1, told


def test_every_line_of_every_log_has_its_time_with_the_same_offset(portal: Portal) -> None:
    """beat writes nothing while all is well: so Redis goes away for a moment. Redis's own log has no offset to give,
    but is in the same zone; the demo's service is no part of the portal."""
    redis = EmbeddedRedis(portal)
    redis.stop()
    try:
        wait_for(lambda: "Connection error" in portal.log("beat"))
    finally:
        redis.start()
    answer(portal.port, path="/nowhere")  # a line of gunicorn's, and one of Django's
    wait_for(lambda: "django.request" in portal.log("web"))
    logs = sorted((portal.folder / "logs").glob("*.log"))
    logs = [path for path in logs if path.stem not in ("redis", "demo-service")]
    assert {path.stem for path in logs} >= {"web", "beat", "supervisord", "worker-sms", "worker-identity"}
    for path in logs:
        lines = path.read_text().splitlines()
        assert [line for line in lines if re.match(rf"{MOMENT} [A-Z]+ ", line)], path
        assert [line for line in lines if OF_A_CLOCK.search(line) and not re.match(MOMENT, line)] == [], path


def test_the_moment_in_a_log_is_now(portal: Portal) -> None:
    answer(portal.port)
    last = [line for line in portal.log("web").splitlines() if "gunicorn.access" in line][-1].split(" ", 1)[0]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(last)) < timedelta(minutes=1)
