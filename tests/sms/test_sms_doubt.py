"""A message that was perhaps sent: a dead worker, a time-out. Never lost, never doubled without need."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from common import leases, limits
from sms import switches
from sms.gateways.base import (
    FOR_EVER,
    Accepted,
    Delivery,
    Found,
    NoAnswer,
    NotFound,
    Receipt,
    ReceiptsBy,
    Refused,
    TryAgain,
    Unknown,
)
from sms.models import Attempt, InboxMessage, Message, MessageKind, MessageState, Part
from sms.reports import applying
from sms.sending import drain
from sms.sending.job import Call, Job
from sms.sending.records import Iteration
from tests.support.sms_fixtures import die_in_mid_send, drained_in_a_thread, make_due, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def test_a_worker_that_died_after_the_inbox_took_the_sms_leaves_one_sms():
    message = queue(MessageKind.CODE)
    InboxMessage.objects.create(key=message.key, to=message.to, kind=message.kind, text=message.text)
    die_in_mid_send(message, "inbox")
    drain.drain()
    message.refresh_from_db()
    assert message.state == MessageState.ACCEPTED
    assert InboxMessage.objects.count() == 1


def test_a_worker_that_died_before_the_inbox_took_the_sms_leaves_one_sms_too():
    message = queue(MessageKind.CODE)
    die_in_mid_send(message, "inbox")
    drain.drain()
    assert InboxMessage.objects.get().key == message.key
    assert sorted(message.tries.with_ends().values_list("result", flat=True)) == ["", "accepted"]


def test_a_worker_that_died_between_claim_and_attempt_sent_nothing_so_the_sms_goes_out(use_gateways):
    gateway = StubGateway("keyless")
    use_gateways(gateway)
    message = queue(MessageKind.CODE)
    Message.objects.update(lease=message.key, attempts=1)
    drain.drain()
    assert [sms.key for sms in gateway.sent] == [message.key]


@pytest.mark.parametrize("kind", [MessageKind.CODE, MessageKind.RESULT])
def test_in_doubt_the_same_gateway_gets_the_same_key_and_no_other_is_tried(use_gateways, kind):
    keyed, other = StubGateway("keyed", Unknown("time-out"), TryAgain("busy"), client_key=DAY), StubGateway("other")
    use_gateways(keyed, other)
    message = queue(kind)
    for _ in range(3):
        make_due(message)
        drain.drain()
    message.refresh_from_db()
    assert (message.state, message.gateway) == (MessageState.ACCEPTED, "keyed")
    assert {sms.key for sms in keyed.sent} == {message.key}
    assert len(keyed.sent) == 3
    assert other.sent == []


def test_while_in_doubt_a_message_is_unknown_since_the_doubtful_attempt_began(use_gateways):
    use_gateways(StubGateway("keyed", Unknown("time-out"), client_key=DAY))
    message = queue()
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.sent_at) == (MessageState.UNKNOWN, message.tries.get().started_at)
    assert message.next_attempt_at is not None
    assert message.final_at is None


def test_a_code_in_mid_send_at_a_gateway_without_a_key_ends_unknown_and_is_never_sent_again(use_gateways):
    keyless, other = StubGateway("keyless"), StubGateway("other")
    use_gateways(keyless, other)
    message = queue(MessageKind.CODE)
    attempt = die_in_mid_send(message, "keyless")
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.sent_at, message.next_attempt_at) == (MessageState.UNKNOWN, attempt.started_at, None)
    assert message.final_at is not None
    assert keyless.sent + other.sent == []


def test_a_code_that_timed_out_at_a_gateway_without_a_key_is_never_sent_again(use_gateways):
    keyless, other = StubGateway("keyless", Unknown("time-out")), StubGateway("other")
    use_gateways(keyless, other)
    message = queue(MessageKind.CODE)
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.next_attempt_at) == (MessageState.UNKNOWN, None)
    assert (len(keyless.sent), other.sent) == (1, [])


def test_a_result_that_timed_out_without_a_key_is_sent_once_more_and_then_left(use_gateways):
    keyless = StubGateway("keyless", *[Unknown("time-out")] * 5)
    use_gateways(keyless)
    message = queue(MessageKind.RESULT)
    for _ in range(4):
        drain.drain()
        Message.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now())
    message.refresh_from_db()
    assert (message.state, message.next_attempt_at) == (MessageState.UNKNOWN, None)
    assert len(keyless.sent) == 2


def test_an_adapters_exception_is_doubt_and_loses_nothing(use_gateways):
    keyed = StubGateway("keyed", ValueError("<html>"), client_key=DAY)
    use_gateways(keyed)
    message = queue(MessageKind.CODE)
    drain.drain()  # the first pause of a code is none
    message.refresh_from_db()
    assert message.state == MessageState.ACCEPTED
    assert list(message.tries.with_ends().order_by("id").values_list("result", "detail")) == [
        ("unknown", "ValueError"),
        ("accepted", ""),
    ]
    assert keyed.accepted == [message.key]


def test_an_expired_code_in_doubt_is_not_sent_by_its_key_either(use_gateways):
    keyed = StubGateway("keyed", client_key=FOR_EVER)
    use_gateways(keyed)
    message = queue(MessageKind.CODE)
    die_in_mid_send(message, "keyed")
    Message.objects.update(expires_at=timezone.now())
    drain.drain()
    message.refresh_from_db()
    assert (message.state, keyed.sent) == (MessageState.UNKNOWN, [])  # not "expired": it may have been sent


def test_a_key_the_gateway_has_forgotten_is_not_relied_on(use_gateways):
    keyed = StubGateway("keyed", client_key=timedelta(hours=12))
    use_gateways(keyed)
    message = queue(MessageKind.CODE, expires_at=timezone.now() + DAY)
    attempt = die_in_mid_send(message, "keyed")
    Attempt.objects.filter(pk=attempt.pk).update(started_at=timezone.now() - timedelta(hours=13))
    drain.drain()
    message.refresh_from_db()
    assert (message.state, keyed.sent) == (MessageState.UNKNOWN, [])


def test_a_gateway_that_is_gone_from_the_settings_leaves_a_code_unknown(use_gateways):
    other = StubGateway("other", client_key=DAY)
    use_gateways(other)
    message = queue(MessageKind.CODE)
    die_in_mid_send(message, "removed")
    drain.drain()
    message.refresh_from_db()
    assert (message.state, other.sent) == (MessageState.UNKNOWN, [])


def test_a_refusal_while_in_doubt_does_not_claim_that_nothing_was_sent(use_gateways):
    use_gateways(StubGateway("keyed", Refused("blacklisted"), client_key=DAY))
    message = queue()
    die_in_mid_send(message, "keyed")
    drain.drain()
    message.refresh_from_db()
    assert message.state == MessageState.UNKNOWN


def test_doubt_that_never_ends_is_left_when_the_message_is_too_old(use_gateways):
    use_gateways(StubGateway("keyed", *[Unknown("time-out")] * 3, client_key=FOR_EVER))
    message = queue()
    drain.drain()
    Message.objects.update(created_at=timezone.now() - limits.SMS_RESULT_GIVE_UP)
    make_due(message)
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.next_attempt_at) == (MessageState.UNKNOWN, None)


# ── gateways that can be asked


def test_a_gateway_that_can_be_asked_is_asked_and_its_yes_ends_the_doubt(use_gateways):
    gateway = StubGateway("asked", Unknown("time-out"), look_up_by_key=DAY, found=Found(provider_ids=("77",)))
    use_gateways(gateway)
    message = queue(MessageKind.CODE)
    drain.drain()
    message.refresh_from_db()
    assert (message.next_attempt_at - timezone.now()).total_seconds() > 9  # it shows messages a little late
    make_due(message)
    drain.drain()
    message.refresh_from_db()
    attempt = message.tries.get()
    assert (message.state, message.provider_id, message.sent_at) == (MessageState.ACCEPTED, "77", attempt.started_at)
    assert attempt.outcome == "accepted"
    assert len(gateway.sent) == 1


def test_a_gateway_that_was_asked_and_has_it_not_is_given_it_again(use_gateways):
    gateway = StubGateway("asked", look_up_by_key=DAY, found=NotFound())
    use_gateways(gateway)
    message = queue(MessageKind.CODE)
    die_in_mid_send(message, "asked")
    drain.drain()
    message.refresh_from_db()
    assert (message.state, gateway.accepted) == (MessageState.ACCEPTED, [message.key])
    assert list(message.tries.with_ends().order_by("id").values_list("result", flat=True)) == ["not_sent", "accepted"]


def test_a_gateway_that_cannot_say_now_is_asked_again_later(use_gateways):
    gateway = StubGateway("asked", look_up_by_key=DAY, found=NoAnswer())
    use_gateways(gateway)
    message = queue()
    die_in_mid_send(message, "asked")
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.next_attempt_at > timezone.now()) == (MessageState.UNKNOWN, True)
    assert gateway.sent == []


@pytest.mark.parametrize(
    ("found", "state"),
    [(Found(), MessageState.ACCEPTED), (NotFound(), MessageState.EXPIRED), (NoAnswer(), MessageState.UNKNOWN)],
)
def test_an_expired_code_in_doubt_may_still_be_looked_up_but_never_sent(use_gateways, found, state):
    gateway = StubGateway("both", client_key=DAY, look_up_by_key=DAY, found=found)
    use_gateways(gateway)
    message = queue(MessageKind.CODE)
    die_in_mid_send(message, "both")
    Message.objects.update(expires_at=timezone.now())
    drain.drain()
    message.refresh_from_db()
    assert (message.state, message.next_attempt_at, gateway.sent) == (state, None, [])


@pytest.mark.parametrize(
    ("found", "state", "outcomes"),
    [
        (Found(("77",)), MessageState.ACCEPTED, ["unknown", "accepted"]),
        (NotFound(), MessageState.UNKNOWN, ["unknown", "not_sent", "unknown"]),
        (NoAnswer(), MessageState.UNKNOWN, ["unknown", ""]),
    ],
)
def test_an_answer_ends_the_doubt_at_its_own_gateway_and_at_no_other(use_gateways, found, state, outcomes):
    """A result perhaps went by the first; once more by the second, whose worker died. The second is asked."""
    first = StubGateway("first", *[Unknown("time-out")] * 2)
    second = StubGateway("second", look_up_by_key=DAY, found=found)
    use_gateways(first, second)
    message = queue()
    drain.drain()
    make_due(message)
    die_in_mid_send(message, "second")
    drain.drain()
    message.refresh_from_db()
    assert message.state == state
    assert list(message.tries.order_by("id").values_list("outcome", flat=True)) == outcomes
    assert second.sent == []


# ── a gateway that is switched off


def test_a_gateway_that_is_off_gets_no_key_again_until_it_is_on(use_gateways):
    keyed, other = StubGateway("keyed", client_key=DAY), StubGateway("other")
    use_gateways(keyed, other)
    message = queue(MessageKind.CODE)
    die_in_mid_send(message, "keyed")
    switches.switch("keyed", is_on=False)
    drain.drain(seconds=1)
    message.refresh_from_db()
    assert (message.state, keyed.sent + other.sent) == (MessageState.UNKNOWN, [])
    assert message.next_attempt_at is not None
    switches.switch("keyed", is_on=True)
    make_due(message)
    drain.drain()
    message.refresh_from_db()
    assert (message.state, keyed.accepted, other.sent) == (MessageState.ACCEPTED, [message.key], [])


def test_a_gateway_that_is_off_may_still_be_asked_and_what_it_has_not_goes_by_the_next(use_gateways):
    both, other = StubGateway("both", client_key=DAY, look_up_by_key=DAY, found=NotFound()), StubGateway("other")
    use_gateways(both, other)
    message = queue(MessageKind.CODE)
    die_in_mid_send(message, "both")
    switches.switch("both", is_on=False)
    drain.drain(seconds=1)
    message.refresh_from_db()
    assert (message.state, both.sent, other.accepted) == (MessageState.ACCEPTED, [], [message.key])


# ── an answer that comes when the lease is over


def test_an_acceptance_after_the_message_was_left_as_unknown_still_counts(use_gateways):
    """The worker was held up past its lease; another found the code in mid-send, and could only leave it."""

    def held_up(sms):
        make_due(Message.objects.get(key=sms.key))
        drained_in_a_thread().join(20)
        left.append(Message.objects.get(key=sms.key).state)

    left: list[str] = []
    gateway = StubGateway("slow", Accepted(("p1", "p2")), receipts=ReceiptsBy.PUSH, on_send=held_up)
    use_gateways(gateway)
    message = queue(MessageKind.CODE)
    drain.drain()
    message.refresh_from_db()
    assert left == [MessageState.UNKNOWN]
    assert (message.state, message.provider_id, message.final_at) == (MessageState.ACCEPTED, "p1 p2", None)
    assert (message.tries.get().outcome, message.sent_at) == ("accepted", message.tries.get().started_at)
    assert applying.apply("slow", Receipt(Delivery.DELIVERED, provider_id="p1"))
    assert applying.apply("slow", Receipt(Delivery.DELIVERED, provider_id="p2"))
    message.refresh_from_db()
    assert message.state == MessageState.DELIVERED


def test_an_acceptance_of_a_message_that_waits_to_be_sent_again_keeps_it_from_that(use_gateways):
    def queued_again(sms):
        Message.objects.filter(key=sms.key).update(
            state=MessageState.QUEUED, lease=None, next_attempt_at=timezone.now() + DAY
        )

    gateway = StubGateway("slow", on_send=queued_again)
    use_gateways(gateway)
    message = queue()
    drain.drain()
    make_due(message)
    drain.drain()
    message.refresh_from_db()
    assert (message.state, len(gateway.sent)) == (MessageState.ACCEPTED, 1)


@pytest.mark.parametrize("state", [MessageState.SENDING, MessageState.FAILED, MessageState.DELIVERED])
def test_an_acceptance_too_late_to_count_is_noted(use_gateways, state):
    """Another worker is sending it, or it is final."""

    def goes_on_without_us(sms):
        Message.objects.filter(key=sms.key).update(state=state, lease=uuid.uuid4(), next_attempt_at=None)
        if state == MessageState.SENDING:
            Attempt.objects.create(message=message, gateway="slow")

    use_gateways(StubGateway("slow", on_send=goes_on_without_us))
    message = queue()
    drain.drain()
    message.refresh_from_db()
    own = message.tries.earliest("pk")
    assert (message.state, own.outcome, own.detail) == (state, "", "accepted late")


def test_a_turn_that_is_written_again_after_a_lost_commit_leaves_one_attempt_of_each_call(use_gateways):
    gateway = StubGateway("stub")
    use_gateways(gateway)
    queue(), queue()
    rows = leases.claim(Message, limit=2, lease_for=limits.SMS_LEASE)
    sent, fresh = (Call(Job(row, 0.0, [], row.lease), gateway) for row in rows)
    Iteration(begun=[sent]).write()
    turn = Iteration(ended=[(sent, Accepted(("p1", "p2")))], begun=[fresh])
    for _ in range(2):  # the commit went through, and its answer was lost
        assert turn.write() == [fresh]
    assert Counter(Attempt.objects.with_ends().values_list("result", flat=True)) == {"": 1, "accepted": 1}
    assert Part.objects.count() == 2
    assert Attempt.objects.with_ends().get(result="").pk == fresh.attempt.pk
