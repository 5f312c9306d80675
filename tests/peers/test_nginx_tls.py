"""The whole way of a citizen over TLS: a proxy as people have it, the front of docker-compose.yml, a real portal."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import ssl
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import live, peer_programs
from tests.support.fronts import front_conf, nginx, temporary, trust
from tests.support.live import Person, Portal, free_port, register, sign_in, until, wait_for
from tests.support.pages import text_of
from tests.support.paths import ROOT
from tests.support.registry_stubs import certificates

pytestmark = pytest.mark.peers
NEAR = "127.0.1.1"  # the address by which the front knows the proxy
HTTPS = {"HTTPS": "on", "TRUSTED_PROXIES": "127.0.0.1/32"}


def outer_conf(folder: Path, port: int, front: int, pem: Path) -> str:
    """A TLS proxy that shows the front's own pages for what it answers itself, as docs/runbook.md says."""
    return f"""
        pid {folder}/outer.pid; error_log /dev/stderr crit; events {{}}
        http {{ access_log off; server_tokens off; {temporary(folder)}
            server {{ listen 127.0.0.1:{port} ssl;
                ssl_certificate {pem}; ssl_certificate_key {pem};
                client_max_body_size 1m;
                error_page 497 =301 https://$host:{port}$request_uri;
                error_page 500 502 503 504 =503 /front/away.html;
                error_page 413 /front/413.html;
                location ^~ /front/ {{
                    root {ROOT / "tools"}; types {{ text/html html; text/css css; }} charset utf-8; }}
                location / {{
                    proxy_pass http://127.0.0.1:{front}; proxy_bind {NEAR}; proxy_set_header Host $http_host;
                    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    proxy_set_header X-Forwarded-Proto https; }} }} }}"""


@dataclass(frozen=True)
class Place:
    portal: Portal
    outer: int
    tls: ssl.SSLContext

    def person(self) -> Person:
        """A browser that trusts the authority of this test alone."""
        person = Person(f"https://127.0.0.1:{self.outer}", self.portal.home)
        trusting = urllib.request.HTTPSHandler(context=self.tls)
        trusting.handler_order = 100  # before the one that is there
        person._opener.add_handler(trusting)
        return person

    def ask(self, method: str, path: str, body: Any = None, *, plain: bool = False) -> tuple[int, str, Any]:
        kind = http.client.HTTPConnection if plain else http.client.HTTPSConnection
        more = {} if plain else {"context": self.tls}
        link = kind("127.0.0.1", self.outer, timeout=30, **more)
        try:
            link.request(method, path, body)
            answer = link.getresponse()
            return answer.status, answer.read().decode(), answer.headers
        finally:
            link.close()


@pytest.fixture(scope="module")
def place(new_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    for name in ("nginx", "openssl"):
        peer_programs.need(name)
    folder = tmp_path_factory.mktemp("tls")
    authority = certificates.make(folder, "authority")
    pem = certificates.issue(folder, authority, "outer", "IP:127.0.0.1")
    shutil.copytree(new_home, folder / "home")
    outer, front = free_port(), free_port()
    assert trust(folder / "trust", NEAR).returncode == 0
    with live.run(folder / "home", env=HTTPS) as portal:
        portal.until_ready()
        with nginx(folder, "front", front_conf(folder, front, portal.port), front):
            (folder / "outer").mkdir()
            with nginx(folder, "outer", outer_conf(folder / "outer", outer, front, pem), outer):
                yield Place(portal, outer, ssl.create_default_context(cafile=authority))


def test_a_citizen_registers_and_signs_in(place: Place) -> None:
    person, citizen = place.person(), live.demo("matches")
    register(person, citizen)
    until(lambda: place.portal.home.results(citizen.mobile), what="the result")
    sign_in(person, citizen)
    assert person.page.url.startswith("https://")
    _status, _page, headers = place.ask("GET", "/portal/registration")
    assert "max-age=" in headers["Strict-Transport-Security"]
    assert all("Secure" in cookie and cookie.startswith("__Host-") for cookie in headers.get_all("Set-Cookie", []))


def test_who_comes_by_plain_http_to_the_port_of_tls_is_led_on(place: Place) -> None:
    status, _page, headers = place.ask("GET", "/portal/registration", plain=True)
    assert (status, headers["Location"]) == (301, f"https://127.0.0.1:{place.outer}/portal/registration")


def test_the_proxys_own_answers_are_in_persian_too(place: Place) -> None:
    status, page, _headers = place.ask("POST", "/portal/registration", b"a" * 2_000_000)
    assert (status, "گنجایش" in text_of(page)) == (413, True)


def test_a_web_that_is_killed_is_a_page_in_persian_and_then_it_is_back(place: Place) -> None:
    os.killpg(place.portal.pid_of("web"), signal.SIGKILL)
    seen = set()

    def is_back() -> bool:
        status, page, _headers = place.ask("GET", "/portal/registration")
        seen.add(status)
        assert status == 200 or "پرتال اکنون در دسترس نیست" in text_of(page), (status, page)
        return status == 200

    wait_for(is_back)
    assert seen <= {200, 503}
