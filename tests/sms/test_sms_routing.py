"""Which gateway carries a message: by operator and weight, past what is switched off, broken or out of credit."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from common import alarms, breaker, limits
from common.models import Alarm, AlarmCode, Breaker
from sms import routing, switches
from sms.gateways.base import Accepted, OutOfOrder, Refused, TryAgain, Unknown
from sms.models import Message, MessageKind, MessageState
from sms.sending import drain
from sms.tasks import watch
from tests.support.sms_fixtures import make_due, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)
CODE = MessageKind.CODE


def names(operator: str = "mci", kind: str = CODE) -> list[str]:
    return [gateway.name for gateway in routing.route(operator, kind)]


def firsts(operator: str = "mci") -> Counter[str]:
    return Counter(names(operator)[0] for _ in range(400))


@pytest.fixture
def three(use_gateways, settings):
    gateways = {name: StubGateway(name) for name in ("one", "two", "three")}
    use_gateways(*gateways.values())
    settings.SMS_ROUTES = "mci:one=3+two=1,three;*:two,one"
    return gateways


def test_operators_go_by_their_own_routes(three):
    assert set(names("mci")) == {"one", "two", "three"}
    assert names("mci")[-1] == "three"
    assert names("mtn") == names("") == ["two", "one"]


def test_weights_share_the_first_place(three):
    share = firsts()
    assert 260 < share["one"] < 340
    assert share["one"] + share["two"] == 400


def test_an_administrator_shifts_weight_at_run_time_and_for_one_network_only(three):
    switches.switch("one", "mci", weight=0)
    assert firsts() == {"two": 400}
    assert names()[:2] == ["two", "one"]  # still there if the other fails
    switches.switch("one", "mci", weight=None)
    switches.switch("two", weight=0)
    assert firsts() == {"one": 400}
    assert names("mtn") == ["two", "one"]


def test_a_gateway_that_is_switched_off_carries_nothing_until_it_is_on_again(three):
    switches.switch("one", is_on=False)
    assert "one" not in names("mci") + names("mtn")
    switches.switch("one", is_on=True)
    assert "one" in names("mtn")
    switches.switch("two", "mtn", is_on=False)
    assert names("mtn") == ["one"]
    assert "two" in names("mci")


def test_a_switch_of_another_process_is_seen_within_a_second(three, monkeypatch):
    names()
    switches.GatewaySwitch.objects.create(gateway="one", is_on=False)
    monkeypatch.setattr(switches, "LOOK_EVERY", 0)
    assert "one" not in names()


def test_a_wrong_route_is_said_before_anything_is_claimed(three, settings):
    settings.SMS_ROUTES = "mci"
    queue()
    with pytest.raises(ImproperlyConfigured, match="SMS_ROUTES"):
        drain.drain()


# ── the breaker


def test_a_gateway_that_keeps_failing_for_one_operator_is_left_alone_for_that_one(three):
    for _ in range(5):
        routing.heard("two", "mtn", TryAgain("busy"))
    assert names("mtn") == ["one"]
    assert "two" in names("mci")


@pytest.mark.parametrize("outcome", [Accepted(), Refused("411")])
def test_an_answer_about_the_message_is_no_fault_of_the_gateway(three, outcome):
    for _ in range(20):
        routing.heard("two", "mtn", outcome)
    assert names("mtn") == ["two", "one"]


def test_time_outs_count_as_failures(three):
    for _ in range(5):
        routing.heard("two", "mtn", Unknown("time-out"))
    assert names("mtn") == ["one"]


def test_codes_stop_going_to_a_dead_gateway_after_five_failures(use_gateways):
    dead, alive = StubGateway("dead", *[TryAgain("500")] * 99), StubGateway("alive")
    use_gateways(dead, alive)
    messages = [queue(CODE, operator="mci") for _ in range(30)]
    drain.drain()
    assert len(dead.sent) == limits.BREAKER_FAILURES
    assert sorted(alive.accepted) == sorted(message.key for message in messages)


def test_one_message_tries_whether_it_is_back_and_then_all_go_by_it_again(use_gateways):
    back, other = StubGateway("back", *[TryAgain("500")] * 5), StubGateway("other")
    use_gateways(back, other)
    for _ in range(8):
        queue(operator="mci")
    drain.drain()
    assert len(back.sent) == 5
    Breaker.objects.filter(name="sms:back:mci").update(open_until=timezone.now())
    breaker.forget()
    for _ in range(8):
        queue(operator="mci")
    drain.drain()
    assert len(back.sent) == 13


def test_with_every_gateway_open_messages_wait_and_go_when_one_is_back(use_gateways):
    only = StubGateway("only", *[TryAgain("500")] * 5)
    use_gateways(only)
    messages = [queue(operator="mci") for _ in range(7)]
    drain.drain()
    assert len(only.sent) == 5
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.QUEUED}
    Breaker.objects.update(open_until=timezone.now())
    breaker.forget()
    for message in messages:
        make_due(message)
    drain.drain()
    assert set(Message.objects.values_list("state", flat=True)) <= {MessageState.ACCEPTED, MessageState.QUEUED}
    for message in messages:
        make_due(message)
    drain.drain()
    assert set(Message.objects.values_list("state", flat=True)) == {MessageState.ACCEPTED}


def half_open(*lines: str) -> None:
    """The pause of each is over, and nobody has had the trial yet."""
    for line in lines:
        Breaker.objects.update_or_create(name=line, defaults={"open_until": timezone.now(), "trial_until": None})
    breaker.forget()


def trials() -> set[str]:
    return set(Breaker.objects.filter(trial_until__isnull=False).values_list("name", flat=True))


def test_a_trial_is_for_account_and_line_together(three):
    half_open("sms:two:*", "sms:two:mtn")
    assert [routing.may_send("two", "mtn") for _ in range(2)] == [True, False]
    routing.heard("two", "mtn", Accepted())
    assert routing.may_send("two", "mtn")


@pytest.mark.parametrize(("open_", "due"), [("sms:two:*", "sms:two:mtn"), ("sms:two:mtn", "sms:two:*")])
def test_no_trial_is_taken_while_the_other_breaker_says_no(three, open_, due):
    breaker.trip(open_, "418")
    half_open(due)
    assert not routing.may_send("two", "mtn")
    assert trials() == set()


def test_a_trial_is_given_back_when_another_process_has_that_of_the_account(three, monkeypatch):
    monkeypatch.setattr(breaker, "LOOK_EVERY", 3600)
    half_open("sms:two:*", "sms:two:mtn")
    assert not breaker.state("sms:two:*").closed  # from now on this process believes what it read
    Breaker.objects.filter(name="sms:two:*").update(trial_until=timezone.now() + limits.BREAKER_TRIAL)
    assert not routing.may_send("two", "mtn")
    assert trials() == {"sms:two:*"}


@pytest.mark.parametrize("outcome", [OutOfOrder("418"), OutOfOrder("424", kind=CODE)])
def test_an_account_that_is_out_of_order_says_nothing_about_the_line_that_tried(three, outcome):
    half_open("sms:two:mtn")
    assert routing.may_send("two", "mtn")
    routing.heard("two", "mtn", outcome, CODE)
    assert trials() == set()


def test_a_trial_of_a_message_that_another_worker_took_is_given_back(use_gateways):
    def taken_over(sms):
        Message.objects.filter(pk=second.pk).update(lease=uuid.uuid4())

    first, alone = StubGateway("first", on_send=taken_over), StubGateway("alone")
    use_gateways(first, alone)
    half_open("sms:first:mtn")
    queue(operator="mci")
    second = queue(operator="mtn")
    drain.drain()
    assert len(first.sent) == 1
    assert trials() == set()


def test_a_gateway_that_is_switched_off_meanwhile_is_not_sent_to(three):
    assert routing.may_send("two", "mtn")
    switches.switch("two", is_on=False)
    assert not routing.may_send("two", "mtn")


def test_busy_answers_open_no_breaker_however_long_they_last(three, monkeypatch):
    monkeypatch.setattr(limits, "BREAKER_BUSY", timedelta(0))
    for _ in range(20):
        routing.heard("two", "mtn", TryAgain.busy("451"))
    assert names("mtn") == ["two", "one"]


def test_a_busy_answer_shows_that_the_account_works_again(three):
    half_open("sms:two:*")
    assert routing.may_send("two", "mtn")
    routing.heard("two", "mtn", TryAgain.busy("451"))
    assert breaker.state("sms:two:*").closed


def test_out_of_credit_stops_the_gateway_for_every_operator_and_alarms_once(use_gateways, caplog):
    broke, other = StubGateway("broke", *[OutOfOrder("418")] * 9), StubGateway("other")
    use_gateways(broke, other)
    for operator in ("mci", "mtn", "rightel", ""):
        queue(operator=operator)
    drain.drain()
    assert len(broke.sent) == 1
    assert len(other.accepted) == 4
    [alarm] = alarms.standing("sms")
    assert (alarm.code, alarm.subject, alarm.detail) == (AlarmCode.OUT_OF_ORDER, "broke", "418")
    assert caplog.text.count("alarm sms.out_of_order broke: 418") == 1


def test_an_alarm_that_was_dealt_with_sounds_again_while_it_is_still_so(three, caplog):
    """The breaker never closed; the next trial meets the same."""
    routing.heard("two", "mtn", OutOfOrder("418"))
    alarms.clear(AlarmCode.OUT_OF_ORDER, "two")
    routing.heard("two", "mtn", OutOfOrder("418"))
    assert [alarm.subject for alarm in alarms.standing("sms")] == ["two"]
    assert caplog.text.count("alarm sms.out_of_order two: 418") == 2


def test_the_alarm_ends_when_credit_is_back(use_gateways):
    use_gateways(StubGateway("broke", OutOfOrder("418")), StubGateway("other"))
    queue()
    drain.drain()
    Breaker.objects.update(open_until=timezone.now())
    breaker.forget()
    queue()
    drain.drain()
    assert alarms.standing("sms") == []
    assert Message.objects.latest("id").gateway == "broke"


# ── alarms


def test_an_alarm_that_lasts_is_one_row_and_a_line_now_and_then(caplog):
    for _ in range(3):
        alarms.sound(AlarmCode.GIVEN_UP, detail="message 1")
    assert caplog.text.count("alarm sms.given_up") == 1
    Alarm.objects.update(said_at=timezone.now() - limits.ALARM_AGAIN - timedelta(seconds=1))
    alarms.sound(AlarmCode.GIVEN_UP, detail="message 2")
    assert caplog.text.count("alarm sms.given_up") == 2
    [alarm] = alarms.standing("sms")
    assert (alarm.count, alarm.detail) == (4, "message 2")


def test_an_alarm_that_comes_back_begins_anew(caplog):
    alarms.sound(AlarmCode.BUDGET)
    alarms.sound(AlarmCode.BUDGET)
    alarms.clear(AlarmCode.BUDGET)
    assert alarms.standing("sms") == []
    alarms.sound(AlarmCode.BUDGET)
    assert alarms.standing("sms")[0].count == 1
    assert [record.levelname for record in caplog.records].count("ERROR") == 2


def test_what_tells_of_an_event_is_over_after_a_day_and_a_condition_is_not():
    alarms.sound(AlarmCode.GIVEN_UP, detail="message 1")
    alarms.sound(AlarmCode.RECEIPTS, "box")
    alarms.sound(AlarmCode.OUT_OF_ORDER, "one")
    watch()
    assert len(alarms.standing("sms")) == 3
    Alarm.objects.update(last_at=timezone.now() - limits.ALARM_STANDS - timedelta(seconds=1))
    watch()
    assert [alarm.code for alarm in alarms.standing("sms")] == [AlarmCode.OUT_OF_ORDER]


def test_a_result_given_up_after_three_days_is_an_alarm(use_gateways):
    use_gateways(StubGateway("stub", TryAgain()))
    message = queue()
    Message.objects.update(created_at=timezone.now() - limits.SMS_RESULT_GIVE_UP)
    drain.drain()
    [alarm] = alarms.standing("sms")
    assert (alarm.code, alarm.detail) == (AlarmCode.GIVEN_UP, f"message {message.pk}")
