"""A batch is begun by one statement and ended by one, and every call is on record as if each had its own."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import leases, limits
from sms.gateways.base import Accepted, ReceiptsBy
from sms.models import Attempt, Message, MessageKind, MessageState
from sms.sending import drain, planning
from tests.support.sms_fixtures import crowd, drained_in_a_thread, make_due, queue, states, until
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)


class Bulk(StubGateway):
    batch = 1000


def test_a_batch_costs_one_statement_to_begin_and_one_to_end(use_gateways):
    use_gateways(Bulk("bulk"))
    for _ in range(40):
        queue()
    with CaptureQueriesContext(connection) as captured:
        drain.drain()
    assert states() == {MessageState.ACCEPTED: 40}
    written = [
        query["sql"]
        for query in captured
        if any(f"{verb} " in query["sql"] for verb in ("UPDATE", "INSERT INTO"))
        and ('"sms_message" SET' in query["sql"] or '"sms_attempt"' in query["sql"])
    ]
    assert len(written) == (2 if connection.vendor == "postgresql" else 3)  # SQLite has no data-modifying CTE


def test_an_accepted_attempt_is_not_written_again_and_says_all_the_same_how_it_ended(use_gateways, capsys):
    use_gateways(StubGateway("one", Accepted(("p1",)), receipts=ReceiptsBy.PUSH))
    message = queue()
    drain.drain()
    message.refresh_from_db()
    [attempt] = message.tries.with_ends()
    assert (attempt.outcome, attempt.finished_at, message.accepted_by) == ("", None, attempt.pk)
    assert (attempt.result, attempt.ended_at) == ("accepted", message.sent_at)
    call_command("sms_status", str(message.pk))
    assert "one: accepted" in capsys.readouterr().out


def test_what_the_gateway_said_beside_accepting_is_kept_on_the_attempt(use_gateways):
    use_gateways(StubGateway("one", Accepted(("p1",), detail="queued")))
    message = queue()
    drain.drain()
    [attempt] = message.tries.with_ends()
    assert (attempt.outcome, attempt.detail, attempt.result) == ("accepted", "queued", "accepted")


def test_an_attempt_without_an_answer_stays_so_when_a_later_one_is_accepted(use_gateways):
    """Only the attempt that the message names was accepted; of the one before nobody knows."""
    use_gateways(StubGateway("one"))
    message = queue()
    lost = Attempt.objects.create(message=message, gateway="other")
    drain.drain()
    message.refresh_from_db()
    assert [(each.pk == lost.pk, each.result) for each in message.tries.with_ends().order_by("pk")] == [
        (True, ""),
        (False, "accepted"),
    ]


def test_messages_are_claimed_in_their_order_codes_first_and_the_oldest_first(use_gateways):
    gateway = Bulk("bulk")
    use_gateways(gateway)
    moment = timezone.now() - timedelta(seconds=9)
    results = [queue() for _ in range(4)]
    codes = [queue(MessageKind.CODE) for _ in range(2)]
    Message.objects.filter(pk__in=[message.pk for message in results[:3]]).update(next_attempt_at=moment)
    drain.drain()
    assert [sms.key for sms in gateway.sent] == [message.key for message in [*codes, *results]]


def test_a_drain_reads_of_a_message_what_the_model_would(use_gateways):
    """The rows become objects of the model without its `__init__`."""
    queue(MessageKind.CODE, operator="mci")
    now = timezone.now()
    with transaction.atomic():
        [read] = planning.lock_due(9, now)
    stored = Message.objects.get()
    for name in ("pk", "key", "kind", "share", "priority", "to", "text", "parts", "state", "created_at", "expires_at"):
        assert (name, getattr(read, name)) == (name, getattr(stored, name))
        assert type(getattr(read, name)) is type(getattr(stored, name))
    assert (read.attempts, stored.attempts) == (1, 0)
    assert read.lease is not None
    assert read.next_attempt_at >= now + limits.SMS_LEASE
    assert read == stored
    assert read.dedupe_key == stored.dedupe_key  # not read with the others; Django fetches it


def test_what_was_begun_is_nobody_elses_also_not_of_a_worker_of_the_version_before(use_gateways):
    """That one claims by `leases.claim`, and looks at nothing but `next_attempt_at`."""
    taken: list[Message] = []
    use_gateways(
        Bulk("bulk", on_send=lambda sms: taken.extend(leases.claim(Message, limit=9, lease_for=limits.SMS_LEASE)))
    )
    for _ in range(5):
        queue()
    drain.drain()
    assert taken == []
    assert states() == {MessageState.ACCEPTED: 5}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="on SQLite nobody reads what another is about to write")
def test_what_is_about_to_be_begun_is_left_out_by_a_worker_of_the_version_before(use_gateways):
    queue(), queue()
    found: list[int] = []
    with transaction.atomic():
        assert len(planning.lock_due(1, timezone.now())) == 1
        drained_in_a_thread(lambda: found.append(len(leases.claim(Message, limit=9, lease_for=limits.SMS_LEASE)))).join(
            20
        )
    assert found == [1]


@pytest.mark.parametrize("kind", MessageKind.values)
def test_a_message_whose_lease_lapses_while_its_answer_comes_is_not_begun_anew(use_gateways, kind):
    gateway = crowd("one", on_send=lambda sms: make_due(message))
    use_gateways(gateway)
    message = queue(kind)
    drain.drain()
    assert (states(), len(gateway.sent)) == ({MessageState.ACCEPTED: 1}, 1)


@pytest.mark.parametrize("went_through", [True, False])
def test_a_commit_that_nobody_heard_of_sends_nothing_twice_and_forgets_nothing(use_gateways, monkeypatch, went_through):
    """A call is under way, so the drain waits for the database; then it finds what it had begun, or begins it anew."""
    over = threading.Event()
    gateway = crowd("one", connections=5, on_send=lambda sms: over.wait(20) if sms.key == first.key else None)
    use_gateways(gateway)
    first = queue()
    lost: list[int] = []

    def begin(self: object) -> list[object]:
        begun = write(self)
        if getattr(self, "fresh", None) and len(gateway.sent) == 1 and not lost:
            lost.append(1)
            if went_through:
                connection.commit = heard_of_nothing
            else:
                raise OperationalError("the database is away")
        return begun

    def heard_of_nothing() -> None:
        del connection.commit
        connection.commit()
        raise OperationalError("the database is away")

    write = drain.Iteration.write
    monkeypatch.setattr(drain.Iteration, "write", begin)
    thread = drained_in_a_thread()
    until(lambda: len(gateway.sent) == 1)
    others = [queue() for _ in range(3)]
    until(lambda: len(gateway.sent) == 4)
    over.set()
    thread.join(20)
    assert lost == [1]
    assert states() == {MessageState.ACCEPTED: 4}
    assert sorted(sms.key for sms in gateway.sent) == sorted(message.key for message in [first, *others])
    assert Attempt.objects.count() == 4
