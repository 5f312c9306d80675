"""Clients that send or take a byte a second never hold the portal: not eight of them, and not two hundred."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.support.fronts import NGINX, front_conf, nginx, trust
from tests.support.live import LIMIT, Home, Person, free_port, somebody, step_one, wait_for
from tests.support.live_web import Web, web
from tests.support.slow_clients import HEAD, KINDS, crowd

pytestmark = pytest.mark.faults
NORMAL = 3.0  # seconds in which a page comes, on a busy machine; a held one comes after the attack, or never


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with web(tmp_path_factory.mktemp("slow")) as started:
        yield started


@pytest.fixture(scope="module")
def front(site: Web, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the compose file's own front before that web."""
    if NGINX is None:
        pytest.skip("no nginx")
    with front_before(tmp_path_factory.mktemp("front"), site.port) as port:
        yield port


@contextmanager
def front_before(folder: Path, web_port: int, without: str = "", trusted: str = "127.0.1.1") -> Iterator[int]:
    """The front of the containers before this web, but for what is `without` in its settings."""
    port = free_port()
    assert trust(folder / "trust", trusted).returncode == 0
    conf = front_conf(folder, port, web_port)
    assert without in conf
    with nginx(folder, "front", conf.replace(without, ""), port):
        yield port


def a_citizen_gets_step_one(port: int, site: Web, number: int, seconds: float = NORMAL) -> None:
    person = Person(f"http://127.0.0.1:{port}", Home(site.home, site.env))
    step_one(person, somebody(number))
    assert person.slowest < seconds


