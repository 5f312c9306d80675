"""A worker that stops leaves no message in doubt: what it has not begun is queued as before, what it has is written."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest
from django.db import connection
from django.utils import timezone

from common.models import Breaker
from sms import binds
from sms.models import DOUBTFUL, Attempt, AttemptOutcome, Message, MessageKind, MessageState
from sms.sending import calls, drain, resident
from tests.support.paths import ROOT
from tests.support.sms_fixtures import crowd, queue, states, until
from tests.support.sms_gateways import StubGateway
from tests.support.sms_stubs import stub

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_call_that_python_refuses_because_the_process_ends_was_certainly_not_made(use_gateways):
    gateway = crowd("stub")
    use_gateways(gateway)
    code, result = queue(MessageKind.CODE), queue()
    pool = calls.pool_of(gateway)
    assert pool is not None
    pool._pool.shutdown()  # as Python does before `atexit`
    drain.drain()
    for message in (code, result):
        message.refresh_from_db()
        assert (message.state, message.lease, message.attempts) == (MessageState.QUEUED, None, 0)
        assert message.next_attempt_at <= timezone.now()
    assert set(Attempt.objects.values_list("outcome", flat=True)) == {AttemptOutcome.TRY_AGAIN}
    assert gateway.sent == []
    assert not Breaker.objects.exclude(recent="").exists()


def test_a_drain_that_is_to_stop_ends_what_it_has_begun_and_gives_the_rest_back(use_gateways):
    gateway = StubGateway("one", on_send=lambda sms: drain.stop())
    use_gateways(gateway)
    for _ in range(5):
        queue(MessageKind.CODE)
    drain.drain()
    begun = len(gateway.sent)
    assert begun < 5
    assert states() == {MessageState.ACCEPTED: begun, MessageState.QUEUED: 5 - begun}
    assert not Message.objects.filter(state=MessageState.QUEUED).exclude(lease=None, attempts=0).exists()
    assert drain.drain() == 0


def test_the_resident_ends_what_it_has_begun_and_begins_nothing(monkeypatch):
    begun, go_on, ended = threading.Event(), threading.Event(), []

    def look() -> bool:
        begun.set()
        go_on.wait(20)
        ended.append(True)
        return True

    monkeypatch.setattr(binds, "held", lambda: [StubGateway("op")])
    monkeypatch.setattr(resident, "look", look)
    resident.start()
    assert begun.wait(20)
    threading.Timer(0.2, go_on.set).start()
    resident.end()
    assert ended == [True]


BY_CLOCK = """
import django; django.setup()
from celery import signals
from sms.sending import drain
from tamin_portal import celery, clock
clock.tasks_of = lambda *_: {"sms.drain": (drain.drain, 0.01)}
celery.end_in_order()
clock.start(celery.app)
input()
signals.worker_shutting_down.send(sender=None)
signals.worker_shutdown.send(sender=None)
"""
WITHOUT_SIGNALS = """
import django; django.setup()
import atexit, threading
from sms.sending import drain
thread = threading.Thread(target=drain.drain, daemon=True)
thread.start()
atexit.register(thread.join, 20)
input()
"""


A_WORKER = """
import django; django.setup()
import sys
from celery.__main__ import main
from tamin_portal import startup
startup.refuse_unsafe_or_exit = lambda: None  # the settings of a test
sys.argv[1:] = "-A tamin_portal worker --pool=threads --concurrency=2 -Q sms".split()
main()
"""


def ended_in_mid_send(program: str, end: Callable[[subprocess.Popen[bytes]], object], **environment: str) -> None:
    """Run `program`, a process of its own that sends this test's messages, `end` it when it has sent some, and see that
    each message was either sent, and that is on record, or was not begun."""
    url = f"sqlite:///{connection.settings_dict['NAME']}"
    if connection.vendor != "sqlite":
        url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    for _ in range(150):
        queue(MessageKind.CODE)
    with stub("http", delay=0.05) as peer:
        given = {
            "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tamin_portal.settings", "SMS_GATEWAYS": "box",
            "SMS_BOX_KIND": "http", "SMS_BOX_URL": peer.url + "/send?to={to}&text={text}&id={id}",
            "SMS_BOX_CONNECTIONS": "5", **environment,
        }  # fmt: skip
        with subprocess.Popen(
            [sys.executable, "-c", program], cwd=ROOT, env=os.environ | given, stdin=subprocess.PIPE
        ) as process:
            until(lambda: len(peer.log) >= 10 or process.poll() is not None, 60)
            end(process)
            process.communicate(timeout=40)
        assert process.returncode == 0
        sent = len(peer.log)
    assert 10 <= sent < 150
    assert states() == {MessageState.ACCEPTED: sent, MessageState.QUEUED: 150 - sent}
    assert not Attempt.objects.with_ends().filter(result__in=DOUBTFUL).exists()
    assert not Message.objects.filter(state=MessageState.QUEUED, lease__isnull=False).exists()


@pytest.mark.parametrize("program", [BY_CLOCK, WITHOUT_SIGNALS])
def test_a_process_that_ends_while_it_sends_leaves_nothing_in_doubt(program):
    ended_in_mid_send(program, lambda process: process.stdin.write(b"\n"))


@pytest.mark.faults
def test_a_worker_that_is_told_to_end_leaves_nothing_in_doubt():
    """By its clock: there is no broker."""
    ended_in_mid_send(A_WORKER, lambda worker: worker.terminate(), REDIS_URL="redis://127.0.0.1:1/0")
