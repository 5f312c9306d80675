"""A gateway that hangs holds up what only it can carry, and nothing else."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from common import limits
from sms import routing
from sms.gateways.base import ReceiptsBy, TryAgain, Unknown
from sms.models import Message, MessageKind, MessageState
from sms.sending import calls, drain
from tests.support import sms_fixtures
from tests.support.sms_fixtures import crowd, drained_in_a_thread, make_due, queue, states, until
from tests.support.sms_gateways import StubGateway
from tests.support.sms_stubs import Stub, stub

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def hanging_and_healthy(settings, *, connections: int = 2) -> Iterator[tuple[Stub, Stub]]:
    """`first` takes the connection and never answers, `second` does all it should. The hanging calls end with it."""
    with stub("http") as healthy, stub("http", behaviour="hang") as hanging:
        settings.SMS_GATEWAYS = ["first", "second"]
        settings.SMS_ENVIRONMENT = {}
        for name, peer in (("FIRST", hanging), ("SECOND", healthy)):
            url = peer.url + "/send?to={to}&text={text}&id={id}"
            options = {"KIND": "http", "URL": url, "CONNECTIONS": str(connections)}
            settings.SMS_ENVIRONMENT |= {f"SMS_{name}_{key}": value for key, value in options.items()}
        try:
            yield hanging, healthy
        finally:
            for name in settings.SMS_GATEWAYS:
                routing._built.pop(name, None)


def accepted() -> int:
    return states()[MessageState.ACCEPTED]


@pytest.mark.parametrize("connections", [1, 2])
def test_codes_go_by_the_second_gateway_at_once_while_the_first_hangs(settings, connections):
    with hanging_and_healthy(settings, connections=connections) as (hanging, healthy):
        for _ in range(8):
            queue(MessageKind.CODE)
        thread = drained_in_a_thread()
        until(lambda: accepted() == 8 - connections, 13)  # the calls that hang end after fifteen seconds
        assert len(hanging.log) == connections
        assert len(healthy.taken) == 8 - connections
    thread.join(20)
    assert states() == {MessageState.ACCEPTED: 8 - connections, MessageState.UNKNOWN: connections}


def test_results_wait_a_little_for_the_first_gateway_and_then_go_by_the_second(settings):
    with hanging_and_healthy(settings) as (hanging, _healthy):
        for _ in range(8):
            queue()
        thread = drained_in_a_thread()
        until(lambda: accepted() == 6, 13)  # the calls that hang end after fifteen seconds
        assert len(hanging.log) == 2
    thread.join(20)


def test_a_crowd_for_a_gateway_that_hangs_does_not_keep_the_others_back(settings):
    """More than a drain holds, and older than all others."""
    with hanging_and_healthy(settings) as (hanging, _healthy):
        settings.SMS_ROUTES = "mtn:first;*:second"
        for _ in range(500):
            queue(operator="mtn")
        others = [queue(operator="mci") for _ in range(60)] + [queue(MessageKind.CODE, operator="mci")]
        thread = drained_in_a_thread(lambda: drain.drain(seconds=1))
        until(lambda: accepted() == len(others), 5)
        late = queue(MessageKind.CODE, operator="mci")
        until(lambda: Message.objects.get(pk=late.pk).state == MessageState.ACCEPTED, 5)
        assert len(hanging.log) == 2
        hanging.behave("ok")
    thread.join(20)
    assert states()[MessageState.SENDING] == 0


def test_a_message_in_doubt_waits_for_the_gateway_it_went_through(settings):
    """Its gateway is full; another must not be tried blindly."""
    with hanging_and_healthy(settings, connections=1) as (hanging, healthy):
        settings.SMS_ENVIRONMENT |= {"SMS_FIRST_KIND": "kavenegar", "SMS_FIRST_KEY": "k", "SMS_FIRST_SENDER": "1"}
        settings.SMS_ENVIRONMENT["SMS_FIRST_URL"] = hanging.url
        doubtful = queue(MessageKind.CODE)
        sms_fixtures.die_in_mid_send(doubtful, "first")
        stuck, other = queue(MessageKind.CODE), queue(MessageKind.CODE)
        make_due(doubtful)
        thread = drained_in_a_thread(lambda: drain.drain(seconds=1))
        until(lambda: accepted() >= 1, 5)
        assert doubtful.key.hex not in {row["key"] for row in healthy.log}
    thread.join(20)
    assert {stuck.key.hex, other.key.hex} >= {row["key"] for row in healthy.log}


def test_a_place_is_taken_until_the_answer_is_on_record(use_gateways):
    """So that a killed worker never leaves more in doubt than a gateway has places, however slow the database is."""
    seen: list[int] = []

    def look(sms):
        seen.append(states()[MessageState.SENDING])
        connection.close()
        time.sleep(random.uniform(0, 0.02))

    use_gateways(crowd("stub", connections=10, on_send=look))
    for _ in range(150):
        queue()
    threads = [drained_in_a_thread() for _ in range(2)]
    for thread in threads:
        thread.join(60)
    assert states() == {MessageState.ACCEPTED: 150}
    assert 5 < max(seen) <= 10


def test_a_drain_that_breaks_off_gives_back_the_places_of_its_calls(use_gateways):
    class Broken(StubGateway):
        connections = 2

        def abilities(self, kind):
            raise RuntimeError

    over = threading.Event()
    gateway = Broken("stub", on_send=lambda sms: over.wait(20) if sms.key == stuck.key else None)
    use_gateways(gateway)
    stuck, _quick = queue(), queue()
    with pytest.raises(RuntimeError):
        drain.drain()
    pool = calls.pool_of(gateway)
    assert pool.reserve()
    assert not pool.reserve()
    over.set()
    until(pool.reserve)


# ── the end of a drain


def test_a_drain_whose_time_is_over_still_sends_codes_while_a_call_hangs_and_nobody_else_does(use_gateways):
    over = threading.Event()
    use_gateways(crowd("stub", connections=3, on_send=lambda sms: over.wait(30) if sms.key == stuck.key else None))
    stuck = queue()
    thread = drained_in_a_thread(lambda: drain.drain(seconds=0.1))
    until(lambda: states()[MessageState.SENDING] == 1)
    time.sleep(0.5)  # longer than it may claim
    code = queue(MessageKind.CODE)
    until(lambda: Message.objects.get(pk=code.pk).state == MessageState.ACCEPTED, 5)
    assert Message.objects.get(pk=stuck.pk).state == MessageState.SENDING
    over.set()
    thread.join(20)
    assert states() == {MessageState.ACCEPTED: 2}


def test_a_drain_whose_time_is_over_leaves_the_queue_to_another_and_ends(use_gateways):
    """Work never ends: each message that is sent brings another. The second drain goes on alone."""
    over = threading.Event()

    def bring_another(sms):
        if sms.key == stuck.key:
            over.wait(40)
        elif not over.wait(0.01):
            queue()
        connection.close()

    use_gateways(crowd("stub", connections=4, on_send=bring_another))
    stuck = queue()
    second = drained_in_a_thread(lambda: drain.drain(seconds=60))
    until(lambda: states()[MessageState.SENDING] == 1)
    for _ in range(8):
        queue()
    first = drained_in_a_thread(lambda: drain.drain(seconds=0.5))
    first.join(20)
    assert not first.is_alive()
    assert second.is_alive()
    over.set()
    second.join(20)
    assert states().keys() == {MessageState.ACCEPTED}


def test_a_drain_ends_at_last_also_when_no_other_comes(use_gateways, monkeypatch):
    monkeypatch.setattr(limits, "SMS_SUCCESSOR_WITHIN", timedelta(seconds=0.5))

    def bring_another(sms):
        time.sleep(0.01)
        queue()
        connection.close()

    use_gateways(crowd("stub", connections=4, on_send=bring_another))
    for _ in range(8):
        queue()
    thread = drained_in_a_thread(lambda: drain.drain(seconds=0.1))
    thread.join(20)
    assert not thread.is_alive()
    assert states()[MessageState.QUEUED] > 0
    assert states()[MessageState.SENDING] == 0


# ── a database that is away or slow


def as_many_as_a_drain_holds() -> None:
    """So that nothing is claimed, and no statement made, between an answer and what follows from it; codes alone are
    looked for (LOOK_EVERY)."""
    for operator in ("mtn", "rightel"):
        for _ in range(65):
            queue(operator=operator)


def test_answers_wait_for_the_database_once_and_not_once_each(use_gateways, monkeypatch):
    monkeypatch.setattr(drain, "_PATIENCE", 1.0)
    all_answer, away, since = threading.Barrier(12), threading.Event(), []

    def answer(sms):
        all_answer.wait(20)
        since.append(time.monotonic())
        away.set()

    def nothing_works(execute, *given):
        if away.is_set():
            raise OperationalError("the database is away")
        return execute(*given)

    use_gateways(crowd("stub", *[Unknown("time-out")] * 12, connections=12, on_send=answer))
    for _ in range(12):
        queue()
    as_many_as_a_drain_holds()
    with connection.execute_wrapper(nothing_works), pytest.raises(OperationalError):
        drain.drain()
    assert time.monotonic() - min(since) < 6


def lock_attempts() -> None:
    """Nothing is written about calls until the transaction ends: on SQLite no transaction begins beside it."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE sms_attempt IN SHARE MODE")


