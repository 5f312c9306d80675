"""A gateway takes so many parts a second: the queue keeps to that, codes before results, and nothing counts as tried
that was only too early."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from common import limits
from common.models import Breaker
from sms import configuration, lines, outbox, pace
from sms.gateways.base import Accepted, TryAgain
from sms.models import Line, Message, MessageKind, MessageState
from sms.pace import Pace, Taken, Wish
from sms.sending import drain
from sms.sending.job import Job
from sms.sending.turns import Turns
from tests.support.simulated_time import Clock, ThrottlingGateway
from tests.support.sms_fixtures import crowd, make_due, queue, states
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "ثبت نام شما انجام شد و حساب کاربری شما ایجاد گردید. " * 7  # six parts


def queue_results(count: int) -> None:
    """Results to all operators, written as fast as the database can."""
    sayings = [
        outbox.Saying(
            to=f"+98912{number:07}", kind=MessageKind.RESULT, text="نتیجه", dedupe_key=f"many:{number}",
            operator=("mci", "mtn", "rightel", "shatel", "")[number % 5],
        )
        for number in range(count)
    ]  # fmt: skip
    outbox.enqueue_all(sayings)


# ── What an SMSC that throttles makes of it


@pytest.mark.parametrize("by_distance", [False, True])
@pytest.mark.parametrize("setting", [{}, {"SMS_ONE_RATE": "10"}])
def test_sixty_codes_at_ten_a_second_take_little_more_than_six_seconds(
    clock, use_gateways, settings, setting, by_distance
):
    settings.SMS_ENVIRONMENT = setting
    gateway = ThrottlingGateway("one", clock, rate=10, by_distance=by_distance)
    use_gateways(gateway)
    for _ in range(60):
        queue(MessageKind.CODE)
    drain.drain()
    assert len(gateway.accepted) == 60
    assert gateway.taken[-1][0] <= 1.3 * 6
    assert gateway.refused <= 20
    assert set(Message.objects.values_list("state", "attempts")) == {(MessageState.ACCEPTED, 1)}


@pytest.mark.parametrize("by_distance", [False, True])
@pytest.mark.parametrize(("setting", "times"), [({}, 1.5), ({"SMS_ONE_RATE": "10"}, 1.3)])
def test_codes_and_results_of_two_parts_take_little_more_than_their_parts(
    clock, use_gateways, settings, setting, times, by_distance
):
    settings.SMS_ENVIRONMENT = setting
    gateway = ThrottlingGateway("one", clock, rate=10, by_distance=by_distance)
    use_gateways(gateway)
    for _ in range(30):
        queue(MessageKind.CODE)
        queue(text=LONG[:100])
    drain.drain()
    assert len(gateway.accepted) == 60
    assert gateway.taken[-1][0] <= times * 9


@pytest.mark.parametrize("by_distance", [False, True])
@pytest.mark.parametrize(("setting", "times"), [({}, 1.9), ({"SMS_ONE_RATE": "2"}, 1.3)])
def test_six_long_results_at_two_a_second_take_little_more_than_their_parts(
    clock, use_gateways, settings, setting, times, by_distance
):
    """One after the other, as at this gateway, the rate is learned from a few long messages only."""
    settings.SMS_ENVIRONMENT = setting
    gateway = ThrottlingGateway("one", clock, rate=2, by_distance=by_distance)
    use_gateways(gateway)
    for _ in range(6):
        queue(text=LONG)
    drain.drain()
    assert len(gateway.accepted) == 6
    assert gateway.taken[-1][0] <= times * 36 / 2


@pytest.mark.faults
@pytest.mark.parametrize("setting", [{}, {"SMS_ONE_RATE": "10"}])
def test_a_long_queue_of_results_delays_no_code_by_more_than_two_seconds(clock, use_gateways, settings, setting):
    settings.SMS_ENVIRONMENT = setting
    asked: list[float] = []

    def ask_now_and_then():
        if len(asked) < 8 and clock.at > 4 * (len(asked) + 1):
            asked.append(clock.at)
            queue(MessageKind.CODE, operator="mtn")

    gateway = ThrottlingGateway("one", clock, rate=10, before=ask_now_and_then)
    use_gateways(gateway)
    queue_results(1_500)
    drain.drain(seconds=40)
    taken = [at for at, kind in gateway.taken if kind == MessageKind.CODE]
    assert len(taken) == len(asked) == 8
    assert max(at - since for at, since in zip(taken, asked, strict=True)) <= 2
    assert len(gateway.accepted) >= 0.8 * 40 * 10  # and the line is used


def test_codes_that_another_worker_has_go_before_the_results_of_this_one(clock, settings):
    """A code moves the line's clock on a little before results may: they get what codes leave."""
    settings.SMS_GATEWAYS, settings.SMS_ENVIRONMENT = ["one"], {"SMS_ONE_RATE": "10"}
    codes = results = 0
    for _ in range(200):
        results += len(lines.take("one", [Wish(1, is_code=False)]))
        codes += len(lines.take("one", [Wish(1, is_code=True)]))
        clock.sleep(0.02)
    assert results <= 2
    assert codes >= 39


