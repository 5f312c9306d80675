"""What administrators see and do: commands, the admin's list and health page, switches."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import OneTimeCode
from common import alarms, limits
from common.errors import PortalError
from sms import manual_actions, routing
from sms.gateways.base import Delivery, OutOfOrder, Receipt, ReceiptsBy, Refused, TryAgain, Unknown
from sms.models import GatewaySwitch, Message, MessageKind, MessageState
from sms.reports import applying
from sms.sending import drain
from tests.support.commands import run
from tests.support.sms_fixtures import NUMBER, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)


# ── sms_status


def test_status_by_number_shows_every_attempt_and_neither_number_nor_text(use_gateways):
    use_gateways(StubGateway("one", TryAgain("451")), StubGateway("two"))
    message = queue(MessageKind.CODE)
    drain.drain()
    told = run("sms_status", "۰۹۱۲ ۱۲۳ ۴۵۶۷")
    assert f"{message.pk}  0912•••4567  code  accepted  by two, 2 part(s)" in told.replace("1 part", "2 part")
    assert "one: try_again 451" in told
    assert "two: accepted" in told
    assert "482913" not in told
    assert "9121234567" not in told


def test_status_by_id_for_programs():
    message = queue()
    [found] = json.loads(run("sms_status", str(message.pk), "--json"))
    assert (found["id"], found["to"], found["state"], found["attempts"]) == (message.pk, "0912•••4567", "queued", [])
    assert json.loads(run("sms_status", "09120000000", "--json")) == []


@pytest.mark.parametrize("what", ["nothing", "0212", "99999999999999999999"])
def test_status_of_nothing_is_said(what):
    with pytest.raises(CommandError):
        run("sms_status", what)


# ── sms_resend


@pytest.mark.parametrize("answer", [Refused("411"), Unknown("time-out")])
def test_a_result_that_ended_badly_is_sent_again_once(use_gateways, answer):
    gateway = StubGateway("one", answer, answer)
    use_gateways(gateway)
    message = queue(text="نتیجه شما")
    drain.drain()
    Message.objects.update(next_attempt_at=None, final_at=timezone.now())
    for _ in range(2):
        run("sms_resend", str(message.pk))
    again = Message.objects.exclude(pk=message.pk).get()
    assert (again.text, again.to, again.kind) == (message.text, message.to, message.kind)
    assert again.key != message.key


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        ("code", {"state": "failed", "next_attempt_at": None}, "it is a code"),
        ("result", {}, "still on its way"),
        ("result", {"state": "delivered", "next_attempt_at": None}, "was delivered"),
        ("result", {"state": "failed", "next_attempt_at": None, "text": ""}, "blanked"),
    ],
)
def test_what_may_not_be_sent_again_is_refused_with_the_reason(kind, changes, why, capsys):
    message = queue(kind)
    Message.objects.filter(pk=message.pk).update(**changes)
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("sms_resend", str(message.pk), stderr=out)
    assert why in out.getvalue()
    assert Message.objects.count() == 1


def test_what_was_accepted_just_now_is_sent_again_only_when_its_receipt_is_overdue(use_gateways):
    use_gateways(StubGateway("one", receipts=ReceiptsBy.PUSH))
    message = queue(text="نتیجه شما")
    drain.drain()
    with pytest.raises(PortalError, match="still_waiting"):
        manual_actions.resend(message=message.pk)
    Message.objects.update(sent_at=timezone.now() - limits.RECEIPT_DUE_WITHIN)
    assert manual_actions.resend(message=message.pk).pk != message.pk


def test_resending_what_does_not_exist_is_said():
    with pytest.raises(CommandError, match="1 of 1"):
        run("sms_resend", "987654")


# ── sms_gateway


def test_off_on_and_weight_take_effect_at_once(use_gateways):
    use_gateways(StubGateway("one"), StubGateway("two"))
    assert run("sms_gateway", "one", "off") == "one, all operators: off\n"
    assert [gateway.name for gateway in routing.route("mci", "code")] == ["two"]
    run("sms_gateway", "one", "on")
    assert [gateway.name for gateway in routing.route("mci", "code")] == ["one", "two"]
    run("sms_gateway", "two", "weight", "5", "--operator", "mci")
    assert GatewaySwitch.objects.get(gateway="two").weight == 5
    run("sms_gateway", "two", "weight", "settings", "--operator", "mci")
    assert GatewaySwitch.objects.get(gateway="two").weight is None


def test_on_closes_the_breakers_and_ends_the_alarm(use_gateways):
    use_gateways(StubGateway("one", OutOfOrder("418")))
    queue(operator="mci")
    drain.drain()
    assert routing.route("mci", "code") == ()
    assert "breaker open (418)" in run("sms_gateway")
    run("sms_gateway", "one", "on")
    assert len(routing.route("mci", "code")) == 1
    assert alarms.standing("sms") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("nobody", "off"),
        ("one",),
        ("one", "weight"),
        ("one", "weight", "-1"),
        ("one", "weight", "x"),
        *(("one", "weight", much) for much in ("1000001", "2147483648", "1" * 5000)),
    ],
)
def test_a_wrong_order_is_refused_and_changes_nothing(use_gateways, arguments):
    use_gateways(StubGateway("one"))
    with pytest.raises(CommandError):
        run("sms_gateway", *arguments)
    assert not GatewaySwitch.objects.exists()


@pytest.mark.parametrize("what", [("off",), ("weight", "3")])
def test_a_misspelt_operator_is_refused_and_the_known_ones_are_named(use_gateways, what):
    use_gateways(StubGateway("one"))
    with pytest.raises(CommandError, match="there is no operator 'mcii'; there are: mci, irancell, "):
        run("sms_gateway", "one", *what, "--operator", "mcii")
    assert not GatewaySwitch.objects.exists()


# ── sms_send_test


def test_a_test_goes_by_the_named_gateway_also_when_it_is_off(use_gateways):
    first, second = StubGateway("one"), StubGateway("two", receipts=ReceiptsBy.PUSH)
    use_gateways(first, second)
    run("sms_gateway", "two", "off")
    told = run("sms_send_test", "09121234567", "--gateway", "two")
    message = Message.objects.get()
    assert f"two: Accepted (message {message.pk};" in told
    assert (message.state, message.final_at, message.next_attempt_at) == (MessageState.ACCEPTED, None, None)
    assert [sms.to for sms in second.sent] == [NUMBER]
    assert first.sent == []
    applying.apply("two", Receipt(Delivery.DELIVERED, provider_id=message.provider_id))
    message.refresh_from_db()
    assert message.state == MessageState.DELIVERED


@pytest.mark.parametrize(
    ("answer", "state"), [(Refused("411"), "failed"), (OutOfOrder("418"), "failed"), (Unknown("time-out"), "unknown")]
)
def test_a_test_that_is_not_accepted_says_why_and_is_not_tried_again(use_gateways, answer, state):
    use_gateways(StubGateway("one", answer))
    with pytest.raises(CommandError, match=answer.detail):
        run("sms_send_test", "09121234567")
    message = Message.objects.get()
    assert (message.state, message.next_attempt_at) == (state, None)
    assert message.final_at is not None


def test_a_receipt_that_comes_before_the_answer_to_a_test_is_not_undone(use_gateways):
    def reported(sms):
        assert applying.apply("one", Receipt(Delivery.DELIVERED, key=sms.key))

    use_gateways(StubGateway("one", receipts=ReceiptsBy.PUSH, on_send=reported))
    run("sms_send_test", "09121234567")
    message = Message.objects.get()
    assert (message.state, message.provider_id) == (MessageState.DELIVERED, "id-1")
    assert message.final_at is not None
    assert message.tries.get().outcome == "accepted"


def test_a_report_that_ends_the_doubt_about_a_test_stays(use_gateways):
    def reported(sms):
        assert applying.apply("one", Receipt(Delivery.DELIVERED, key=sms.key))

    use_gateways(StubGateway("one", Unknown("time-out"), receipts=ReceiptsBy.PUSH, on_send=reported))
    with pytest.raises(CommandError, match="time-out"):
        run("sms_send_test", "09121234567")
    message = Message.objects.get()
    assert (message.state, message.tries.get().outcome) == (MessageState.DELIVERED, "accepted")


def test_a_test_goes_by_the_route_of_the_operator_that_the_prefix_hints_at(use_gateways, settings):
    mci, rest = StubGateway("one"), StubGateway("two")
    use_gateways(mci, rest)
    settings.SMS_ROUTES = "mci:one;*:two"
    assert "mci, as the number's prefix says; by the route of mci\n" in run("sms_send_test", "09121234567")
    assert "irancell, as the number's prefix says; by the route of *\n" in run("sms_send_test", "09351234567")
    told = run("sms_send_test", "09121234567", "--operator", "rightel")
    assert "rightel, as --operator says; by the route of *\n" in told
    told = run("sms_send_test", "09451234567")
    assert "no operator has that prefix; by the route of *\n" in told
    told = run("sms_send_test", "09351234567", "--gateway", "one")
    assert "irancell, as the number's prefix says; by one, whatever the routes say\n" in told
    assert [sms.to for sms in mci.sent] == ["+989121234567", "+989351234567"]
    assert list(Message.objects.order_by("pk").values_list("operator", flat=True)) == [
        "mci", "irancell", "rightel", "", "irancell",
    ]  # fmt: skip


def test_tests_that_fail_close_no_gateway_to_citizens_unless_it_refuses_our_account(use_gateways):
    use_gateways(StubGateway("one", *[TryAgain("x")] * 6, *[Unknown("y")] * 6, OutOfOrder("418")))
    for _ in range(12):
        with pytest.raises(CommandError):
            run("sms_send_test", "09121234567")
    assert len(routing.route("mci", "code")) == 1
    with pytest.raises(CommandError, match="418"):
        run("sms_send_test", "09121234567")
    assert routing.route("mci", "code") == ()
    assert [alarm.code for alarm in alarms.standing("sms")] == ["out_of_order"]


def test_a_test_that_is_taken_ends_the_alarm_of_its_kind(use_gateways):
    use_gateways(StubGateway("one"))
    routing.heard("one", "mci", OutOfOrder("424", kind="code"))
    run("sms_send_test", "09121234567", "--code", "--gateway", "one")
    assert alarms.standing("sms") == []


def test_a_code_template_is_tried_with_a_code_that_opens_nothing(use_gateways):
    gateway = StubGateway("one")
    use_gateways(gateway)
    told = run("sms_send_test", "09121234567", "--code")
    [sms] = gateway.sent
    assert (sms.kind, len(sms.code)) == ("code", limits.CODE_DIGITS)
    assert sms.code in sms.text
    assert sms.label == "کد شناسه آزمایش"
    assert sms.code not in told
    assert (Message.objects.get().kind, OneTimeCode.objects.count()) == ("code", 0)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("0212",), "not an Iranian mobile"),
        (("09121234567", "--gateway", "nobody"), "no such gateway"),
        (("09121234567", "--operator", "mcii"), "there is no operator 'mcii'"),
    ],
)
def test_a_test_that_cannot_be_sent_is_refused(arguments, why):
    with pytest.raises(CommandError, match=why):
        run("sms_send_test", *arguments)
    assert not Message.objects.exists()
