"""Two workers that begin messages while several breakers wait for their trials do not wait for each other."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from django.db import connection
from django.utils import timezone

from common import breaker, limits
from common.models import Breaker
from sms.models import MessageState
from sms.sending import drain
from tests.support.sms_fixtures import crowd, drained_in_a_thread, queue, states

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_two_workers_that_take_each_others_trials_go_on(use_gateways, monkeypatch):
    """After an outage the breakers of a gateway at several operators are due together."""
    use_gateways(crowd("one"))
    monkeypatch.setattr(limits, "SMS_BATCH", 2)
    for operator in ("mci", "mtn"):
        Breaker.objects.create(name=f"sms:one:{operator}", open_until=timezone.now())
    breaker.forget()
    for operator in ("mci", "mtn", "mtn", "mci"):
        queue(operator=operator)
    monkeypatch.setattr(breaker, "LOOK_EVERY", 0)  # the threads stand for processes: each reads the rows itself
    both, take = threading.Barrier(2), breaker._take_trial

    def taken(name, now):
        won = take(name, now)
        with suppress(threading.BrokenBarrierError):
            both.wait(2)
        return won

    monkeypatch.setattr(breaker, "_take_trial", taken)
    errors: list[Exception] = []

    def work() -> None:
        try:
            drain.drain()
        except Exception as error:
            errors.append(error)

    for thread in [drained_in_a_thread(work) for _ in range(2)]:
        thread.join()
    assert errors == []
    assert states()[MessageState.ACCEPTED] >= 2


def test_a_trial_is_taken_before_the_messages_are_locked_that_are_begun_with_it(use_gateways, monkeypatch):
    gateway, take = crowd("one"), breaker._take_trial
    use_gateways(gateway)
    Breaker.objects.create(name="sms:one:mci", open_until=timezone.now())
    breaker.forget()
    others = [queue(operator="mtn") for _ in range(2)]
    queue(operator="mci")
    locked: list[bool] = []

    def taken(name, now):
        locked.append(connection.in_atomic_block)
        return take(name, now)

    monkeypatch.setattr(breaker, "_take_trial", taken)
    drain.drain()
    assert locked == [False]
    assert states() == {MessageState.ACCEPTED: 3}
    assert len(gateway.sent) == 3
    assert set(gateway.accepted) >= {message.key for message in others}