# ── What a throttled message is


def test_a_message_that_was_too_early_was_not_tried(clock, use_gateways):
    """It waits for its turn: no round is over, no back-off grows, and at the end of the drain it is due at once."""
    gateway = StubGateway("one", *[TryAgain.busy("88", after=timedelta(seconds=30))] * 9)
    use_gateways(gateway)
    message = queue(MessageKind.CODE)
    drain.drain(seconds=3)
    message.refresh_from_db()
    assert (message.state, message.attempts, message.lease) == (MessageState.QUEUED, 0, None)
    assert message.next_attempt_at <= timezone.now()
    assert len(gateway.sent) == 1


def test_it_goes_as_soon_as_the_gateway_wants(clock, use_gateways):
    gateway = StubGateway("one", TryAgain.busy("429", after=timedelta(seconds=7)))
    use_gateways(gateway)
    message = queue()
    began = timezone.now()
    drain.drain()
    message.refresh_from_db()
    assert message.state == MessageState.ACCEPTED
    assert timedelta(seconds=7) <= message.sent_at - began < timedelta(seconds=9)


def test_a_gateway_cannot_stop_its_line_for_hours(clock, use_gateways):
    use_gateways(StubGateway("one", TryAgain.busy(after=timedelta(days=1))))
    queue()
    drain.drain(seconds=limits.SMS_LINE_LONGEST_HOLD.total_seconds() + 10)
    assert states() == {MessageState.ACCEPTED: 1}


def test_a_code_goes_by_the_next_gateway_meanwhile(clock, use_gateways):
    second = StubGateway("second")
    use_gateways(StubGateway("one", *[TryAgain.busy(after=timedelta(minutes=1))] * 9), second)
    for _ in range(3):
        queue(MessageKind.CODE)
    drain.drain()
    assert len(second.accepted) == 3
    assert clock.at < 1


def test_what_expires_while_it_waits_is_not_sent(clock, use_gateways):
    gateway = StubGateway("one", *[TryAgain.busy(after=timedelta(minutes=5))] * 99)
    use_gateways(gateway)
    code = queue(MessageKind.CODE, expires_at=timezone.now() + timedelta(seconds=20))
    drain.drain()
    code.refresh_from_db()
    assert code.state == MessageState.EXPIRED
    assert len(gateway.sent) == 1


def test_what_waits_until_it_is_given_up_is_not_sent(clock, use_gateways):
    gateway = StubGateway("one")
    use_gateways(gateway)
    result = queue()
    clock.sleep(limits.SMS_RESULT_GIVE_UP.total_seconds())
    drain.drain()
    result.refresh_from_db()
    assert (result.state, gateway.sent) == (MessageState.FAILED, [])


