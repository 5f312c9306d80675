"""A gateway that hangs holds up what only it can carry, and nothing else."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from sms import calls, delivery, routing
from sms.models import Message, MessageKind, MessageState
from tests import sms_fixtures
from tests.sms_fixtures import crowd, drained_in_a_thread, make_due, queue, states, until
from tests.sms_gateways import StubGateway
from tests.sms_stubs import Stub, stub

pytestmark = pytest.mark.django_db(transaction=True)
use_gateways = sms_fixtures.use_gateways


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
        until(lambda: accepted() == 8 - connections, 5)  # the calls that hang end after fifteen seconds
        assert len(hanging.log) == connections
        assert len(healthy.taken) == 8 - connections
    thread.join(20)
    assert states() == {MessageState.ACCEPTED: 8 - connections, MessageState.UNKNOWN: connections}


def test_results_wait_a_little_for_the_first_gateway_and_then_go_by_the_second(settings):
    with hanging_and_healthy(settings) as (hanging, _healthy):
        for _ in range(8):
            queue()
        thread = drained_in_a_thread()
        until(lambda: accepted() == 6, 8)
        assert len(hanging.log) == 2
    thread.join(20)


def test_a_crowd_for_a_gateway_that_hangs_does_not_keep_the_others_back(settings):
    """More than a drain holds, and older than all others."""
    with hanging_and_healthy(settings) as (hanging, _healthy):
        settings.SMS_ROUTES = "mtn:first;*:second"
        for _ in range(500):
            queue(operator="mtn")
        others = [queue(operator="mci") for _ in range(60)] + [queue(MessageKind.CODE, operator="mci")]
        thread = drained_in_a_thread(lambda: delivery.drain(seconds=1))
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
        thread = drained_in_a_thread(lambda: delivery.drain(seconds=1))
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
        delivery.drain()
    line = calls.line(gateway)
    assert line.reserve()
    assert not line.reserve()
    over.set()
    until(line.reserve)
