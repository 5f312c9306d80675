"""Many messages at the same time through one drain: the rules of one at a time hold for all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from common import limits
from sms import routing
from sms.gateways.base import Accepted, OutOfOrder, Refused, TryAgain, Unknown
from sms.gateways.http import HttpGateway
from sms.models import Attempt, Message, MessageKind, MessageState
from sms.sending import drain
from tests.support.sms_fixtures import crowd, drained_in_a_thread, make_due, queue, states, until
from tests.support.sms_gateways import StubGateway
from tests.support.sms_stubs import stub

pytestmark = pytest.mark.django_db(transaction=True)


class Meter:
    """How many are inside at the same time."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.inside, self.most = seconds, 0, 0
        self._lock = threading.Lock()

    def __call__(self, sms: object) -> None:
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(self.seconds)
        with self._lock:
            self.inside -= 1


def test_hundreds_go_over_many_connections_each_once(settings):
    with stub("http", delay=0.05) as peer:
        url = peer.url + "/send?to={to}&text={text}&id={id}"
        settings.SMS_ENVIRONMENT = {"SMS_BOX_KIND": "http", "SMS_BOX_URL": url, "SMS_BOX_CONNECTIONS": "50"}
        settings.SMS_GATEWAYS = ["box"]
        messages = [queue() for _ in range(400)]
        began = time.monotonic()
        assert drain.drain() == 400
        took = time.monotonic() - began
        assert 10 < peer.most_open <= 50
    assert took < 400 * 0.05 / 2  # one after the other it takes twenty seconds
    assert sorted(row["key"] for row in peer.log) == sorted(message.key.hex for message in messages)
    assert states() == {MessageState.ACCEPTED: 400}
    assert Attempt.objects.with_ends().filter(result="accepted", ended_at__isnull=False).count() == 400


def test_drains_of_one_process_share_what_a_gateway_stands(use_gateways):
    meter = Meter(0.02)
    gateway = crowd("few", connections=5, on_send=meter)
    use_gateways(gateway)
    messages = [queue() for _ in range(120)]
    for thread in [drained_in_a_thread() for _ in range(3)]:
        thread.join(60)
    assert 1 < meter.most <= 5
    assert sorted(sms.key for sms in gateway.sent) == sorted(message.key for message in messages)
    assert states() == {MessageState.ACCEPTED: 120}


def test_every_attempt_is_on_record_before_its_call(use_gateways):
    seen: list[tuple[str, int]] = []

    def look(sms):
        row = Message.objects.get(key=sms.key)
        seen.append((row.state, row.tries.filter(outcome="").count()))
        connection.close()

    use_gateways(crowd("stub", on_send=look))
    for _ in range(60):
        queue()
    drain.drain()
    assert seen == [(MessageState.SENDING, 1)] * 60


def test_a_call_that_hangs_holds_up_no_other_message_and_no_new_code(use_gateways):
    over = threading.Event()
    gateway = crowd("stub", on_send=lambda sms: over.wait(20) if sms.key == stuck.key else None)
    use_gateways(gateway)
    stuck = queue()
    for _ in range(30):
        queue()
    thread = drained_in_a_thread()
    until(lambda: states()[MessageState.ACCEPTED] == 30)
    code = queue(MessageKind.CODE)
    until(lambda: Message.objects.get(pk=code.pk).state == MessageState.ACCEPTED)
    assert Message.objects.get(pk=stuck.pk).state == MessageState.SENDING
    over.set()
    thread.join(20)
    assert states() == {MessageState.ACCEPTED: 32}


