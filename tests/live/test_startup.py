"""`make run` for real: it starts, it ends, it starts again, whatever was done to it in between."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import urllib.request
from pathlib import Path

import pytest

from tests.support.live import LIMIT, Portal, free_port, is_ready, run, running, wait_for

pytestmark = pytest.mark.startup


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home with a % and a space"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_to_the_group_ends_everything_and_it_starts_again(home: Path, number: int) -> None:
    with run(home) as portal:
        portal.until_ready()
        keys = (home / "portal.env").read_text()
        assert len(running(home)) >= 7
        known = json.loads((home / "demo-service.json").read_text())
        assert known["url"] == portal.service()
        portal.signal_group(number)
        assert "Stopped." in portal.ends()
        assert running(home) == []
        assert not is_ready(portal.port)
    with socket.create_server(("127.0.0.1", int(known["url"].rpartition(":")[2]))), run(home) as again:
        again.until_ready()
        assert (home / "portal.env").read_text() == keys
        assert again.service() != known["url"], "its port was taken"
        wait_for(lambda: answers(again.service()))
        now = json.loads((home / "demo-service.json").read_text())
        assert now["client_secret"] == known["client_secret"]


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def test_everything_in_the_home_is_its_owners_alone(home: Path) -> None:
    with run(home) as portal:
        portal.until_ready()
        made = [path for path in (home, *home.rglob("*")) if not path.is_socket()]
        assert {"portal.sqlite3", "web.log", "supervisord.log", "portal.env"} <= {path.name for path in made}
        assert [path for path in made if path.stat().st_mode & 0o077] == []


def test_after_the_supervisor_was_killed_it_starts_again(home: Path) -> None:
    with run(home) as portal:
        portal.until_ready()
        os.kill(portal.pid_of_supervisor(), signal.SIGKILL)
        assert "the supervisor ended by itself" in portal.ends()
        assert running(home) == []
    with run(home, portal.port) as again:
        again.until_ready()


def test_after_everything_in_the_foreground_was_killed_it_starts_again(home: Path) -> None:
    with run(home) as portal:
        portal.until_ready()
        supervisor = portal.pid_of_supervisor()
        portal.signal_group(signal.SIGKILL)
        os.kill(supervisor, signal.SIGKILL)
        portal.make.wait(LIMIT)
        with run(home, portal.port) as again:
            again.until_ready()


@pytest.mark.parametrize(
    "program", ["redis", "web", "worker-sms", "worker-receipts", "worker-identity", "beat", "demo-service"]
)
def test_a_killed_part_comes_back_by_itself(portal: Portal, program: str) -> None:
    killed = portal.pid_of(program)
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: portal.pid_of(program) != killed)
    back = portal.pid_of(program)
    wait_for(lambda: f"success: {program} entered RUNNING" in since(portal, f"with pid {back}"))
    wait_for(lambda: is_ready(portal.port))


def since(portal: Portal, mark: str) -> str:
    return (portal.folder / "logs/supervisord.log").read_text().partition(mark)[2]


def test_workers_find_redis_again_after_it_was_killed(portal: Portal) -> None:
    log = portal.folder / "logs/worker-sms.log"
    seen = len(log.read_text())
    os.kill(portal.pid_of("redis"), signal.SIGKILL)
    wait_for(lambda: "Connected to redis" in log.read_text()[seen:])


def test_a_second_run_of_the_same_home_says_so(portal: Portal) -> None:
    said = Portal(portal.folder, free_port()).ends()
    assert f"already running: http://127.0.0.1:{portal.port}" in said
    assert "Traceback" not in said
    assert is_ready(portal.port)


def test_a_taken_port_is_one_sentence(portal: Portal, home: Path) -> None:
    with run(home, portal.port) as second:
        said = second.ends()
    assert f"Stopped: port {portal.port} is taken by another program" in said
    assert "Traceback" not in said


def test_two_homes_run_side_by_side(portal: Portal, home: Path) -> None:
    with run(home) as second:
        second.until_ready()
        assert is_ready(portal.port)
        second.signal_group(signal.SIGINT)
        second.ends()
        assert is_ready(portal.port)


def test_a_home_with_a_very_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    with run(home) as portal:
        portal.until_ready()
        [socket_path] = re.findall(r"^REDIS_URL=redis\+socket://(.+)$", (home / "portal.env").read_text(), re.MULTILINE)
        assert len(socket_path) < 100
        assert Path(socket_path).parent.stat().st_mode & 0o777 == 0o700
        portal.signal_group(signal.SIGINT)
        portal.ends()
        assert not Path(socket_path).parent.exists()


def test_a_home_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "home"
    file.write_text("")
    with run(file) as portal:
        said = portal.ends()
    assert f"Stopped: the folder {file} cannot be made" in said
    assert "Traceback" not in said


def test_ten_megabytes_in_one_field_are_refused_in_persian_and_kill_no_worker(portal: Portal) -> None:
    body = b"national_id=" + b"1" * 10_000_000
    with socket.create_connection(("127.0.0.1", portal.port), timeout=30) as client:
        client.sendall(
            b"POST /portal/registration HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            b"Cookie: csrftoken=" + b"c" * 32 + b"\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        client.sendall(body)  # a server that hangs up with bytes unread would reset the connection here
        answer = b"".join(iter(lambda: client.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 413 ")
    assert 'lang="fa"' in answer
    assert "WORKER TIMEOUT" not in (portal.folder / "logs/web.log").read_text()


def test_static_files_are_compressed_and_kept_for_years(portal: Portal) -> None:
    base = f"http://127.0.0.1:{portal.port}"
    page = urllib.request.urlopen(f"{base}/portal/registration", timeout=30).read().decode()
    [sheet] = re.findall(r'href="(/static/portal\.[0-9a-f]+\.css)"', page)
    request = urllib.request.Request(base + sheet, headers={"Accept-Encoding": "br"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["Content-Encoding"] == "br"
        assert "immutable" in answer.headers["Cache-Control"]