def test_no_breaker_opens_by_answers_that_say_busy(clock, use_gateways):
    gateway = StubGateway("one", *[TryAgain.busy("88")] * 40)
    use_gateways(gateway)
    for _ in range(10):
        queue(operator="mci")
    drain.drain(seconds=600)
    assert not Breaker.objects.filter(open_until__isnull=False).exists()
    assert states() == {MessageState.ACCEPTED: 10}


# ── One phone that is switched off, and a line that takes nothing


@pytest.mark.parametrize("kind", [MessageKind.CODE, MessageKind.RESULT])
@pytest.mark.parametrize("said", [TryAgain.busy("http 429"), TryAgain.full("status 20")])
def test_one_number_that_is_refused_holds_up_nobody(clock, use_gateways, said, kind):
    gateway = ThrottlingGateway("one", clock, rate=1000)
    gateway.switched_off = {"+989120000000": said}
    use_gateways(gateway)
    alone = queue(kind, to="+989120000000")
    for _ in range(60):
        queue(kind)
    drain.drain()
    assert len(gateway.accepted) == 60
    assert gateway.taken[-1][0] <= 12
    alone.refresh_from_db()
    assert alone.attempts >= 1  # it was tried, and put off by itself


@pytest.mark.parametrize("after", [60, 300])
def test_one_number_that_has_to_wait_for_minutes_holds_up_nobody(clock, use_gateways, after):
    """A gateway that takes one SMS a minute for a phone, and says so by 429 and Retry-After."""
    gateway = ThrottlingGateway("one", clock, rate=1000)
    gateway.switched_off = {"+989120000000": TryAgain.busy("http 429", after=timedelta(seconds=after))}
    use_gateways(gateway)
    for resend in range(3):
        queue(MessageKind.CODE)
        alone = queue(MessageKind.CODE, to="+989120000000")
        for _ in range(20):
            queue(MessageKind.CODE)
        began = clock.at
        drain.drain()
        assert len(gateway.accepted) == 21 * (resend + 1)
        assert gateway.taken[-1][0] - began <= 2
        alone.refresh_from_db()
        assert alone.next_attempt_at - timezone.now() > timedelta(seconds=after - 5)


def test_a_pause_for_two_numbers_is_the_lines(clock, use_gateways):
    pauses = [TryAgain.busy("http 429", after=timedelta(seconds=60))] * 2
    gateway = StubGateway("one", Accepted(), *pauses)
    use_gateways(gateway)
    for number in range(5):
        queue(MessageKind.CODE, to=f"+98912000000{number}")
    drain.drain(seconds=20)
    assert len(gateway.sent) == 3
    assert lines.wait("one", is_code=True) > 30


def test_a_number_that_is_refused_again_in_its_next_round_slows_nobody_down(clock, use_gateways):
    gateway = ThrottlingGateway("one", clock, rate=1000)
    gateway.switched_off = {"+989120000000": TryAgain.full("status 20")}
    use_gateways(gateway)
    alone = queue(to="+989120000000")
    for _ in range(9):
        queue()
    drain.drain()
    before = list(Line.objects.values())
    make_due(alone)
    for _ in range(9):
        queue()
    drain.drain()
    alone.refresh_from_db()
    assert (alone.state, alone.attempts, len(gateway.accepted)) == (MessageState.QUEUED, 2, 18)
    assert list(Line.objects.values("learned", "cut_at")) == [
        {name: row[name] for name in ("learned", "cut_at")} for row in before
    ]


@pytest.mark.parametrize("said", [TryAgain.busy, TryAgain.full])
def test_a_number_goes_by_the_next_gateway_when_only_the_first_refuses_it(clock, use_gateways, said):
    gateway, second = ThrottlingGateway("one", clock, rate=1000), StubGateway("second")
    gateway.switched_off = {"+989120000000": said("88")}
    use_gateways(gateway, second)
    queue(to="+989120000000")
    for _ in range(9):
        queue()
    drain.drain()
    assert states() == {MessageState.ACCEPTED: 10}
    assert len(second.accepted) >= 1


