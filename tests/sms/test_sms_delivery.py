"""From the queue to the phone: once, in order, in time, whatever the gateways answer."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import leases, limits
from sms.gateways.base import Accepted, OutOfOrder, ReceiptsBy, Refused, TryAgain, Unknown
from sms.models import InboxMessage, Message, MessageKind, MessageState
from sms.sending import drain
from sms.sending.job import Call, Job
from sms.sending.records import Iteration
from sms.tasks import drain_queue
from tests.support.sms_fixtures import CODE_TEXT, NUMBER, make_due, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_queued_message_arrives_once_and_its_row_says_so():
    message = queue()
    assert drain.drain() == 1
    assert drain.drain() == 0
    message.refresh_from_db()
    assert InboxMessage.objects.get().text == message.text
    assert (message.state, message.gateway, message.attempts) == (MessageState.ACCEPTED, "inbox", 1)
    assert message.next_attempt_at is None
    assert message.created_at <= message.sent_at <= message.final_at
    attempt = message.tries.with_ends().get()
    assert (attempt.gateway, attempt.result) == ("inbox", "accepted")
    assert attempt.ended_at is not None


def test_the_same_hint_five_times_is_one_sms():
    queue()
    for _ in range(5):
        drain_queue()
    assert InboxMessage.objects.count() == 1


def test_a_hint_with_nothing_to_do_costs_one_statement():
    with CaptureQueriesContext(connection) as captured:
        drain_queue()
    assert len(captured) == 1


def test_codes_go_before_results_and_older_before_newer(use_gateways):
    gateway = StubGateway("stub")
    use_gateways(gateway)
    order = [queue(MessageKind.NOTICE), queue(MessageKind.RESULT), queue(MessageKind.CODE), queue(MessageKind.CODE)]
    drain.drain()
    assert [sms.key for sms in gateway.sent] == [order[i].key for i in (2, 3, 1, 0)]


def test_a_gateway_gets_what_it_needs_and_prints_nothing_of_it(use_gateways):
    gateway = StubGateway("stub")
    use_gateways(gateway)
    message = queue(MessageKind.CODE, operator="mci")
    drain.drain()
    [sms] = gateway.sent
    assert (sms.key, sms.to, sms.text, sms.kind, sms.operator, sms.code) == (
        message.key, NUMBER, CODE_TEXT, "code", "mci", "482913",
    )  # fmt: skip
    assert "482913" not in repr(sms)
    assert "912" not in repr(sms).replace(str(sms.key), "")


def test_the_attempt_is_on_record_before_the_gateway_is_called(use_gateways):
    seen: list[tuple[str, int, bool]] = []

    def look(sms):
        row = Message.objects.get(key=sms.key)
        seen.append((row.state, row.tries.filter(outcome="").count(), connection.in_atomic_block))

    use_gateways(StubGateway("stub", on_send=look))
    queue()
    drain.drain()
    assert seen == [(MessageState.SENDING, 1, False)]


def test_a_message_that_waits_for_a_receipt_is_accepted_but_not_final(use_gateways):
    use_gateways(StubGateway("stub", Accepted(provider_ids=("p1", "p2")), receipts=ReceiptsBy.PUSH))
    message = queue()
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.provider_id, message.final_at) == (MessageState.ACCEPTED, "p1 p2", None)


# ── several workers


def test_four_workers_at_once_send_each_message_exactly_once(use_gateways):
    gateway = StubGateway("stub")
    use_gateways(gateway)
    messages = [queue() for _ in range(60)]
    together = threading.Barrier(4)
    claimed: list[int] = []

    def work() -> None:
        together.wait(10)
        try:
            claimed.append(drain.drain())
        finally:
            close_old_connections()
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sum(claimed) == 60
    assert sorted(sms.key for sms in gateway.sent) == sorted(message.key for message in messages)
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.ACCEPTED}


@pytest.mark.parametrize("answer", [Refused("1"), TryAgain.busy(), Unknown("time-out")])
def test_a_worker_paused_past_its_lease_changes_nothing(use_gateways, answer):
    """It wakes up when another worker has the row: neither its answer nor its next step counts."""
    taken_over: list[Message] = []
    use_gateways(StubGateway("slow", answer, on_send=lambda sms: taken_over.extend(claimed_by_another(message))))
    message = queue()
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.sent_at, message.lease) == (MessageState.SENDING, None, taken_over[0].lease)
    assert message.tries.get().outcome == ""


def test_an_acceptance_counts_also_when_another_worker_has_claimed_the_message_meanwhile(use_gateways):
    """That one has not begun to send it, and does not any more."""
    taken_over: list[Message] = []
    gateway = StubGateway("slow", on_send=lambda sms: taken_over.extend(claimed_by_another(message)))
    use_gateways(gateway)
    message = queue()
    drain.drain()
    [theirs] = taken_over
    assert Iteration(begun=[Call(Job(theirs, 0.0, [], theirs.lease), gateway)]).write() == []
    message.refresh_from_db()
    assert (message.state, message.lease, message.tries.get().outcome) == (MessageState.ACCEPTED, None, "accepted")


def claimed_by_another(message: Message) -> list[Message]:
    make_due(message)
    return leases.claim(Message, limit=1, lease_for=limits.SMS_LEASE)


def test_a_worker_that_lost_its_lease_does_not_begin_to_send(use_gateways):
    def another_worker_takes_the_second(sms):
        if sms.key == first.key:
            make_due(second)
            taken_over.extend(leases.claim(Message, limit=1, lease_for=limits.SMS_LEASE))

    taken_over: list[Message] = []
    gateway = StubGateway("stub", on_send=another_worker_takes_the_second)
    use_gateways(gateway)
    first, second = queue(), queue()
    drain.drain()
    assert [sms.key for sms in gateway.sent] == [first.key]
    second.refresh_from_db()
    assert (second.state, second.lease) == (MessageState.QUEUED, taken_over[0].lease)
    assert not second.tries.exists()


def test_a_slow_gateway_does_not_keep_new_codes_behind_a_batch_of_results(use_gateways, monkeypatch):
    monkeypatch.setattr(limits, "SMS_BATCH_TIME", timedelta(0))
    code: list[Message] = []

    def ask_for_a_code(sms):
        if not code:
            code.append(queue(MessageKind.CODE))

    gateway = StubGateway("slow", on_send=ask_for_a_code)
    use_gateways(gateway)
    results = [queue() for _ in range(3)]
    drain.drain()
    assert [sms.key for sms in gateway.sent] == [results[0].key, code[0].key, results[1].key, results[2].key]
    assert set(Message.objects.values_list("attempts", flat=True)) == {1}  # given back is not tried


def test_draining_inside_a_transaction_is_refused():
    with transaction.atomic(), pytest.raises(RuntimeError):
        drain.drain()


# ── what a gateway may answer


def test_a_definite_non_send_goes_to_the_next_gateway_at_once(use_gateways):
    first, second = StubGateway("first", TryAgain("451")), StubGateway("second")
    use_gateways(first, second)
    message = queue(MessageKind.CODE)
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.gateway, message.attempts) == (MessageState.ACCEPTED, "second", 1)
    assert list(message.tries.with_ends().order_by("id").values_list("gateway", "result", "detail")) == [
        ("first", "try_again", "451"),
        ("second", "accepted", ""),
    ]


def test_a_gateway_out_of_order_is_reported_and_the_message_goes_by_the_next(use_gateways, caplog):
    use_gateways(StubGateway("broke", OutOfOrder("418")), StubGateway("second"))
    message = queue()
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.gateway) == (MessageState.ACCEPTED, "second")
    assert "gateway broke is out of order: 418" in caplog.text


def test_a_permanent_refusal_fails_the_message_and_asks_no_other_gateway(use_gateways):
    second = StubGateway("second")
    use_gateways(StubGateway("first", Refused("411")), second)
    message = queue()
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.sent_at) == (MessageState.FAILED, None)
    assert message.final_at is not None
    assert second.sent == []


def test_a_refused_code_is_tried_again_at_once_and_then_after_growing_pauses(use_gateways):
    use_gateways(StubGateway("stub", *[TryAgain("409")] * 9))
    message = queue(MessageKind.CODE)
    drain.drain()  # two rounds: the first pause is none
    message.refresh_from_db()
    pauses = []
    for _ in range(5):
        pauses.append(_pause(message))
        make_due(message)
        drain.drain()
        message.refresh_from_db()
    assert message.attempts == 7
    for pause, least in zip(pauses, (2, 5, 10, 20, 20), strict=True):
        assert least - 1 < pause <= least * 1.25


def test_a_refused_result_waits_longer_each_time_and_is_given_up_after_three_days(use_gateways, caplog):
    use_gateways(StubGateway("stub", *[TryAgain("409")] * 20))
    message = queue()
    pauses = []
    for _ in range(6):
        drain.drain()
        message.refresh_from_db()
        pauses.append(_pause(message))
        make_due(message)
    for pause, least in zip(pauses, (10, 30, 120, 300, 900, 900), strict=True):
        assert least - 1 < pause <= least * 1.25
    assert message.state == MessageState.QUEUED
    _age(message, limits.SMS_RESULT_GIVE_UP)
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.next_attempt_at) == (MessageState.FAILED, None)
    assert f"message {message.pk} (result) given up" in caplog.text


def test_a_code_is_not_sent_once_its_ten_minutes_are_over(use_gateways):
    gateway = StubGateway("stub")
    use_gateways(gateway)
    message = queue(MessageKind.CODE, expires_at=timezone.now())
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.sent_at, gateway.sent) == (MessageState.EXPIRED, None, [])
    assert message.final_at is not None


def test_a_code_that_expires_between_two_gateways_goes_by_neither(use_gateways):
    def until_it_has_expired(sms):
        while timezone.now() < message.expires_at:
            time.sleep(0.01)

    second = StubGateway("second")
    use_gateways(StubGateway("first", TryAgain(), on_send=until_it_has_expired), second)
    message = queue(MessageKind.CODE, expires_at=timezone.now() + timedelta(seconds=0.3))
    drain.drain()
    message.refresh_from_db()
    assert (message.state, second.sent) == (MessageState.EXPIRED, [])


def test_a_pause_never_reaches_past_a_codes_expiry(use_gateways):
    """So that the row says "expired" when it does, not minutes later."""
    use_gateways(StubGateway("stub", *[TryAgain()] * 9))
    message = queue(MessageKind.CODE, expires_at=timezone.now() + timedelta(seconds=1))
    drain.drain()
    message.refresh_from_db()
    assert message.next_attempt_at == message.expires_at


def test_without_any_gateway_messages_wait(use_gateways):
    use_gateways()
    message = queue()
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.next_attempt_at > timezone.now()) == (MessageState.QUEUED, True)


def test_a_misspelt_gateway_is_said_before_anything_is_claimed(settings):
    settings.SMS_GATEWAYS = ["kavenegarr"]
    message = queue()
    with pytest.raises(ImproperlyConfigured, match="kavenegarr"):
        drain.drain()
    message.refresh_from_db()
    assert (message.lease, message.attempts) == (None, 0)


# ── privacy


def test_log_lines_hold_no_number_and_no_code(use_gateways, caplog):
    caplog.set_level(logging.DEBUG)
    fault = ConnectionError(f"POST /send?receptor=09121234567&message={CODE_TEXT}")
    use_gateways(StubGateway("stub", fault, OutOfOrder("418"), Unknown("time-out"), Refused("411")))
    for _ in range(4):
        queue(MessageKind.CODE)
    drain.drain()
    assert "ConnectionError" in caplog.text
    ours = [record for record in caplog.records if record.name.startswith("sms")]
    lines = "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in ours)
    assert lines
    for secret in ("9121234567", "482913", "شناسه"):
        assert secret not in lines


def test_bodies_of_final_messages_are_blanked_after_a_while_and_others_stay(use_gateways):
    use_gateways(StubGateway("stub", Accepted(), Accepted(), TryAgain()))
    old, *_fresh_and_waiting = queue(), queue(), queue()
    drain.drain()
    now = timezone.now()
    Message.objects.filter(pk=old.pk).update(final_at=now - timedelta(hours=2))
    before = now - limits.MESSAGE_BODY_KEPT
    assert drain.scrub(before=before, dry_run=True) == 1
    assert Message.objects.filter(text="").count() == 0
    assert drain.scrub(before=before) == 1
    assert drain.scrub(before=before) == 0
    assert list(Message.objects.filter(text="").values_list("pk", flat=True)) == [old.pk]


def _pause(message: Message) -> float:
    return (message.next_attempt_at - timezone.now()).total_seconds()


def _age(message: Message, by: timedelta) -> None:
    Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - by)