def test_a_gateway_that_hangs_altogether_gives_its_messages_back_for_others_to_go_first(use_gateways, monkeypatch):
    """Two results fill its two places; the third is not begun, and not counted as tried."""
    monkeypatch.setattr(limits, "SMS_BATCH_TIME", limits.SMS_BATCH_TIME / 50)
    over = threading.Event()
    use_gateways(crowd("stuck", connections=2, on_send=lambda sms: over.wait(20)))
    for _ in range(3):
        queue()
    thread = drained_in_a_thread(lambda: drain.drain(seconds=1))
    until(lambda: states() == {MessageState.SENDING: 2, MessageState.QUEUED: 1})
    claims = set()

    def was_given_back() -> bool:
        """It is seen free, or under a second claim: whoever looks may miss the moment between the two."""
        lease, tried = Message.objects.filter(state=MessageState.QUEUED).values_list("lease", "attempts").get()
        claims.add(lease)
        assert tried <= 1
        return None in claims or len(claims) > 1

    until(was_given_back)
    assert Attempt.objects.count() == 2
    over.set()
    thread.join(20)
    drain.drain()
    assert states() == {MessageState.ACCEPTED: 3}


def test_a_crowd_that_is_refused_goes_to_the_next_gateway_once_each(use_gateways):
    first, second = crowd("first", *[TryAgain("409")] * 80), crowd("second")
    use_gateways(first, second)
    messages = [queue(MessageKind.CODE, to=f"+98912000{n:04}") for n in range(80)]
    drain.drain()
    assert states() == {MessageState.ACCEPTED: 80}
    assert sorted(sms.key for sms in second.sent) == sorted(message.key for message in messages)
    assert len(first.sent) <= 80  # its breaker may have opened on the way


def test_different_answers_that_are_written_together_end_as_they_should(use_gateways):
    answers = [Accepted(("a",)), Refused("411"), Unknown("time-out"), TryAgain("409"), OutOfOrder("418"), ValueError()]
    gateway = crowd("stub", *answers * 5)
    use_gateways(gateway)
    for n in range(30):
        queue(MessageKind.CODE, to=f"+98912000{n:04}", expires_at=timezone.now() + limits.SMS_LEASE)
    drain.drain(seconds=1)
    outcomes = Counter(Attempt.objects.with_ends().values_list("result", flat=True))
    assert outcomes["refused"] == states()[MessageState.FAILED]
    assert outcomes["accepted"] == states()[MessageState.ACCEPTED]
    assert outcomes["unknown"] == states()[MessageState.UNKNOWN]
    assert outcomes[""] == 0
    assert sum(states().values()) == 30


@pytest.mark.parametrize("answer", [None, "ok", Accepted])
def test_an_adapter_that_answers_nonsense_is_doubt(use_gateways, answer):
    use_gateways(crowd("stub", answer))
    message = queue(MessageKind.CODE)
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.tries.get().outcome) == (MessageState.UNKNOWN, "unknown")


def test_a_gateway_that_takes_many_in_one_call_answers_for_each(use_gateways):
    class Bulk(StubGateway):
        batch, connections = 10, 3
        calls: list[int] = []

        def send_many(self, batch):
            self.calls.append(len(batch))
            return super().send_many(batch)

    gateway = Bulk("bulk", Refused("27"), Accepted(("1",)))
    use_gateways(gateway)
    for _ in range(25):
        queue()
    drain.drain()
    assert sorted(gateway.calls) == [5, 10, 10]
    assert states() == {MessageState.ACCEPTED: 24, MessageState.FAILED: 1}


def test_a_gateway_that_takes_more_than_a_drain_holds_is_given_more_at_once(use_gateways):
    class Large(StubGateway):
        batch = 450
        calls: list[int] = []

        def send_many(self, batch):
            self.calls.append(len(batch))
            return super().send_many(batch)

    gateway = Large("large")
    use_gateways(gateway)
    for _ in range(450):
        queue()
    drain.drain()
    assert gateway.calls == [450]
    assert states() == {MessageState.ACCEPTED: 450}


def test_a_bulk_gateway_that_leaves_answers_out_leaves_all_of_them_in_doubt(use_gateways):
    class Short(StubGateway):
        batch = 10

        def send_many(self, batch):
            return [Accepted()] * (len(batch) - 1)

    use_gateways(Short("short"))
    for _ in range(3):
        queue(MessageKind.CODE)
    drain.drain()
    assert states() == {MessageState.UNKNOWN: 3}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no connection to lose")