@pytest.mark.faults  # a drain needs up to two of the seconds to get there on a busy machine
def test_a_code_that_expires_while_its_beginning_is_written_is_not_sent(use_gateways, monkeypatch):
    """The table of attempts is locked by something else until then."""
    monkeypatch.setattr(drain, "LOOK_EVERY", 60.0)
    locked = threading.Event()

    def hold_the_attempts():
        with transaction.atomic():
            lock_attempts()
            locked.set()
            while timezone.now() < code.expires_at:
                time.sleep(0.01)

    def lock(sms):
        holders.append(drained_in_a_thread(hold_the_attempts))
        assert locked.wait(10)

    holders: list[threading.Thread] = []
    second = StubGateway("second")
    use_gateways(StubGateway("first", TryAgain.this_message(), on_send=lock), second)
    routing.heard("first", "", TryAgain.this_message())  # the breaker writes once a second, and waits for no lock now
    as_many_as_a_drain_holds()
    code = queue(MessageKind.CODE, expires_at=timezone.now() + timedelta(seconds=4))
    drain.drain()
    holders[0].join(20)
    code.refresh_from_db()
    assert code.state == MessageState.EXPIRED
    assert code.key not in {sms.key for sms in second.sent}
    assert list(code.tries.order_by("id").values_list("outcome", "detail"))[1] == ("try_again", "expired")


@pytest.mark.faults
@pytest.mark.parametrize("receipts", [ReceiptsBy.NONE, ReceiptsBy.PUSH])
def test_an_answer_that_waited_longer_than_its_lease_is_written_and_not_sent_again(use_gateways, monkeypatch, receipts):
    """The drain has claimed its message anew by then: both are in one turn."""
    monkeypatch.setattr(limits, "SMS_LEASE", timedelta(seconds=2))

    def hold_the_attempts():
        until(lambda: len(gateway.sent) >= 2)
        with transaction.atomic():
            lock_attempts()
            time.sleep(4)  # both answers come in

    def answer(sms):
        if [each.to for each in gateway.sent].count(sms.to) == 1:
            time.sleep(0.3 if sms.to == first.to else 1.0)

    gateway = crowd("one", receipts=receipts, on_send=answer)
    use_gateways(gateway)
    first, second = queue(to="+989121234501"), queue(to="+989121234502")
    for thread in [drained_in_a_thread(hold_the_attempts), drained_in_a_thread()]:
        thread.join(30)
    for _ in range(4):
        make_due(second)
        drain.drain()
    assert states() == {MessageState.ACCEPTED: 2}
    assert Counter(each.to for each in gateway.sent) == {first.to: 1, second.to: 1}
