"""An SMPP peer that stops answering: what is sent after a time-out never goes the way that may have swallowed it."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from sms import routing
from sms.gateways import smpp_session
from sms.gateways.base import Accepted, TryAgain, Unknown
from sms.gateways.smpp_session import Session
from sms.models import MessageKind, MessageState
from sms.sending import drain
from tests.support.raw_smsc import BIND, ENQUIRE, RESPONSE, SUBMIT, UNBIND, Pdu, RawSmsc, accepted, pdu
from tests.support.smpp_binds import an_sms, bound
from tests.support.sms_fixtures import make_due, queue, until

pytestmark = pytest.mark.usefixtures("smpp_patience", "hurry")
PATIENCE = 0.5


@pytest.fixture
def hurry(monkeypatch):
    monkeypatch.setattr(smpp_session, "DOUBT_WITHIN", 0.3)


@pytest.fixture
def gateway(smsc):
    with bound(smsc.port) as one:
        yield one


def hang(smsc: RawSmsc, *, deaf: bool) -> None:
    """The first connection swallows submits; `deaf`: and everything else."""
    smsc.answers[SUBMIT] = lambda request: b"" if request.connection == 1 else accepted(request)
    if deaf:
        smsc.answers[ENQUIRE] = lambda request: (
            b"" if request.connection == 1 else pdu(ENQUIRE | RESPONSE, request.sequence)
        )


def test_after_a_time_out_the_peer_is_asked_and_a_dead_link_gets_nothing_more(smsc, gateway):
    hang(smsc, deaf=True)
    assert gateway.send(an_sms()) == Unknown("time-out")
    assert gateway.send(an_sms()) == Accepted(provider_ids=("7",))
    assert [each.connection for each in smsc.of(SUBMIT)] == [1, 2]
    assert [each.connection for each in smsc.of(ENQUIRE)] == [1]


def test_a_link_that_lives_is_used_for_other_messages_but_never_for_the_one_in_doubt(smsc, gateway):
    hang(smsc, deaf=False)
    doubtful, other = an_sms(), an_sms()
    assert gateway.send(doubtful) == Unknown("time-out")
    assert gateway.send(other) == Unknown("time-out")
    assert [each.connection for each in smsc.of(SUBMIT)] == [1, 1]
    assert gateway.send(doubtful) == Accepted(provider_ids=("7",))
    assert gateway.send(other) == Accepted(provider_ids=("7",))
    assert [each.connection for each in smsc.of(SUBMIT)] == [1, 1, 2, 2]
    assert [each.connection for each in smsc.of(UNBIND)] == [1]  # the first one was unbound


def test_two_threads_that_end_one_connection_unbind_once(smsc, gateway, monkeypatch):
    gateway.send(an_sms())
    session, send, close, both = gateway._session, Session._send, Session.close, threading.Barrier(2, timeout=5)
    sent: list[str] = []

    def sends(self: Session, command: str, *rest: object) -> int:
        sent.append(command)
        return send(self, command, *rest)

    def closes_when_both_have_come(self: Session) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.3)
        close(self)

    monkeypatch.setattr(Session, "_send", sends)
    monkeypatch.setattr(Session, "close", closes_when_both_have_come)
    threads = [threading.Thread(target=session.unbind) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent == ["unbind"]


def test_what_others_asked_over_the_old_link_is_still_answered(smsc, gateway, monkeypatch):
    monkeypatch.setattr(smpp_session, "ANSWER_WITHIN", 0.3)
    doubtful = an_sms()
    smsc.answers[SUBMIT] = lambda request: b""
    assert gateway.send(doubtful) == Unknown("time-out")
    monkeypatch.setattr(smpp_session, "ANSWER_WITHIN", 10)
    said: list[object] = []
    thread = threading.Thread(target=lambda: said.append(gateway.send(an_sms())))
    thread.start()
    smsc.until(lambda: len(smsc.of(SUBMIT)) == 2)
    smsc.answers[SUBMIT] = accepted
    assert gateway.send(doubtful) == Accepted(provider_ids=("7",))
    assert [each.connection for each in smsc.of(SUBMIT)] == [1, 1, 2]
    smsc.push(accepted(smsc.of(SUBMIT)[1], b"8\0"), connection=1)
    thread.join(5)
    assert said == [Accepted(provider_ids=("8",))]
    smsc.until(lambda: smsc.of(6))
    assert [each.connection for each in smsc.of(6)] == [1]


@pytest.mark.faults
def test_where_there_is_one_bind_alone_a_second_one_is_refused_and_that_is_no_fault_of_the_account(smsc, gateway):
    def bind(request: Pdu) -> bytes:
        return pdu(BIND | RESPONSE, request.sequence, b"smsc\0", status=0 if request.connection == 1 else 13)

    smsc.answers[BIND] = bind
    smsc.answers[SUBMIT] = lambda request: b""
    doubtful = an_sms()
    assert gateway.send(doubtful) == Unknown("time-out")
    smpp_session.ANSWER_WITHIN = 10  # put back by the fixture
    thread = threading.Thread(target=lambda: gateway.send(an_sms()))
    thread.start()
    smsc.until(lambda: len(smsc.of(SUBMIT)) == 2)
    assert gateway.send(doubtful) == TryAgain.this_message("bind status 13")
    smsc.push(accepted(smsc.of(SUBMIT)[1]), connection=1)
    thread.join(5)


def test_under_traffic_the_one_bind_is_replaced_and_what_was_in_doubt_is_sent(smsc, gateway):
    """The link lives, and the SMSC takes one bind at a time: the old one ends before the new one begins."""

    ended: set[int] = set()  # unbound, or never bound

    def bind(request: Pdu) -> bytes:
        ended.update(each.connection for each in smsc.of(UNBIND))
        if ended.issuperset(range(1, request.connection)):
            return pdu(BIND | RESPONSE, request.sequence, b"smsc\0")
        ended.add(request.connection)
        return pdu(BIND | RESPONSE, request.sequence, b"smsc\0", status=13)

    smsc.answers[BIND] = bind
    smsc.answers[SUBMIT] = lambda request: b""
    doubtful = an_sms()
    assert gateway.send(doubtful) == Unknown("time-out")
    smsc.answers[SUBMIT] = accepted
    said: list[object] = []
    over = threading.Event()

    def go_on_sending() -> None:
        while not over.is_set():
            said.append(gateway.send(an_sms()))

    threads = [threading.Thread(target=go_on_sending) for _ in range(4)]
    for thread in threads:
        thread.start()
    smsc.until(lambda: len(said) > 20)
    assert gateway.send(doubtful) == Accepted(provider_ids=("7",))
    before = len(said)
    smsc.until(lambda: len(said) > before + 20)
    over.set()
    for thread in threads:
        thread.join(5)
    assert set(said) == {Accepted(provider_ids=("7",))}
    assert {each.connection for each in smsc.of(SUBMIT)[-10:]} == {smsc.of(BIND)[-1].connection}


def test_while_a_link_is_asked_for_a_sign_of_life_messages_wait_for_it(smsc, gateway, monkeypatch):
    monkeypatch.setattr(smpp_session, "ENQUIRE_EVERY", 0.2)
    monkeypatch.setattr(smpp_session, "ENQUIRE_WITHIN", 0.6)
    smsc.answers[ENQUIRE] = lambda request: b""
    gateway.stay_connected()
    smsc.until(lambda: smsc.of(ENQUIRE))
    assert gateway.send(an_sms()) == Accepted(provider_ids=("7",))
    assert [each.connection for each in smsc.of(SUBMIT)] == [2]


@pytest.mark.django_db(transaction=True)
def test_a_hung_peer_costs_a_result_nothing_and_a_code_goes_anew_by_a_link_that_works(smsc, settings):
    hang(smsc, deaf=True)
    settings.SMS_GATEWAYS = ["op"]
    settings.SMS_ENVIRONMENT = {
        "SMS_OP_KIND": "smpp", "SMS_OP_HOST": "127.0.0.1", "SMS_OP_PORT": str(smsc.port),
        "SMS_OP_SYSTEM_ID": "u", "SMS_OP_PASSWORD": "pw", "SMS_OP_SENDER": "1000",
    }  # fmt: skip
    code, result = queue(MessageKind.CODE), queue()
    drain.drain()
    for message in (code, result):
        message.refresh_from_db()
        assert message.state == MessageState.UNKNOWN
    assert code.final_at is not None
    assert result.final_at is None
    make_due(result)
    again = queue(MessageKind.CODE)  # its owner pressed the button
    drain.drain()
    for message, state in ((code, "unknown"), (result, "accepted"), (again, "accepted")):
        message.refresh_from_db()
        assert message.state == state
    assert sorted(each.connection for each in smsc.of(SUBMIT)) == [1, 1, 2, 2]
    routing._built.pop("op").close()


def test_a_wait_for_a_sign_of_life_ends_when_the_link_does(smsc, gateway):
    hang(smsc, deaf=True)
    began = time.monotonic()
    gateway.send(an_sms())
    session = gateway._session
    smsc._connections[0].close()
    until(lambda: not session.is_sound(), 5)
    assert time.monotonic() - began < 5
