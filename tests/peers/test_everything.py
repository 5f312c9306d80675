"""All of them at once: nginx with TLS before the portal, SMS by Kannel, letters by Postfix, Redis with TLS and ACL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.postfix import Postfix, postfix
from tests.peers.redis_tls import Server, redis_tls
from tests.support.fronts import nginx, temporary
from tests.support.kannel import Kannel, kannel
from tests.support.live import demo, free_port, run
from tests.support.peer_journeys import person_with_phone, whole_journey
from tests.support.peer_programs import need
from tests.support.registry_stubs import certificates

pytestmark = pytest.mark.peers
LETTER = """
from mail import outbox
html = "<p>متن</p>"
outbox.enqueue(to="someone@example.com", subject="نامه‌ای از پرتال", text="متن", html=html, dedupe_key="everything")
"""


@pytest.fixture
def boxes(tmp_path: Path) -> Iterator[Kannel]:
    with kannel(tmp_path) as started:
        yield started


@pytest.fixture
def letter_server() -> Iterator[Postfix]:
    with postfix() as server:
        server.start()
        yield server


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Server]:
    (folder := tmp_path / "redis").mkdir()
    with redis_tls(folder) as started:
        yield started


def tls_conf(folder: Path, port: int, web: int, pem: Path) -> str:
    return f"""
        pid {folder}/nginx.pid; error_log /dev/stderr crit; events {{}}
        http {{ access_log off; {temporary(folder)}
            server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};
                location / {{ proxy_pass http://127.0.0.1:{web}; proxy_set_header Host $http_host;
                    proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto https; }} }} }}"""


def test_a_citizen_registers_through_all_of_them(
    boxes: Kannel,
    letter_server: Postfix,
    broker: Server,
    new_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need("nginx", "nginx-light")
    shutil.copytree(new_home, tmp_path / "home")
    (folder := tmp_path / "front").mkdir()
    authority = certificates.make(folder, "authority")
    pem = certificates.issue(folder, authority, "front", "IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))  # of the citizen's browser
    web, front = free_port(), free_port()
    env = {
        "SMS_GATEWAYS": "kannel",
        "MAIL_URL": f"smtp://127.0.0.1:{letter_server.port}",
        "MAIL_FROM": "portal@tamin.example",
        "REDIS_URL": broker.url(),
        "REDIS_CA": str(broker.ca),
        "TRUSTED_PROXIES": "127.0.0.1/32",
        "HTTPS": "on",
        "PUBLIC_HOST": f"127.0.0.1:{front}",
    } | boxes.settings("kannel", receipts=f"http://127.0.0.1:{web}")
    with run(tmp_path / "home", web, env) as portal, nginx(folder, "tls", tls_conf(folder, front, web, pem), front):
        portal.until_ready()
        citizen = demo("matches")
        whole_journey(person_with_phone(portal, boxes.sms, f"https://127.0.0.1:{front}"), citizen)
        portal.home.manage("shell", "--no-imports", "-c", LETTER)
        [(_, letter)] = letter_server.delivered(1)
        assert letter["Subject"] == "نامه‌ای از پرتال"
