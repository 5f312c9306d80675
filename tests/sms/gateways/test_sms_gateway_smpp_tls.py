"""SMPP over TLS against a real SMSC: who it is is proven before a word is said, and it is never gone on without."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

import pytest

from sms.gateways.base import Accepted, PushedReceipt, Sms, TryAgain
from sms.gateways.smpp import SmppGateway
from tests.support.registry_stubs import certificates
from tests.support.smpp_binds import LONG, an_sms, bound
from tests.support.sms_stubs.smpp import SmppPeer, smpp_peer

pytestmark = pytest.mark.usefixtures("smpp_patience")
PATIENCE = 2.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Path:
    return certificates.make(folder, "authority")


@pytest.fixture(scope="module")
def certificate(folder: Path, authority: Path) -> Path:
    return certificates.issue(folder, authority, "smsc", "IP:127.0.0.1")


def test_a_long_text_goes_and_its_receipts_come(authority, certificate):
    kept: list[PushedReceipt] = []
    with smpp_peer(tls=certificate, receipts="once") as peer, bound(peer, TLS="on", CA=str(authority)) as gateway:
        gateway.on_receipts = lambda name, pushed: kept.extend(pushed)
        outcome = gateway.send(an_sms(LONG))
        rows = peer.submitted(4)
        peer.until(lambda: len(kept) == 8 and len(peer.of("acknowledged")) == 8)
    assert outcome == Accepted(provider_ids=("m1", "m2", "m3", "m4"))
    assert "".join(row["text"] for row in rows) == LONG


def test_many_messages_share_the_bind_while_receipts_come_the_other_way(authority, certificate):
    """One thread reads and others write at the same time: nothing of it may be mixed up."""
    kept: list[PushedReceipt] = []
    outcomes: list[object] = []
    own = {"TLS": "on", "CA": str(authority), "WINDOW": "20"}
    with smpp_peer(tls=certificate, receipts="three") as peer, bound(peer, **own) as gateway:
        gateway.on_receipts = lambda name, pushed: kept.extend(pushed)

        def send() -> None:
            outcomes.extend(gateway.send(an_sms()) for _ in range(25))

        threads = [threading.Thread(target=send) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        peer.until(lambda: len(peer.of("acknowledged")) == 500 * 6, 60)
        assert len(peer.of("bound")) == 1
    assert {type(outcome) for outcome in outcomes} == {Accepted}
    assert len({outcome.provider_ids for outcome in outcomes}) == 500
    assert len(kept) == 500 * 6


def refused(peer: SmppPeer, **options: str) -> None:
    """It is certainly not sent, and the other side got to know neither password nor text."""
    with bound(peer, **options) as gateway:
        assert gateway.send(an_sms()) == TryAgain("tls")
        peer.until(lambda: peer.of("refused") or peer.of("closed"))
    assert peer.of("bound") == peer.of("submitted") == []


def test_a_certificate_of_another_host_is_refused(folder, authority):
    other = certificates.issue(folder, authority, "other", "DNS:smsc.example")
    with smpp_peer(tls=other) as peer:
        refused(peer, TLS="on", CA=str(authority))


def test_a_right_certificate_under_another_name_is_refused(authority, certificate):
    with smpp_peer(tls=certificate) as peer:
        refused(peer, TLS="on", CA=str(authority), HOST="localhost")


def test_an_authority_that_nobody_knows_is_refused(folder, certificate):
    with smpp_peer(tls=certificate) as peer:
        refused(peer, TLS="on")  # the system's own
        refused(peer, TLS="on", CA=str(certificates.make(folder, "stranger")))


def test_one_that_speaks_no_tls_gets_nothing(authority):
    with smpp_peer() as peer, bound(peer, TLS="on", CA=str(authority)) as gateway:
        outcome = gateway.send(an_sms())
        assert isinstance(outcome, TryAgain)
    assert peer.of("bound") == peer.of("submitted") == []


def test_without_tls_one_that_wants_it_gets_nothing(certificate):
    with smpp_peer(tls=certificate) as peer, bound(peer) as gateway:
        assert isinstance(gateway.send(an_sms()), TryAgain)
    assert peer.of("bound") == peer.of("submitted") == []


def test_a_connection_that_ends_is_made_anew(authority, certificate):
    with smpp_peer(tls=certificate, behaviour="drop") as peer, bound(peer, TLS="on", CA=str(authority)) as gateway:
        assert not isinstance(gateway.send(an_sms()), Accepted)
        peer.until(lambda: peer.of("closed"))
        peer.behave("ok")
        assert isinstance(gateway.send(an_sms()), Accepted)
        assert len(peer.of("bound")) == 2


def test_an_answer_that_never_comes_holds_up_no_other(authority, certificate):
    sms = Sms(key=uuid.uuid4(), to="+989121234567", text="کد", kind="code")
    with (
        smpp_peer(tls=certificate, behaviour="hang-taken") as peer,
        bound(peer, TLS="on", CA=str(authority)) as gateway,
    ):
        waits = threading.Thread(target=gateway.send, args=(an_sms(),))
        waits.start()
        peer.submitted(1)
        peer.behave("ok")
        assert isinstance(gateway.send(sms), Accepted)
        waits.join(10)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"TLS": "yes"}, "TLS is on or off"),
        ({"CA": "/etc/ca.pem"}, "CA goes with TLS=on"),
        ({"TLS": "on", "CA": "/nowhere/ca.pem"}, "CA is no file with certificates"),
        ({"TLS": "on", "CA": __file__}, "CA is no file with certificates"),
    ],
)
def test_a_mistake_in_the_settings_is_told(wrong, said):
    given = {"HOST": "127.0.0.1", "PORT": "3550", "SYSTEM_ID": "u", "PASSWORD": "pw", "SENDER": "1000"}
    with pytest.raises(ValueError, match=said):
        SmppGateway(name="op", options=given | wrong)
