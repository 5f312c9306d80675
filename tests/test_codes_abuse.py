"""Codes that nobody uses, crowds of neighbours, and the day's budget: alarms first, and results go on longest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import codes
from accounts.models import CodePurpose, OneTimeCode
from accounts.tasks import watch
from sms import budget, delivery
from sms.models import Message, MessageState
from sms.tasks import watch as watch_sms
from tamin_portal import alarms, limits
from tamin_portal.errors import PortalError
from tests.accounts import citizen
from tests.journeys import Browser, code_on, let_pass
from tests.sms_fixtures import queue

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "+989125550001"


def ask(mobile: str) -> codes.Issued:
    return codes.issue(purpose=CodePurpose.REGISTER, mobile=mobile, asker="someone")


def test_a_crowd_of_sessions_that_asks_for_one_number_leaves_few_rows_and_its_owner_gets_through():
    ask(NEW)
    typed = code_on(NEW)
    for session in range(60):
        codes.issue(purpose=CodePurpose.REGISTER, mobile=NEW, asker=f"session {session}")
    own = {"purpose": CodePurpose.REGISTER, "mobile": NEW, "asker": "the owner on a new device"}
    assert not codes.issue(**own).sent
    assert OneTimeCode.objects.count() == limits.CODE_ASKERS_IN_GAP + 1
    with pytest.raises(PortalError, match="code_elsewhere"):
        codes.try_code(**own, typed=typed)
    for _ in range(limits.CODES_PER_HOUR - 1):  # the others of the crowd, who asked before
        let_pass(limits.CODE_GAP)
        codes.send_due()
    assert OneTimeCode.objects.exclude(code_hash="").count() == limits.CODES_PER_HOUR


def asked(
    numbers: int,
    *,
    used: int = 0,
    ago: timedelta = timedelta(minutes=30),
    first: int = 9_120_000_000,
    state: str = MessageState.ACCEPTED,
) -> None:
    """Codes to `numbers` mobiles, far from each other; the first `used` of them were typed in."""
    at = timezone.now() - ago
    for place in range(numbers):
        mobile = f"+98{first + place * 20_000}"
        message = queue(to=mobile)
        Message.objects.filter(pk=message.pk).update(state=state, next_attempt_at=None, sent_at=at)
        OneTimeCode.objects.create(
            purpose="register", mobile=mobile, asker="a", code_hash="h", message=message, created_at=at,
            used_at=at if place < used else None,
        )  # fmt: skip


def standing() -> list[tuple[str, str]]:
    return [(alarm.code, alarm.subject) for alarm in alarms.standing("sms")]


# ── pumping


@pytest.mark.parametrize(
    ("numbers", "used", "alarm"),
    [(limits.PUMPING_NUMBERS, 9, True), (limits.PUMPING_NUMBERS, 10, False), (limits.PUMPING_NUMBERS - 1, 0, False)],
)
def test_many_codes_and_few_used_is_an_alarm(numbers, used, alarm):
    asked(numbers, used=used)
    watch()
    assert bool(standing()) is alarm


@pytest.mark.parametrize(
    ("state", "alarm"),
    [("queued", False), ("expired", False), ("failed", False), ("unknown", False), ("delivered", True),
     ("undelivered", True)],
)  # fmt: skip
def test_only_codes_that_a_gateway_took_can_be_left_unused(state, alarm):
    asked(limits.PUMPING_NUMBERS, state=state)
    watch()
    assert bool(standing()) is alarm


def test_codes_that_may_still_be_typed_are_not_counted_as_unused():
    asked(limits.PUMPING_NUMBERS, ago=timedelta(minutes=5))
    watch()
    assert standing() == []


def test_the_alarm_is_over_when_the_hour_is():
    asked(limits.PUMPING_NUMBERS)
    watch()
    assert standing() == [("pumping", "")]
    OneTimeCode.objects.update(created_at=timezone.now() - timedelta(hours=2))
    watch()
    assert standing() == []


def test_a_crowd_of_neighbours_is_an_alarm_and_blocks_nobody(monkeypatch):
    monkeypatch.setattr(limits, "PREFIX_CODES_PER_HOUR", 3)
    for last in range(4):
        assert ask(f"+98912777000{last}").sent
    assert ask("+989128880001").sent
    watch()
    assert standing() == [("prefix", "0912777")]
    assert ask("+989127770009").sent
    OneTimeCode.objects.update(created_at=timezone.now() - timedelta(hours=2))
    watch()
    assert standing() == []


# ── the day's budget


def spend(settings, parts: int) -> None:
    settings.SMS_DAILY_BUDGET = 100
    message = queue(to=NEW)
    Message.objects.filter(pk=message.pk).update(parts=parts, sent_at=timezone.now(), next_attempt_at=None)
    budget.forget()


def test_near_its_end_a_new_number_gets_no_code_and_a_proven_one_does(settings):
    citizen(mobile="+989125550002")
    asked(1, used=1)
    spend(settings, 80)
    with pytest.raises(PortalError, match="code_budget"):
        ask(NEW)
    assert ask("+989125550002").sent
    assert ask("+989120000000").sent
    assert not OneTimeCode.objects.filter(mobile=NEW).exists()


def test_codes_that_wait_to_be_sent_count_as_spent(settings):
    """No worker runs: all of them are queued."""
    spend(settings, 70)
    asked_for = 0
    while codes_parts() < 10:
        asked_for += 1
        ask(f"+98912666{asked_for:04}")
    for _ in ("this process", "another, which counts the rows"):
        with pytest.raises(PortalError, match="code_budget"):
            ask(NEW)
        budget.forget()


def codes_parts() -> int:
    return sum(Message.objects.filter(kind="code").values_list("parts", flat=True))


def test_an_operator_hears_of_a_budget_that_refused_a_code_and_when_it_is_over(settings):
    spend(settings, 80)
    with pytest.raises(PortalError, match="code_budget"):
        ask(NEW)
    watch_sms()
    assert standing() == [("budget", "")]
    assert alarms.standing("sms")[0].detail == "80 of 100 parts are used today"
    Message.objects.update(sent_at=timezone.now() - timedelta(days=1))
    budget.forget()
    watch_sms()
    assert standing() == []


def test_an_operator_hears_of_it_before_anybody_asks(settings):
    spend(settings, 80)
    watch_sms()
    assert standing() == [("budget", "")]


def test_a_budget_that_is_given_up_leaves_no_alarm(settings):
    spend(settings, 80)
    watch_sms()
    settings.SMS_DAILY_BUDGET = 0
    watch_sms()
    assert standing() == []


def test_at_its_end_nobody_gets_a_code(settings):
    citizen(mobile="+989125550002")
    spend(settings, 100)
    with pytest.raises(PortalError, match="code_budget"):
        ask("+989125550002")


def test_the_citizen_is_told_and_keeps_what_was_typed(settings):
    spend(settings, 80)
    page = Browser().step_one().content.decode()
    assert "امروز دیگر کدی به این شماره فرستاده نمی‌شود" in page
    assert 'value="0012345679"' in page or 'name="mobile-national_id"' in page


def test_results_go_on_when_codes_to_new_numbers_have_stopped(settings):
    spend(settings, 99)
    message = queue()
    delivery.drain()
    message.refresh_from_db()
    assert message.sent_at is not None