@pytest.mark.faults
def test_minutes_of_busy_are_over_when_the_gateway_takes_messages_again(clock, use_gateways):
    gateway = ThrottlingGateway("one", clock, rate=30)
    gateway.full_until = 300.0
    use_gateways(gateway)
    for _ in range(60):
        queue()
    drain.drain(seconds=320)
    assert len(gateway.accepted) == 60
    assert gateway.taken[-1][0] <= 300 + 5
    assert set(Message.objects.values_list("state", "attempts")) == {(MessageState.ACCEPTED, 1)}
    assert gateway.refused <= 300 / 0.5 * 3 + 20


# ── Drains


def test_a_drain_that_ends_while_messages_wait_starts_its_successor(clock, use_gateways, monkeypatch):
    hinted: list[str] = []
    monkeypatch.setattr(drain, "hint", hinted.append)
    use_gateways(StubGateway("one", *[TryAgain.busy(after=timedelta(minutes=1))] * 9))
    queue()
    drain.drain(seconds=5)
    assert hinted == ["sms.drain"]


def test_the_oldest_goes_first_also_when_it_was_given_back(clock, use_gateways, settings):
    settings.SMS_ENVIRONMENT = {"SMS_ONE_RATE": "1"}
    gateway = StubGateway("one")
    use_gateways(gateway)
    queued = []
    for _ in range(30):
        queued.append(queue(MessageKind.CODE))
        clock.sleep(0.01)
    drain.drain()
    assert [sms.key for sms in gateway.sent] == [message.key for message in queued]


def test_a_second_drain_of_a_process_does_not_wait_beside_the_first(clock, use_gateways, monkeypatch):
    """What it claimed is left to the first, which looks for codes five times a second."""
    use_gateways(StubGateway("one", *[TryAgain.busy(after=timedelta(minutes=1))] * 9))
    first = drain._Drain(50, 200)
    first.pause, first.began = 1.0, first.began - 1
    monkeypatch.setattr(drain, "_claiming", {first})
    message = queue(MessageKind.CODE)
    drain.drain()
    message.refresh_from_db()
    assert clock.at < 5
    assert (message.state, message.lease) == (MessageState.QUEUED, None)


def test_a_line_that_nobody_limits_costs_one_read(use_gateways):
    use_gateways(crowd("one"))
    for _ in range(30):
        queue()
    with CaptureQueriesContext(connection) as captured:
        drain.drain()
    assert len([each for each in captured if "sms_line" in each["sql"]]) == 1
    assert not Line.objects.exists()


# ── The row


def test_workers_share_the_line(settings, clock):
    settings.SMS_GATEWAYS, settings.SMS_ENVIRONMENT = ["one"], {"SMS_ONE_RATE": "10"}
    wishes = [Wish(1, is_code=True)] * 50
    first = len(lines.take("one", wishes))
    seen = dict(lines._seen)
    second = lines.take("one", wishes)
    lines._seen.update(seen)  # a process that knows an older row
    assert first >= 1
    assert second == lines.take("one", wishes) == []


def test_turns_that_are_not_used_are_given_back(settings, clock):
    settings.SMS_GATEWAYS, settings.SMS_ENVIRONMENT = ["one"], {"SMS_ONE_RATE": "1"}
    assert len(lines.take("one", [Wish(9, is_code=False)])) == 1
    lines.give_back("one", 9)
    clock.sleep(0.2)
    assert len(lines.take("one", [Wish(1, is_code=False)])) == 1


def test_turns_that_are_given_back_during_a_hold_do_not_let_results_go_before_codes(settings, clock):
    """Another worker heard "wait a minute" between the take and the give-back."""
    settings.SMS_GATEWAYS, settings.SMS_ENVIRONMENT = ["one"], {"SMS_ONE_RATE": "1"}
    lines.take("one", [Wish(6, is_code=False)])
    lines.busy("one", began=timezone.now(), after=timedelta(seconds=60))
    lines.give_back("one", 6)
    assert lines.wait("one", is_code=False) >= lines.wait("one", is_code=True) > 59