@pytest.mark.parametrize("number", [8, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_slow_clients_do_not_hold_the_web(site: Web, kind: str, number: int) -> None:
    with crowd(site.port, kind, number):
        for citizen in range(3):
            a_citizen_gets_step_one(site.port, site, 3000 + 10 * len(kind) + number + citizen)


@pytest.mark.parametrize("kind", KINDS)
def test_slow_clients_do_not_hold_the_front(site: Web, front: int, kind: str) -> None:
    with crowd(front, kind, 200):
        a_citizen_gets_step_one(front, site, 5000 + 10 * len(kind))


def test_who_is_slow_with_the_headers_is_sent_away(site: Web) -> None:
    with crowd(site.port, "slow headers", 1) as clients:
        first = clients[0]
        ends = time.monotonic() + 40
        while first.fileno() != -1 and time.monotonic() < ends:
            time.sleep(0.5)
        assert first.fileno() == -1, "still connected"


def test_more_silent_connections_than_there_are_places_make_room_for_a_citizen(site: Web) -> None:
    """They come back as soon as they are sent away, so a citizen stands in line, perhaps loads a page again whose
    connection was among those that made room, but gets in."""
    with crowd(site.port, "silent ones", 2300):
        ends, is_in = time.monotonic() + 60, False
        while not is_in:
            try:
                a_citizen_gets_step_one(site.port, site, 6000, seconds=15)
                is_in = True
            except ConnectionResetError:
                assert time.monotonic() < ends


def test_a_slow_but_honest_phone_is_served(site: Web) -> None:
    """A form that arrives over ten seconds is taken like any other."""
    body = b"a=" + b"b" * 18
    with socket.create_connection(("127.0.0.1", site.port), timeout=LIMIT) as phone:
        phone.sendall(HEAD % (b"POST", b"/portal/registration") + b"Content-Length: 20\r\nConnection: close\r\n\r\n")
        for start in range(0, len(body), 2):
            phone.sendall(body[start : start + 2])
            time.sleep(1)
        answer = b"".join(iter(lambda: phone.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 403 ")  # of the application: there was no CSRF token


def test_what_has_arrived_is_answered_when_the_web_is_stopped(tmp_path: Path) -> None:
    with web(tmp_path) as stopped, socket.create_connection(("127.0.0.1", stopped.port), timeout=LIMIT) as browser:
        browser.sendall(HEAD % (b"GET", b"/portal/registration") + b"Connection: close\r\n\r\n")
        wait_for(lambda: "GET /portal/registration" in stopped.log.read_text(), seconds=LIMIT)
        stopped.process.terminate()
        answer = b"".join(iter(lambda: browser.recv(65_536), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.rstrip().endswith(b"</html>")
        assert stopped.process.wait(LIMIT) == 0


@pytest.mark.skipif(NGINX is None, reason="no nginx")
def test_a_crowd_behind_one_address_passes_the_front_and_one_machine_gone_wild_does_not(tmp_path: Path) -> None:
    """A private address, which is a proxy's, has no limit: so this one is called a public one."""
    with front_before(tmp_path, free_port(), without="127.0.0.0/8 1; ") as port:
        assert statuses(port, 900) == {503}  # there is no web behind it
        assert statuses(port, 6000) == {503, 429}


@pytest.mark.parametrize(("block", "limited"), [("2001:db8:1:2:", True), ("2001:db8:1:2:3:", True), ("", False)])
def test_addresses_of_one_ipv6_line_are_one_machine_at_the_front(tmp_path: Path, block: str, limited: bool) -> None:
    """Behind a TLS proxy; as many addresses as requests, all of one /64, or each of another one."""
    with front_before(tmp_path, free_port(), trusted="127.0.0.1") as port:
        found = statuses(port, 6000, lambda n: f"{block or f'2001:db8:1:{n + 1:x}:'}:{n + 1:x}")
        assert found == ({503, 429} if limited else {503})


def statuses(port: int, number: int, comes_from: Callable[[int], str] | None = None) -> set[int]:
    """Of so many requests, one after the other as fast as they are answered, 150 a connection."""
    found = set()
    for start in range(0, number, 150):
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)) as connection:
            for one in range(start, min(start + 150, number)):
                connection.request(
                    "GET", "/healthz", headers={"X-Forwarded-For": comes_from(one)} if comes_from else {}
                )
                answer = connection.getresponse()
                answer.read()
                found.add(answer.status)
    return found


LARGE_FILE = b"GET /static/admin/js/vendor/jquery/jquery.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def takes_nothing(port: int, begins: bytes) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    client.connect(("127.0.0.1", port))
    client.sendall(begins)
    return client


def test_who_asks_for_many_large_files_at_once_and_takes_none_holds_nothing(site: Web) -> None:
    """Answers that nobody takes do not pile up: a thread would wait for room, and each file stays open."""
    with ExitStack() as clients:
        for _ in range(20):
            clients.enter_context(takes_nothing(site.port, LARGE_FILE * 100))
        time.sleep(1)
        a_citizen_gets_step_one(site.port, site, 7000)
        assert max(len(os.listdir(f"/proc/{pid}/fd")) for pid in workers(site)) < 100


def workers(site: Web) -> list[str]:
    return Path(f"/proc/{site.process.pid}/task/{site.process.pid}/children").read_text().split()


def test_answers_to_requests_that_came_together_arrive_in_their_order(site: Web) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=LIMIT) as browser:
        browser.sendall(LARGE_FILE * 20 + HEAD % (b"GET", b"/healthz") + b"Connection: close\r\n\r\n")
        answers = b"".join(iter(lambda: browser.recv(65_536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 21
    assert answers.rstrip().rpartition(b"\r\n\r\n")[0].endswith(b"X-Frame-Options: DENY")


def test_an_answer_to_head_has_no_body(site: Web) -> None:
    """Else it is taken for the next answer on the same connection."""
    with closing(http.client.HTTPConnection("127.0.0.1", site.port, timeout=LIMIT)) as connection:
        for method in ("HEAD", "GET"):
            connection.request(method, "/portal/registration")
            answer = connection.getresponse()
            assert answer.status == 200
            assert int(answer.headers["Content-Length"]) > 1000
            assert (len(answer.read()) > 1000) == (method == "GET")


def test_a_worker_that_makes_room_for_a_fresh_one_loses_no_request(tmp_path: Path) -> None:
    with web(tmp_path, GUNICORN_CMD_ARGS="--max-requests 40 --max-requests-jitter 10 --workers 2") as restless:
        found: Counter[int] = Counter()

        def citizen() -> None:
            for _ in range(60):
                with closing(http.client.HTTPConnection("127.0.0.1", restless.port, timeout=LIMIT)) as connection:
                    connection.connect()
                    time.sleep(0.003)
                    connection.request("GET", "/healthz")
                    found[connection.getresponse().status] += 1

        crowd_of_them = [threading.Thread(target=citizen) for _ in range(8)]
        for thread in crowd_of_them:
            thread.start()
        for thread in crowd_of_them:
            thread.join()
        assert found == {200: 480}
        assert restless.log.read_text().count("Autorestarting") > 3