def test_answers_wait_for_a_database_that_went_away(use_gateways):
    over = threading.Event()
    use_gateways(crowd("stub", on_send=lambda sms: over.wait(20)))
    for _ in range(10):
        queue(MessageKind.CODE)
    thread = drained_in_a_thread()
    until(lambda: states() == {MessageState.SENDING: 10})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    over.set()
    thread.join(20)
    assert states() == {MessageState.ACCEPTED: 10}


# ── a worker that is killed


def kill_in_mid_send(tmp_path: Path, sent: Callable[[], int], **environment: str) -> None:
    """A process of its own drains this test's database, and is killed when it has sent a part."""
    url = f"sqlite:///{connection.settings_dict['NAME']}"
    if connection.vendor != "sqlite":
        url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    program = "import django; django.setup(); from sms.sending import drain; drain.drain()"
    given = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tamin_portal.settings", **environment}
    log = tmp_path / "worker.log"
    with (
        log.open("wb") as lines,
        subprocess.Popen(
            [sys.executable, "-c", program], cwd=django_settings.BASE_DIR, env=os.environ | given, stderr=lines
        ) as process,
    ):
        until(lambda: sent() >= 40 or process.poll() is not None, 30)
        process.kill()
        assert process.wait() == -signal.SIGKILL, log.read_text()


def lease_is_over() -> None:
    for message in Message.objects.filter(next_attempt_at__isnull=False):
        make_due(message)


def test_a_worker_killed_with_many_messages_on_the_way_loses_none_and_doubles_none(tmp_path, settings):
    with stub("kavenegar", delay=0.2) as peer:
        settings.SMS_GATEWAYS = ["kn"]
        settings.SMS_ENVIRONMENT = {
            "SMS_KN_KIND": "kavenegar", "SMS_KN_URL": peer.url, "SMS_KN_KEY": "k", "SMS_KN_SENDER": "1",
        }  # fmt: skip
        messages = [queue(MessageKind.CODE) for _ in range(150)]
        kill_in_mid_send(tmp_path, lambda: len(peer.log), SMS_GATEWAYS="kn", **settings.SMS_ENVIRONMENT)
        keys = {row["key"] for row in peer.log}
        on_record = {str(key.int >> 65) for key in Attempt.objects.values_list("message__key", flat=True)}
        assert keys <= on_record  # nothing went out that the rows do not know of
        assert states()[MessageState.SENDING] > 0
        peer.delay = 0
        lease_is_over()
        drain.drain()
    assert states() == {MessageState.ACCEPTED: 150}
    assert sorted(row["key"] for row in peer.taken) == sorted(str(message.key.int >> 65) for message in messages)
    assert any(row["repeat"] for row in peer.log)


def test_a_worker_killed_at_a_gateway_without_a_key_leaves_what_was_on_the_way_unknown_and_sends_the_rest(
    tmp_path, settings
):
    with stub("http", delay=0.2) as peer:
        settings.SMS_GATEWAYS = ["box"]
        settings.SMS_ENVIRONMENT = {
            "SMS_BOX_KIND": "http", "SMS_BOX_URL": peer.url + "/send?to={to}&text={text}&id={id}",
            "SMS_BOX_CONNECTIONS": "20",
        }  # fmt: skip
        for _ in range(150):
            queue(MessageKind.CODE)
        kill_in_mid_send(tmp_path, lambda: len(peer.log), SMS_GATEWAYS="box", **settings.SMS_ENVIRONMENT)
        on_the_way = states()[MessageState.SENDING]
        assert 0 < on_the_way <= 20  # its places
        peer.delay = 0
        lease_is_over()
        drain.drain()
        assert isinstance(routing._built.pop("box"), HttpGateway)
    assert states() == {MessageState.ACCEPTED: 150 - on_the_way, MessageState.UNKNOWN: on_the_way}
    assert max(Counter(row["key"] for row in peer.log).values()) == 1