def test_turns_are_given_back_once_although_the_database_goes_away_in_between(monkeypatch):
    """The drain repeats the whole step; the first gateway has had its turns back."""
    back: list[str] = []
    away = iter([False, True, False])

    def give_back(name, parts):
        if next(away):
            raise OperationalError
        back.append(name)

    monkeypatch.setattr(lines, "give_back", give_back)
    unused = Turns([])
    for name in ("one", "two"):
        unused._granted[name] = {Job(Message(parts=3), 0.0, [], None): 0.0}
    with pytest.raises(OperationalError):
        unused.give_back()
    unused.give_back()
    assert back == ["one", "two"]


@pytest.mark.parametrize("setting", [{}, {"SMS_ONE_RATE": "10"}])
def test_a_worker_whose_clock_is_an_hour_ahead_does_not_stop_the_line(settings, clock, setting):
    settings.SMS_GATEWAYS, settings.SMS_ENVIRONMENT = ["one"], setting
    clock.sleep(3600)
    lines.take("one", [Wish(1, is_code=True)])
    lines.busy("one", began=timezone.now(), after=timedelta(seconds=5))
    clock.sleep(-3600)
    lines.forget()
    assert lines.take("one", [Wish(1, is_code=True)])
    clock.sleep(1)
    assert lines.take("one", [Wish(1, is_code=True)])
    lines.busy("one", began=timezone.now(), after=None)  # and it is learned from again
    assert timezone.now() - Line.objects.get().cut_at < timedelta(minutes=1)


@pytest.mark.parametrize("text", ["0", "-1", "fast", "1e3", "10001", "۱۰", "0.0001"])
def test_a_rate_that_cannot_be_read_is_a_fault(settings, text):
    settings.SMS_GATEWAYS = ["inbox"]
    settings.SMS_ENVIRONMENT = {"SMS_INBOX_RATE": text}
    assert [fault.check_id for fault in configuration.faults()].count("sms.E030") == 1
    assert configuration.rate("inbox") is None


# ── The rate that is learned

NOW = timezone.now()


def cut(before: Pace, *, taken: int, began: float = 0, after: timedelta | None = None, at: float = 1) -> Pace:
    now, since = NOW + timedelta(seconds=at), NOW
    return pace.cut(
        before,
        None,
        now,
        began=NOW + timedelta(seconds=began),
        taken=Taken(taken, since if taken else None),
        after=after,
    )


def test_the_first_busy_answer_teaches_what_was_taken_within_the_second():
    learned = cut(Pace(NOW), taken=40)
    assert learned.learned == pytest.approx(40 * 0.92)
    assert learned.held_until >= NOW + timedelta(seconds=1)


def test_little_that_was_taken_at_first_is_a_guess_that_grows_quickly():
    learned = cut(Pace(NOW), taken=1)
    assert pace.rate(learned, None, NOW + timedelta(seconds=1)) == 5
    assert pace.rate(learned, None, NOW + timedelta(seconds=2)) == 20


def test_a_gateway_that_takes_nothing_teaches_no_rate():
    """It is tried with few messages, and no slower from time to time."""
    nothing = cut(Pace(NOW), taken=0)
    assert nothing.learned is None
    assert nothing.held_until > NOW + timedelta(seconds=1)
    assert pace.rate(nothing, None, nothing.held_until) == 5
    assert pace.rate(nothing, 2.0, nothing.held_until) == pytest.approx(2 * 0.97)
    assert pace.rate(nothing, None, nothing.held_until + timedelta(seconds=1)) is None
    known = cut(Pace(NOW), taken=40)
    assert cut(known, taken=0, began=1.1, at=1.2).learned >= known.learned


def test_calls_that_were_under_way_together_cut_the_rate_once():
    once = cut(Pace(NOW), taken=40)
    assert cut(once, taken=40, began=0.9, at=1.1) == once
    again = cut(once, taken=35, began=1.1, at=1.1)
    assert 0.8 * once.learned <= again.learned < once.learned


