"""Codes that nobody uses, crowds of neighbours, and the day's budget: alarms first, and results go on longest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.codes import issuing, sending, trying
from accounts.models import CodePurpose, OneTimeCode
from accounts.tasks import watch
from common import alarms, limits
from common.errors import PortalError
from common.persian import to_persian_digits
from sms import budget
from sms.models import Message, MessageState, Share
from sms.sending import drain
from sms.tasks import watch as watch_sms
from tests.support.accounts import citizen
from tests.support.entrances import move_clock
from tests.support.journeys import Browser, code_on, let_pass
from tests.support.sms_fixtures import queue

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "+989125550001"


def ask(mobile: str) -> issuing.Issued:
    return issuing.issue(purpose=CodePurpose.REGISTER, mobile=mobile, asker="someone")


def test_a_crowd_of_sessions_that_asks_for_one_number_leaves_few_rows_and_its_owner_gets_through():
    ask(NEW)
    typed = code_on(NEW)
    for session in range(60):
        issuing.issue(purpose=CodePurpose.REGISTER, mobile=NEW, asker=f"session {session}")
    own = {"purpose": CodePurpose.REGISTER, "mobile": NEW, "asker": "the owner on a new device"}
    assert not issuing.issue(**own).sent
    assert OneTimeCode.objects.count() == limits.CODE_ASKERS_IN_GAP + 1
    with pytest.raises(PortalError, match="code_elsewhere"):
        trying.try_code(**own, typed=typed)
    for _ in range(limits.CODES_PER_HOUR - 1):  # the others of the crowd, who asked before
        let_pass(limits.CODE_GAP)
        sending.send_due()
    assert OneTimeCode.objects.exclude(code_hash="").count() == limits.CODES_PER_HOUR


def test_a_code_that_was_used_does_not_use_up_the_next_one_for_something_else():
    """A minute may lie between: the first one was typed in its last second, and is answered again that long."""
    session = {"purpose": CodePurpose.REGISTER, "mobile": NEW, "asker": "someone"}
    ask(NEW)
    first = code_on(NEW)
    let_pass(limits.CODE_GAP)
    trying.consume(trying.try_code(**session, typed=first), used_for="one registration")
    assert ask(NEW).sent
    with pytest.raises(PortalError, match="code_wrong"):
        trying.consume(trying.try_code(**session, typed=first), used_for="another registration")
    trying.consume(trying.try_code(**session, typed=first), used_for="one registration")  # a lost answer
    trying.consume(trying.try_code(**session, typed=code_on(NEW)), used_for="another registration")


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


@pytest.fixture
def midst_of_an_hour(monkeypatch):
    """So that no new hour begins during a test."""
    move_clock(monkeypatch, timedelta(minutes=30 - timezone.localtime().minute))
    budget.forget()


def spend(settings, share: Share) -> None:
    """All that `share` may have in this hour is used."""
    settings.SMS_DAILY_BUDGET = 2_400
    budget.forget()
    message = queue(to=NEW)
    room = next(line.room for line in budget.usage() if line.share == share)
    Message.objects.filter(pk=message.pk).update(
        parts=room, share=share, sent_at=timezone.now(), next_attempt_at=None, state=MessageState.ACCEPTED
    )
    budget.forget()


def test_new_numbers_that_have_used_up_their_share_leave_proven_ones_theirs(settings, midst_of_an_hour):
    citizen(mobile="+989125550002")
    asked(1, used=1)
    spend(settings, Share.NEW)
    with pytest.raises(PortalError, match="code_budget") as refused:
        ask(NEW)
    assert refused.value.values == {"retry_at": budget.next_part(Share.NEW)}
    assert ask("+989125550002").sent
    assert ask("+989120000000").sent
    assert not OneTimeCode.objects.filter(mobile=NEW).exists()


def test_a_code_that_was_asked_for_counts_at_once_before_any_worker_sent_it(settings, midst_of_an_hour):
    settings.SMS_DAILY_BUDGET = 2_400
    for _ in ("this process", "another, which counts the rows"):
        before = {line.share: line.room for line in budget.usage()}[Share.NEW]
        ask(f"+98912666{before:04}")
        parts = Message.objects.latest("pk").parts
        assert {line.share: line.room for line in budget.usage()}[Share.NEW] == before - parts
        budget.forget()


def test_an_administrator_hears_of_a_share_that_is_used_up_and_when_it_is_over(settings, midst_of_an_hour):
    spend(settings, Share.NEW)
    watch_sms()
    assert ("budget", "new") in standing()
    Message.objects.update(sent_at=timezone.now() - timedelta(days=1))
    budget.forget()
    watch_sms()
    assert standing() == []


def test_the_citizen_is_told_from_when_there_are_codes_again_and_keeps_what_was_typed(settings, midst_of_an_hour):
    spend(settings, Share.NEW)
    page = Browser().step_one().content.decode()
    again = timezone.localtime(budget.next_part(Share.NEW))
    assert to_persian_digits(again.strftime("%H:%M")) in page
    assert "می‌توانید دوباره کد بخواهید" in page
    assert "نزدیکترین شعبه" in page
    assert 'value="0012345679"' in page or 'name="mobile-national_id"' in page


def test_results_go_on_when_codes_to_new_numbers_have_stopped(settings, midst_of_an_hour):
    spend(settings, Share.NEW)
    message = queue()
    drain.drain()
    message.refresh_from_db()
    assert message.sent_at is not None
