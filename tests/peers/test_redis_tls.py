"""Redis with TLS and ACL: the journey goes through it, and a Redis that cannot prove who it is gets nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from common import broker, hints
from common.redis_url import completed
from tamin_portal.celery import app
from tests.peers.redis_tls import Server, redis_tls
from tests.support.live import demo, register, run, sign_in, somebody, until
from tests.support.registry_stubs import certificates

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with redis_tls(tmp_path_factory.mktemp("tls")) as started:
        yield started


def fault_of(url: str, monkeypatch: pytest.MonkeyPatch, *, ca: Path | str = "") -> str:
    """What the portal says of this REDIS_URL and REDIS_CA."""
    monkeypatch.setattr(app.conf, "broker_write_url", completed(url, ca=str(ca)))
    broker.forget()
    return broker.fault()


def test_its_own_authority_is_taken(server, monkeypatch):
    assert fault_of(server.url(), monkeypatch, ca=server.ca) == ""
    assert fault_of(f"{server.url()}?ssl_ca_certs={server.ca}", monkeypatch) == ""


def test_an_unknown_certificate_is_not(server, monkeypatch, tmp_path):
    """A URL that says nothing about it took any."""
    assert fault_of(server.url(), monkeypatch) == "SSLCertVerificationError"
    assert fault_of(server.url(), monkeypatch, ca=certificates.make(tmp_path, "stranger")) == "SSLCertVerificationError"


def test_nor_one_for_another_host(monkeypatch, tmp_path):
    with redis_tls(tmp_path, place="DNS:redis.example.org") as other:
        assert fault_of(other.url(), monkeypatch, ca=other.ca)
        by_name = f"{other.url()}?ssl_check_hostname=false"
        assert fault_of(by_name, monkeypatch, ca=other.ca) == ""  # what a check refuses, unless it is allowed by name


@pytest.mark.parametrize("changes", [{"word": "wrong"}, {"scheme": "redis"}])
def test_a_wrong_password_or_no_tls_is_a_reason_without_the_password(server, monkeypatch, caplog, changes):
    said = fault_of(server.url(**changes), monkeypatch, ca=server.ca)
    assert said
    assert "w%" not in said + caplog.text
    assert "wrong" not in said + caplog.text


def test_a_hint_is_taken(server, monkeypatch, real_hints, caplog):
    monkeypatch.setattr(app.conf, "broker_write_url", completed(server.url(), ca=str(server.ca)))
    monkeypatch.setattr(app, "_pool", None)
    hints._publish("sms.drain")
    assert caplog.text == ""


def test_a_citizen_registers_over_it(server, new_home, tmp_path):
    shutil.copytree(new_home, tmp_path / "home")
    with run(tmp_path / "home", env={"REDIS_URL": server.url(), "REDIS_CA": str(server.ca)}) as portal:
        portal.until_ready()
        person, citizen = portal.person(), demo("matches")
        assert portal.person().go("/readyz").text == "ready"
        register(person, citizen)
        until(lambda: portal.home.results(citizen.mobile), what="the result")
        sign_in(person, citizen)
        for name in ("worker-sms", "worker-identity", "worker-receipts"):
            assert "ready." in portal.log(name), portal.log(name)
        for name in ("web", "worker-sms", "worker-identity", "worker-receipts", "beat"):
            for fault in ("NOPERM", "not published", "Cannot connect", "Defaulting to insecure"):
                assert fault not in portal.log(name), portal.log(name)


def test_a_citizen_registers_although_its_certificate_is_nobodys(server, new_home, tmp_path):
    """Then there are no hints, and the workers look by themselves."""
    shutil.copytree(new_home, tmp_path / "home")
    with run(tmp_path / "home", env={"REDIS_URL": server.url()}) as portal:
        portal.until_ready()
        person, citizen = portal.person(), somebody(3101)
        register(person, citizen)
        until(lambda: portal.home.results(citizen.mobile), what="the result")
        assert "degraded: redis" in portal.person().go("/readyz").text
