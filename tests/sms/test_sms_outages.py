"""What waits because a gateway was out goes when it is back, not after the pauses that had grown meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from common import breaker, limits
from common.models import Breaker
from sms import manual_actions, outages, routing
from sms.gateways.base import OutOfOrder, Refused, TryAgain
from sms.models import Message, MessageKind, MessageState
from sms.sending import drain
from tests.support.sms_fixtures import make_due, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def probes_at_once(monkeypatch):
    monkeypatch.setattr(limits, "SMS_PROBE_EVERY", timedelta(0))


def put_off(count: int, *, attempts: int = 6, **changes: object) -> list[Message]:
    """Results that were tried during an outage and wait for a quarter of an hour."""
    messages = [queue(operator="mci") for _ in range(count)]
    values = {"attempts": attempts, "gateway": "box", "next_attempt_at": timezone.now() + timedelta(minutes=14)}
    Message.objects.filter(pk__in=[message.pk for message in messages]).update(**values | changes)
    return messages


def breaker_opens(name: str, *, until: timedelta) -> None:
    values = {"open_until": timezone.now() + until, "pause": timedelta(seconds=30)}
    Breaker.objects.update_or_create(name=name, defaults=values)
    breaker.forget()


def states() -> set[str]:
    return set(Message.objects.values_list("state", flat=True))


@pytest.mark.parametrize("name", ["sms:box:mci", "sms:box:*"])
def test_results_that_wait_go_when_the_gateway_is_back(use_gateways, name):
    """Nothing is due: one is tried by itself when the breaker allows it, and its success lets the others go."""
    use_gateways(StubGateway("box"))
    put_off(30)
    breaker_opens(name, until=timedelta(seconds=60))
    assert drain.drain() == 0
    breaker_opens(name, until=-timedelta(seconds=1))
    drain.drain()
    drain.drain()
    assert states() == {MessageState.ACCEPTED}


def test_a_gateway_that_is_still_out_is_tried_with_one_message(use_gateways):
    box = StubGateway("box", *[TryAgain("refused")] * 5)
    use_gateways(box)
    put_off(30)
    breaker_opens("sms:box:mci", until=-timedelta(seconds=1))
    drain.drain()
    drain.drain()
    assert len(box.sent) == 1


def test_codes_let_go_what_waited_for_their_template(use_gateways):
    use_gateways(StubGateway("box"))
    put_off(3, kind=MessageKind.CODE, expires_at=timezone.now() + timedelta(hours=1))
    breaker_opens(routing.breaker_of_kind("box", "code"), until=-timedelta(seconds=1))
    drain.drain()
    drain.drain()
    assert states() == {MessageState.ACCEPTED}


def test_a_success_after_failures_alone_lets_go_without_any_breaker(use_gateways, monkeypatch):
    """With little traffic a breaker never opens."""
    use_gateways(StubGateway("box", TryAgain("refused")))
    [waiting] = put_off(1)
    make_due(waiting)
    drain.drain()
    assert Message.objects.get().state == MessageState.QUEUED
    Message.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=14))
    monkeypatch.setattr(limits, "SMS_OUTAGE", timedelta(0))
    queue(operator="mci")
    drain.drain()
    drain.drain()
    assert states() == {MessageState.ACCEPTED}


def test_a_gateway_that_fails_now_and_then_lets_nothing_go(use_gateways):
    use_gateways(StubGateway("box", TryAgain("refused")))
    put_off(5)
    queue(operator="mci")
    queue(operator="mci")
    drain.drain()
    assert Message.objects.filter(state=MessageState.QUEUED).count() == 6


@pytest.mark.parametrize("back", ["box", "other"])
def test_any_of_the_gateways_that_were_out_may_be_the_one_that_is_back(use_gateways, back):
    """Each message was tried by both, so each has the last one's name."""
    out = [TryAgain("refused")] * 9
    gateways = {name: StubGateway(name, *([] if name == back else out)) for name in ("box", "other")}
    use_gateways(*gateways.values())
    put_off(4, gateway="other")
    breaker_opens("sms:box:mci", until=-timedelta(seconds=1) if back == "box" else timedelta(minutes=5))
    breaker_opens("sms:other:mci", until=-timedelta(seconds=1) if back == "other" else timedelta(minutes=5))
    drain.drain()
    drain.drain()
    assert set(Message.objects.values_list("state", "gateway")) == {(MessageState.ACCEPTED, back)}


def test_what_is_in_doubt_or_goes_by_another_route_keeps_its_pause(use_gateways, settings):
    use_gateways(StubGateway("box"), StubGateway("other"))
    settings.SMS_ROUTES = "mci:box;rightel:other;*:box,other"
    put_off(1, state=MessageState.UNKNOWN)
    put_off(1, operator="rightel")
    put_off(1, operator="irancell")
    put_off(1)
    assert outages.let_go("box") == 2
    settings.SMS_ROUTES = "mci:box;*:other"
    Message.objects.update(next_attempt_at=timezone.now() + timedelta(minutes=14))
    assert outages.let_go("box") == 1


def test_an_administrator_who_closes_the_breakers_lets_go_what_waited(use_gateways):
    use_gateways(StubGateway("box", OutOfOrder("418")))
    queue(operator="mci")
    drain.drain()
    put_off(3)
    manual_actions.close_breakers(gateway="box")
    drain.drain()
    assert states() == {MessageState.ACCEPTED}


def test_a_refusal_is_no_outage(use_gateways):
    use_gateways(StubGateway("box", Refused("1")))
    put_off(1)
    queue(operator="mci")
    drain.drain()
    assert outages._failing_since == {}
