"""An SMSC takes so many binds from all workers together: who has one works for all, and who has none says nothing about
the account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from common import alarms
from common.models import Breaker
from sms import binds, configuration, manual_actions, outbox, routing, seen
from sms.binds import Holder
from sms.gateways import smpp_session
from sms.gateways.base import Accepted, OutOfOrder, TryAgain
from sms.gateways.smpp import SmppGateway
from sms.models import Bind, Message, MessageKind, MessageState, SeenHow
from sms.sending import drain, resident
from tests.support.raw_smsc import BIND, ENQUIRE, RESPONSE, SUBMIT, UNBIND, Pdu, RawSmsc, accepted, pdu
from tests.support.smpp_binds import an_sms
from tests.support.sms_fixtures import NUMBER, make_due, queue, states
from tests.support.sms_gateways import StubGateway
from tests.support.sms_stubs.smpp import SmppPeer, smpp_peer

PATIENCE = 4.0  # seconds; one is too short on a machine that is busy with other tests
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("smpp_patience")]


class Worker:
    """One worker process: what it holds, and its own connection."""

    def __init__(self, peer: SmppPeer | RawSmsc | None = None, **options: str) -> None:
        self.holder = Holder()
        given = {"HOST": "127.0.0.1", "PORT": str(peer.port if peer else 1), "SYSTEM_ID": "u", "PASSWORD": "pw"}
        self.gateway = SmppGateway(name="op", options={**given, "SENDER": "1000", **options})

    def drains(self, monkeypatch: pytest.MonkeyPatch, *, seconds: float = 50) -> int:
        monkeypatch.setitem(routing._built, "op", self.gateway)
        monkeypatch.setattr(binds, "_process", (binds.os.getpid(), self.holder))
        return drain.drain(seconds=seconds)

    def may_look_again(self) -> None:
        self.holder._next_try.clear()


@pytest.fixture
def two(settings) -> Iterator[object]:
    """Two workers at an SMSC that takes one bind."""
    settings.SMS_GATEWAYS = ["op"]
    workers: list[Worker] = []

    @contextmanager
    def at(**options: str) -> Iterator[tuple[Worker, Worker, SmppPeer]]:
        with smpp_peer(binds=1) as peer:
            workers.extend(Worker(peer, **options) for _ in range(2))
            yield workers[0], workers[1], peer
            for worker in workers:
                worker.gateway.close()

    return at


def nothing_is_out_of_order() -> bool:
    return not Breaker.objects.filter(open_until__isnull=False).exists() and alarms.standing("sms") == []


def die(worker: Worker) -> None:
    """Its leases lapse."""
    Bind.objects.filter(holder=worker.holder.holder).update(until=timezone.now() - timedelta(seconds=1))


# ── An SMSC that takes one bind


def test_the_worker_that_has_the_bind_works_for_both(two, monkeypatch):
    with two() as (first, second, peer):
        queue(MessageKind.CODE)
        first.drains(monkeypatch)
        for _ in range(5):
            queue(MessageKind.CODE)
            assert second.drains(monkeypatch) == 0
        assert states() == {MessageState.ACCEPTED: 1, MessageState.QUEUED: 5}
        first.drains(monkeypatch)
        assert states() == {MessageState.ACCEPTED: 6}
        assert [each["status"] for each in peer.of("bound")] == [0]
    assert nothing_is_out_of_order()


def test_a_bind_that_is_refused_beside_another_is_none_and_no_fault(two, monkeypatch):
    """The setting says two, the contract one."""
    with two(BINDS="2") as (first, second, peer):
        queue(MessageKind.CODE)
        first.drains(monkeypatch)
        code = queue(MessageKind.CODE)
        second.drains(monkeypatch)
        code.refresh_from_db()
        assert (code.state, code.attempts, code.lease) == (MessageState.QUEUED, 0, None)
        assert nothing_is_out_of_order()
        first.drains(monkeypatch)
        assert states() == {MessageState.ACCEPTED: 2}
        refused = len(peer.of("bound"))
        queue(MessageKind.CODE)
        second.drains(monkeypatch)  # it does not try again at once
        assert len(peer.of("bound")) == refused
    assert Bind.objects.filter(until__gt=timezone.now()).count() == 1


@pytest.mark.faults
def test_another_worker_takes_the_bind_of_one_that_died(two, monkeypatch):
    with two() as (first, second, peer):
        queue(MessageKind.CODE)
        first.drains(monkeypatch)
        die(first)
        code = queue(MessageKind.CODE)
        second.drains(monkeypatch, seconds=1)  # the SMSC has not noticed the death
        code.refresh_from_db()
        assert code.state == MessageState.QUEUED
        assert nothing_is_out_of_order()
        first.gateway.close()
        peer.until(lambda: peer.of("closed"))
        make_due(code)
        second.drains(monkeypatch)
        assert states() == {MessageState.ACCEPTED: 2}


def test_a_worker_that_ends_hands_its_bind_over_at_once(two, monkeypatch):
    with two() as (first, second, peer):
        queue(MessageKind.CODE)
        first.drains(monkeypatch)
        first.holder.release("op")
        peer.until(lambda: len(peer.of("closed")) == 1)
        queue(MessageKind.CODE)
        second.drains(monkeypatch)
    assert states() == {MessageState.ACCEPTED: 2}


def test_a_worker_whose_lease_another_has_closes_its_connection(two, monkeypatch):
    """It was stopped for longer than the lease."""
    with two() as (first, second, peer):
        queue(MessageKind.CODE)
        first.drains(monkeypatch)
        die(first)
        assert second.holder.has(second.gateway)
        first.holder.renew()
        peer.until(lambda: len(peer.of("closed")) == 1)
        assert not first.holder.has(first.gateway)


def test_an_account_that_may_not_bind_at_all_is_out_of_order(settings, monkeypatch):
    settings.SMS_GATEWAYS = ["op"]
    with smpp_peer(behaviour="bind-fails") as peer:
        worker = Worker(peer)
        queue()
        worker.drains(monkeypatch)
        worker.gateway.close()
    assert [alarm.subject for alarm in alarms.standing("sms")] == ["op"]


def test_what_may_not_wait_for_the_bind_goes_by_the_gateways_that_need_none(two, monkeypatch, settings):
    """A worker without a bind sends what goes by other gateways, and leaves the rest to the one that has it."""
    with two() as (first, second, _peer):
        assert first.holder.has(first.gateway)
        settings.SMS_GATEWAYS, settings.SMS_ROUTES = ["op", "box"], "mci:op,box;*:box,op"
        box = StubGateway("box")
        monkeypatch.setitem(routing._built, "box", box)
        by_bind, by_box = queue(MessageKind.CODE, operator="mci"), queue(MessageKind.CODE, operator="mtn")
        second.drains(monkeypatch)
        assert [sms.key for sms in box.sent] == [by_box.key]
        first.drains(monkeypatch)
        by_bind.refresh_from_db()
        assert (by_bind.state, by_bind.gateway) == (MessageState.ACCEPTED, "op")


def test_a_worker_that_has_the_bind_needs_no_hint(two, monkeypatch):
    with two() as (first, _second, _peer):
        first.drains(monkeypatch)
        monkeypatch.setattr(outbox, "hint", lambda task: None)
        queue(MessageKind.CODE)
        assert resident.look()
    assert states() == {MessageState.ACCEPTED: 1}


def test_a_gateway_that_nobody_has_seen_is_not_bound_so_that_it_can_be_tested(two, settings, monkeypatch):
    settings.DEMO, settings.SMS_ENVIRONMENT = False, {"SMS_OP_KIND": "smpp"}
    with two() as (first, second, peer):
        code = queue(MessageKind.CODE)
        first.drains(monkeypatch)
        assert (peer.of("bound"), Bind.objects.count()) == ([], 0)
        code.refresh_from_db()
        assert (code.state, code.lease) == (MessageState.QUEUED, None)  # it was looked after all the same
        monkeypatch.setitem(routing._built, "op", second.gateway)
        _message, outcome = manual_actions.send_test(to=NUMBER, gateway="op")
        assert isinstance(outcome, Accepted)
        second.gateway.close()
        peer.until(lambda: peer.of("closed"))
        seen.record("op", SeenHow.CONFIRMED, by="Ali")
        make_due(code)
        first.drains(monkeypatch)
        code.refresh_from_db()
        assert code.state == MessageState.ACCEPTED


def test_looking_for_all_begins_with_the_bind(monkeypatch):
    began: list[bool] = []
    monkeypatch.setattr(binds, "on_taken", [lambda: began.append(True)])
    assert binds.has(StubGateway("box"))
    assert began == []
    assert binds.has(Worker().gateway)
    assert began == [True]


def refused(request: Pdu) -> bytes:
    return pdu(BIND | RESPONSE, request.sequence, status=13)


@pytest.mark.faults
def test_a_bind_that_our_own_dead_link_still_holds_is_no_fault_of_the_account(smsc, settings, monkeypatch):
    """A firewall has dropped the link without a word; the SMSC has not noticed and counts it."""
    settings.SMS_GATEWAYS = ["op"]
    monkeypatch.setattr(smpp_session, "DOUBT_WITHIN", 0.3)
    monkeypatch.setattr(binds.limits, "SMS_BIND_AGAIN", timedelta(seconds=0.5))
    worker, binding = Worker(smsc), smsc.answers[BIND]
    queue(MessageKind.CODE)
    worker.drains(monkeypatch)  # it works
    smsc.answers |= {SUBMIT: lambda request: b"", ENQUIRE: lambda request: b"", BIND: refused}
    queue(MessageKind.CODE)
    worker.drains(monkeypatch)  # in doubt
    code = queue(MessageKind.CODE)
    drain.drain(seconds=2)
    assert nothing_is_out_of_order()
    assert 2 <= len(smsc.of(BIND)) <= 7  # every half second
    smsc.answers |= {SUBMIT: accepted, BIND: binding}  # the SMSC has noticed
    worker.drains(monkeypatch)
    code.refresh_from_db()
    assert code.state == MessageState.ACCEPTED
    worker.gateway.close()


def test_a_bind_that_is_refused_after_the_smsc_ended_the_last_one_is_our_accounts_fault(smsc, settings, monkeypatch):
    settings.SMS_GATEWAYS = ["op"]
    worker = Worker(smsc)
    queue()
    worker.drains(monkeypatch)
    smsc.answers[BIND] = refused
    smsc.push(pdu(UNBIND, 9))
    smsc.until(lambda: not worker.gateway._session.alive)
    queue()
    worker.drains(monkeypatch)
    worker.gateway.close()
    assert [alarm.subject for alarm in alarms.standing("sms")] == ["op"]


# ── A worker whose way to the SMSC is broken


def test_a_worker_that_cannot_connect_leaves_its_bind_to_one_that_can(monkeypatch):
    cut_off, other = Worker(), Worker()
    monkeypatch.setattr(binds, "_process", (binds.os.getpid(), cut_off.holder))
    monkeypatch.setattr(binds, "RENEW_EVERY", 0)
    monkeypatch.setattr(binds.limits, "SMS_BIND_UNREACHABLE", timedelta(seconds=0.2))
    assert cut_off.holder.has(cut_off.gateway)
    cut_off.gateway.send(an_sms())
    assert not other.holder.has(other.gateway)
    binds._renew(cut_off.holder)  # it ends when nothing is held any more
    other.may_look_again()
    assert other.holder.has(other.gateway)
    cut_off.may_look_again()
    assert not cut_off.holder.has(cut_off.gateway)


def test_a_worker_that_could_not_connect_for_a_moment_keeps_its_bind():
    worker = Worker()
    worker.holder.has(worker.gateway)
    worker.gateway.send(an_sms())
    assert 0 < worker.gateway.unreachable_for() < 10
    worker.holder.leave_the_unreachable()
    assert worker.holder.held() == [worker.gateway]


def test_what_has_another_gateway_does_not_wait_for_one_that_this_worker_does_not_reach(monkeypatch, settings):
    settings.SMS_GATEWAYS = ["op", "box"]
    worker, box = Worker(), StubGateway("box")
    monkeypatch.setitem(routing._built, "box", box)
    worker.holder.has(worker.gateway)
    worker.gateway.send(an_sms())
    monkeypatch.setattr(binds.limits, "SMS_BIND_UNREACHABLE", timedelta(0))
    worker.holder.leave_the_unreachable()
    queue(MessageKind.CODE)
    worker.drains(monkeypatch)
    assert len(box.sent) == 1


def test_a_connection_that_is_there_again_is_no_reason_to_leave(two, monkeypatch):
    with two() as (first, _second, _peer):
        first.gateway._unreachable_since = 1.0
        queue()
        first.drains(monkeypatch)
        assert first.gateway.unreachable_for() == 0
        first.holder.leave_the_unreachable()
        assert first.holder.held() == [first.gateway]


# ── The rows


def test_no_more_workers_have_a_bind_than_the_setting_says():
    workers = [Worker(BINDS="2") for _ in range(4)]
    assert [worker.holder.has(worker.gateway) for worker in workers] == [True, True, False, False]
    assert [worker.holder.has(worker.gateway) for worker in workers] == [True, True, False, False]
    die(workers[0])
    for worker in workers[2:]:
        worker.may_look_again()
    assert [worker.holder.has(worker.gateway) for worker in workers[2:]] == [True, False]
    assert Bind.objects.count() == 2


def test_a_lease_is_renewed_before_it_lapses():
    worker = Worker()
    worker.holder.has(worker.gateway)
    before = Bind.objects.get().until
    worker.holder.renew()
    assert Bind.objects.get().until > before
    assert binds.limits.SMS_BIND_LEASE.total_seconds() > binds.RENEW_EVERY * 2


def test_a_refusal_without_another_holder_is_our_account():
    worker, other = Worker(), Worker(BINDS="2")
    said = TryAgain.no_bind("bind status 13")
    worker.holder.has(worker.gateway)
    assert worker.holder.refused(worker.gateway, said) == OutOfOrder("bind status 13")
    other.holder.has(other.gateway)
    assert worker.holder.refused(worker.gateway, said) == said


def test_binds_is_a_setting_of_smpp_alone(settings):
    settings.SMS_GATEWAYS = ["inbox"]
    settings.SMS_ENVIRONMENT = {"SMS_INBOX_BINDS": "2"}
    assert [fault.check_id for fault in configuration.faults()].count("sms.E005") == 1
    assert Worker(BINDS="3").gateway.binds == 3
    assert not Message.objects.exists()
