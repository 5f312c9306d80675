"""Who a citizen is behind the front: tools/front.nginx.conf in a real nginx before a real gunicorn.

On the loopback an address is what a socket is bound to: a proxy that the front trusts is 127.0.1.1 or 127.0.2.2,
everybody else is a stranger.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.fronts import NGINX, front_conf, nginx, serving, temporary, trust
from tests.support.live import free_port
from tests.support.paths import ROOT
from tests.support.registry_stubs import certificates

pytestmark = [pytest.mark.faults, pytest.mark.skipif(NGINX is None, reason="needs nginx")]
NEAR, FAR, STRANGER, CITIZEN = "127.0.1.1", "127.0.2.2", "127.0.0.9", "127.0.7.7"
Headers = list[tuple[str, str]]


def outer_conf(folder: Path, port: int, front: int) -> str:
    """A TLS proxy as people have it: it adds who came to what it was told."""
    pem = certificates.make(folder, "outer")
    return f"""
        pid {folder}/outer.pid; error_log /dev/stderr crit; events {{}}
        http {{ access_log off; {temporary(folder)}
            server {{ listen 127.0.0.1:{port} ssl; listen [::1]:{port} ssl;
                ssl_certificate {pem}; ssl_certificate_key {pem};
                location / {{
                    proxy_pass http://127.0.0.1:{front}; proxy_bind {NEAR}; proxy_set_header Host $http_host;
                    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                    proxy_set_header X-Forwarded-Proto https; }} }} }}"""


class Place:
    """The ports of the outer proxy, the front and the portal."""

    def __init__(self) -> None:
        self.outer, self.front, self.web = free_port(), free_port(), free_port()

    def front_said(self, source: str, headers: Headers | None = None) -> dict[str, Any]:
        return said(http.client.HTTPConnection("127.0.0.1", self.front, source_address=(source, 0)), headers)

    def outer_said(self, source: str, headers: Headers | None = None) -> dict[str, Any]:
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        host = "::1" if source == "::1" else "127.0.0.1"
        return said(http.client.HTTPSConnection(host, self.outer, context=tls, source_address=(source, 0)), headers)

    def portal_said(self, source: str, headers: Headers | None = None) -> dict[str, Any]:
        return said(http.client.HTTPConnection("127.0.0.1", self.web, source_address=(source, 0)), headers)


def said(connection: http.client.HTTPConnection, headers: Headers | None) -> dict[str, Any]:
    with contextlib.closing(connection):
        connection.putrequest("GET", "/believed", skip_host=True)
        for name, value in [("Host", "portal.example"), *(headers or [])]:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        found: dict[str, Any] = json.loads(body)
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder, place = tmp_path_factory.mktemp("front"), Place()
    assert trust(folder / "trust", f"{NEAR},{FAR}/32,fd00:1::/64").returncode == 0
    gunicorn = folder / "gunicorn.conf.py"  # ours, without the look at a database
    gunicorn.write_text((ROOT / "gunicorn.conf.py").read_text() + "\ndel on_starting\n")
    env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "tests.support.front_settings"}
    env |= {"BIND": f"127.0.0.1:{place.web}", "WEB_WORKERS": "1"}
    front, outer = front_conf(folder, place.front, place.web), outer_conf(folder, place.outer, place.front)
    with (
        serving([sys.executable, "-m", "gunicorn", "-c", str(gunicorn)], place.web, env),
        nginx(folder, "front", front, place.front),
        nginx(folder, "outer", outer, place.outer),
    ):
        yield place


def test_who_comes_directly_has_the_own_address(place: Place) -> None:
    expected = {"address": STRANGER, "told": STRANGER, "secure": False, "host": "portal.example"}
    assert place.front_said(STRANGER) == expected


@pytest.mark.parametrize(
    "forged",
    [
        [("X-Forwarded-For", "198.51.100.1")],
        [("X-Forwarded-For", f"198.51.100.1, {NEAR}")],
        [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "127.0.0.1")],
        [("X-Real-IP", "198.51.100.1"), ("Forwarded", "for=198.51.100.1;proto=https")],
        [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https")],
        [("X-Forwarded-Proto", "https"), ("X-Forwarded-SSL", "on"), ("X-Forwarded-Protocol", "ssl")],
    ],
)
def test_who_comes_directly_chooses_neither_an_address_nor_https(place: Place, forged: Headers) -> None:
    for ask in (place.front_said, place.portal_said):
        found = ask(STRANGER, forged)
        assert (found["address"], found["secure"]) == (STRANGER, False)


def test_behind_the_tls_proxy_each_citizen_has_the_own_address(place: Place) -> None:
    for citizen in (CITIZEN, "127.0.7.8"):
        found = place.outer_said(citizen)
        assert (found["address"], found["secure"]) == (citizen, True)


@pytest.mark.parametrize("forged", ["198.51.100.1", f"198.51.100.1, {NEAR}, {FAR}", "rubbish", ""])
def test_behind_the_tls_proxy_a_forged_header_changes_nothing(place: Place, forged: str) -> None:
    found = place.outer_said(CITIZEN, [("X-Forwarded-For", forged), ("X-Forwarded-Proto", "http")])
    assert (found["address"], found["secure"]) == (CITIZEN, True)


def test_a_citizen_with_ipv6_is_the_own_network(place: Place) -> None:
    assert place.outer_said("::1")["address"] == "::/64"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("198.51.100.4", "198.51.100.4"),
        ("198.51.100.4:4711", "198.51.100.4"),
        ("[2001:db8:1:2::9]:4711", "2001:db8:1:2::/64"),
        (f"203.0.113.6, 198.51.100.4, {FAR}", "198.51.100.4"),  # two proxies of ours
        (f"203.0.113.6, 198.51.100.4, {FAR}, {NEAR}", "198.51.100.4"),
        ("203.0.113.6, 198.51.100.4, fd00:1::7", "198.51.100.4"),
        ("203.0.113.6, 10.9.9.9", "10.9.9.9"),  # a colleague within the organisation
        (f"203.0.113.6, 198.51.100.4, {STRANGER}", STRANGER),  # one that is not ours
    ],
)
def test_several_hops_are_gone_back_to_the_first_that_nobody_trusts(place: Place, forwarded: str, address: str) -> None:
    assert place.front_said(NEAR, [("X-Forwarded-For", forwarded)])["address"] == address


def test_the_portal_is_told_one_address_and_nothing_that_was_claimed(place: Place) -> None:
    claimed = [("X-Forwarded-For", f"203.0.113.6, 198.51.100.4, {FAR}")]
    assert place.front_said(NEAR, claimed)["told"] == "198.51.100.4"
    assert place.front_said(STRANGER, claimed)["told"] == STRANGER
    assert place.outer_said(CITIZEN, claimed)["told"] == CITIZEN


def test_https_is_what_a_trusted_proxy_says(place: Place) -> None:
    assert place.front_said(NEAR, [("X-Forwarded-Proto", "https")])["secure"]
    assert not place.front_said(NEAR, [("X-Forwarded-Proto", "http")])["secure"]
    assert not place.front_said(NEAR)["secure"]


def test_a_front_that_was_not_told_whom_to_trust_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "front.conf").write_text(front_conf(tmp_path, free_port(), free_port()))
    command = [str(NGINX), "-t", "-p", str(tmp_path), "-e", "stderr", "-c", str(tmp_path / "front.conf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode != 0
    assert "real-ip.conf" in done.stderr


@pytest.mark.parametrize("networks", ["proxy.example", "10.0.0.1; allow all", "10.0.0.1,$host"])
def test_a_front_is_told_networks_and_nothing_else(tmp_path: Path, networks: str) -> None:
    done = trust(tmp_path, networks)
    assert done.returncode == 1
    assert "FRONT_TRUSTED_PROXIES" in done.stderr
