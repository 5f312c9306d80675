"""What an answer about one message, a busy gateway or the account alone means for everybody else."""

from __future__ import annotations

import pytest
from django.utils import timezone

from common import alarms, breaker, limits
from common.models import AlarmCode, Breaker
from sms import manual_actions, routing
from sms.gateways.base import OutOfOrder, TryAgain
from sms.models import Message, MessageKind, MessageState
from sms.sending import drain
from tests.support.sms_fixtures import queue
from tests.support.sms_gateways import StubGateway
from tests.support.sms_stubs import stub

pytestmark = pytest.mark.django_db(transaction=True)
CODE, RESULT = MessageKind.CODE, MessageKind.RESULT


@pytest.fixture
def kavenegar_then_box(settings, monkeypatch):
    """Kavenegar with a template for codes, and a plain box as the next resort."""
    with stub("kavenegar") as first, stub("http") as second:
        settings.SMS_GATEWAYS = ["kn", "box"]
        settings.SMS_ENVIRONMENT = {
            "SMS_KN_KIND": "kavenegar", "SMS_KN_URL": first.url, "SMS_KN_KEY": "k", "SMS_KN_SENDER": "1",
            "SMS_KN_TEMPLATE": "login",
            "SMS_BOX_KIND": "http", "SMS_BOX_URL": second.url + "/send?id={id}&to={to}&text={text}",
        }  # fmt: skip
        monkeypatch.setattr(routing, "_built", {})
        yield first, second


def gateways_of(kind: str) -> list[str]:
    return list(Message.objects.filter(kind=kind).order_by("id").values_list("gateway", flat=True))


@pytest.mark.parametrize("code", ["420", "422", "413", "431"])
def test_a_text_that_one_gateway_forbids_goes_by_the_next_and_stops_nobody_else(kavenegar_then_box, code):
    first, _ = kavenegar_then_box
    first.behave(f"code-{code}")
    for _ in range(limits.BREAKER_FAILURES * 2):
        queue(RESULT, operator="mci")
    drain.drain()
    assert gateways_of(RESULT) == ["box"] * limits.BREAKER_FAILURES * 2
    first.behave("ok")
    queue(CODE, operator="mci")
    drain.drain()
    assert gateways_of(CODE) == ["kn"]
    assert alarms.standing("sms") == []


def test_a_box_that_does_not_take_one_number_goes_on_carrying_the_others(kavenegar_then_box, settings):
    settings.SMS_GATEWAYS = ["box"]
    _, box = kavenegar_then_box
    box.behave("code-400")
    for _ in range(limits.BREAKER_FAILURES):
        queue(RESULT, operator="mci")
    drain.drain()
    box.behave("ok")
    queue(CODE, operator="mci")
    drain.drain()
    assert Message.objects.get(kind=CODE).state == MessageState.ACCEPTED


@pytest.mark.parametrize("code", ["424", "426", "427"])
def test_a_template_that_is_missing_takes_codes_to_the_next_gateway_and_leaves_results_alone(kavenegar_then_box, code):
    first, _ = kavenegar_then_box
    first.behave(f"code-{code}")
    queue(CODE, operator="mci")
    drain.drain()
    first.behave("ok")
    for operator in ("mci", "mtn"):
        queue(CODE, operator=operator)
        queue(RESULT, operator=operator)
    drain.drain()
    assert gateways_of(CODE) == ["box"] * 3
    assert gateways_of(RESULT) == ["kn"] * 2
    assert len(first.log) == 3  # one code that found it out, two results
    [alarm] = alarms.standing("sms")
    assert (alarm.code, alarm.subject, alarm.detail) == (AlarmCode.OUT_OF_ORDER, "kn code", code)


def test_codes_go_by_it_again_when_the_template_is_there(kavenegar_then_box):
    first, _ = kavenegar_then_box
    first.behave("code-424")
    queue(CODE)
    drain.drain()
    first.behave("ok")
    Breaker.objects.filter(open_until__isnull=False).update(open_until=timezone.now())
    breaker.forget()
    queue(CODE)
    drain.drain()
    assert gateways_of(CODE) == ["box", "kn"]
    assert alarms.standing("sms") == []
    assert not Breaker.objects.filter(open_until__isnull=False).exists()


@pytest.mark.parametrize("operator", ["", "mci"])
def test_an_administrator_who_mended_the_template_says_so_and_the_alarm_ends(use_gateways, operator):
    use_gateways(StubGateway("kn", OutOfOrder("424", kind=CODE)), StubGateway("box"))
    queue(CODE)
    drain.drain()
    manual_actions.switch(gateway="kn", operator=operator, is_on=True)
    queue(CODE)
    drain.drain()
    assert gateways_of(CODE) == ["box", "kn"]
    assert alarms.standing("sms") == []


def test_a_gateway_that_says_not_so_fast_is_not_left_alone_while_it_takes_others(use_gateways, clock):
    slow = StubGateway("slow", *[TryAgain.busy("88")] * 3)
    use_gateways(slow, StubGateway("other"))
    for _ in range(limits.BREAKER_FAILURES + 3):
        queue(operator="mci")
    drain.drain()
    assert slow.accepted
    assert not Breaker.objects.filter(open_until__isnull=False).exists()