def test_a_rate_returns_quickly_to_what_was_good_and_grows_slowly_beyond():
    known = Pace(NOW, learned=5.0, ceiling=10.0, cut_at=NOW)
    assert pace.rate(known, None, NOW + timedelta(seconds=0.4)) == pytest.approx(5 * 4**0.4)
    assert 9.2 <= pace.rate(known, None, NOW + timedelta(seconds=0.5)) < 9.3
    assert 9.2 * 1.05 <= pace.rate(known, None, NOW + timedelta(seconds=1.6)) < 10
    assert pace.rate(known, None, NOW + timedelta(minutes=9)) == 10_000
    assert pace.rate(known, None, NOW + timedelta(minutes=11)) is None
    assert pace.rate(known, 45.0, NOW + timedelta(minutes=1)) == pytest.approx(45 * 0.97)


def test_one_answer_after_quiet_minutes_brings_back_what_was_known():
    known = Pace(NOW, learned=5.0, ceiling=10.0, cut_at=NOW)
    assert cut(known, taken=1, began=59, at=60).learned == pytest.approx(9.2)
    unknown = Pace(NOW, learned=5.0, cut_at=NOW)
    assert cut(unknown, taken=1, began=1.9, at=2).learned == pytest.approx(5 * 16 / 2)


def test_a_long_message_that_was_slowed_teaches_what_it_took():
    began, now = NOW, NOW + timedelta(seconds=3)
    unknown = pace.slowed(Pace(NOW), None, now, began=began, parts=6, every=0)
    assert (unknown.learned, unknown.ceiling) == (2, None)
    known = Pace(NOW, learned=3.0, ceiling=4.0, cut_at=NOW - timedelta(seconds=1))
    after = pace.slowed(known, None, now, began=began, parts=6, every=1 / 3)
    assert (after.learned, after.ceiling) == (pytest.approx(1.84), pytest.approx(2.5))
    assert pace.slowed(after, None, now, began=began, parts=6, every=0.1) == after  # one of those that were under way


def test_each_part_has_its_own_time():
    """A gateway may refuse what comes too soon after the last part."""
    times, after = pace.grant(Pace(NOW), 20, NOW, [Wish(1, is_code=False)] * 9)
    assert times == [NOW + timedelta(seconds=number / 20) for number in range(3)]
    assert pace.grant(after, 20, NOW, [Wish(1, is_code=True)])[0] == []
    times, _ = pace.grant(after, 20, NOW + timedelta(seconds=0.09), [Wish(1, is_code=True)])
    assert times == [NOW + timedelta(seconds=0.15)]


def test_a_message_of_many_parts_takes_their_time():
    times, after = pace.grant(Pace(NOW), 10, NOW, [Wish(6, is_code=False), Wish(1, is_code=False)])
    assert times == [NOW]
    assert after.free_at == after.next_at == NOW + timedelta(seconds=0.6)


def test_a_code_that_is_too_early_books_the_next_turn():
    """The results of other workers go after it."""
    _, busy = pace.grant(Pace(NOW), 2, NOW, [Wish(1, is_code=False)])
    _, booked = pace.grant(busy, 2, NOW, [Wish(1, is_code=True)])
    later = NOW + timedelta(seconds=0.45)
    assert pace.grant(booked, 2, later, [Wish(1, is_code=False)])[0] == []
    assert len(pace.grant(booked, 2, later, [Wish(1, is_code=True)])[0]) == 1


def test_a_hold_is_for_codes_too():
    held = Pace(NOW, held_until=NOW + timedelta(seconds=3))
    assert pace.grant(held, 10, NOW, [Wish(1, is_code=True)])[0] == []
    assert 2.9 <= pace.wait(held, 10, NOW, is_code=True) <= 3


def test_the_clock_of_these_tests_moves() -> None:
    simulated = Clock()
    simulated.sleep(2)
    assert simulated.at == 2
