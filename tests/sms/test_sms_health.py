"""What monitoring and administrators see of the whole: the backlog, and how the gateways are doing."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from common import alarms, breaker
from common.models import AlarmCode
from sms import health, routing
from sms.models import Message, MessageKind, MessageState, Receipt
from tests.support.accounts import administrator, clerk
from tests.support.commands import run
from tests.support.pages import assert_fits_the_policy
from tests.support.sms_fixtures import LONG_AGO, delivered, queue
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)


# ── sms_backlog


def test_an_empty_backlog_is_no_problem():
    told = json.loads(run("sms_backlog", "--json"))
    assert told["problems"] == []
    assert told["waiting"]["code"] == {"count": 0, "oldest_seconds": 0}


def test_a_backlog_past_its_threshold_ends_with_an_error():
    message = queue(MessageKind.CODE)
    assert "code: 1 waiting" in run("sms_backlog")
    Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(seconds=61))
    with pytest.raises(CommandError, match="code: the oldest waits for 61 s") as caught:
        run("sms_backlog", "--json")
    assert caught.value.returncode == 1
    assert "code: 1 waiting" in run("sms_backlog", "--codes", "90")


def test_results_may_wait_longer_than_codes():
    message = queue()
    Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(seconds=899))
    run("sms_backlog")
    with pytest.raises(CommandError):
        run("sms_backlog", "--results", "890")


def test_a_standing_alarm_is_a_problem():
    alarms.sound(AlarmCode.OUT_OF_ORDER, "one", "418")
    with pytest.raises(CommandError, match="alarm out_of_order one: 418"):
        run("sms_backlog")


def test_a_long_queue_is_a_problem_though_it_is_young():
    for _ in range(3):
        queue()
    run("sms_backlog", "--queue", "3")
    with pytest.raises(CommandError, match="2 may wait, 3 do"):
        run("sms_backlog", "--queue", "2")


def ended(state: str, *, minutes: float = 1, **changes: Any) -> None:
    message, at = queue(), timezone.now() - timedelta(minutes=minutes)
    Message.objects.filter(pk=message.pk).update(
        state=state, next_attempt_at=None, final_at=at, sent_at=at if state == "unknown" else None
    )


@pytest.mark.parametrize(
    ("state", "option", "why"),
    [
        ("failed", "--failed", "3 failed or expired within the hour"),
        ("expired", "--failed", "3 failed or expired within the hour"),
        ("unknown", "--unknown", "of 3 sent within the hour nobody knows"),
    ],
)
def test_many_bad_ends_within_the_hour_are_a_problem(state, option, why):
    for minutes in (1, 30, 59, 61, 600):
        ended(state, minutes=minutes)
    run("sms_backlog", option, "3")
    with pytest.raises(CommandError, match=why):
        run("sms_backlog", option, "2")


def test_an_open_breaker_is_a_problem_also_without_an_alarm(use_gateways):
    use_gateways(StubGateway("one"))
    for _ in range(5):
        breaker.record("sms:one:mci", False)
    breaker.trip("registry:one", "down")  # not ours
    with pytest.raises(CommandError, match="breaker one:mci is open") as caught:
        run("sms_backlog", "--json")
    assert "registry" not in str(caught.value)


def test_receipts_that_nobody_reads_are_a_problem():
    row = Receipt.objects.create(gateway="one", body=b"x", next_attempt_at=timezone.now())
    Receipt.objects.create(gateway="one", body=b"x", state="held", next_attempt_at=timezone.now())
    run("sms_backlog")
    Receipt.objects.update(received_at=timezone.now() - timedelta(seconds=301))
    with pytest.raises(CommandError, match="receipts: the oldest is unread for 301 s"):
        run("sms_backlog")
    run("sms_backlog", "--receipts", "400")
    Receipt.objects.filter(pk=row.pk).update(state="done", next_attempt_at=None)
    run("sms_backlog")


def test_everything_that_is_judged_is_in_the_object(use_gateways, capsys):
    use_gateways(StubGateway("one"))
    ended("failed")
    ended("unknown")
    queue(MessageKind.CODE)
    breaker.trip("sms:one:*", "418")
    alarms.sound(AlarmCode.OUT_OF_ORDER, "one", "418")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("sms_backlog", "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["waiting"]["code"]["count"] == 1
    assert (told["failed_last_hour"], told["unknown_last_hour"], told["oldest_unread_receipt_seconds"]) == (1, 1, 0)
    assert (told["open_breakers"], told["alarms"]) == (["one:*"], ["out_of_order one"])
    assert told["problems"] == ["breaker one:* is open (418)", "alarm out_of_order one: 418"]


# ── health


def test_health_counts_what_was_delivered_and_how_fast(use_gateways):
    use_gateways(StubGateway("one"), StubGateway("two"))
    for seconds in range(1, 22):
        delivered(seconds)
    delivered(9, state=MessageState.UNDELIVERED)
    delivered(9, operator="mtn")
    delivered(5, ago=25 * 3600)
    lines = {(line.gateway, line.operator): line for line in health.look()}
    mci = lines["one", "mci"]
    assert (mci.taken, mci.delivered, mci.undelivered, mci.unconfirmed) == (22, 21, 1, 0)
    assert mci.share_delivered == pytest.approx(21 / 22)
    assert (round(mci.median), round(mci.slow)) == (11, 20)
    assert lines["one", "mtn"].slow == lines["one", "mtn"].median
    assert (lines["two", "*"].taken, lines["two", "*"].share_delivered, lines["two", "*"].median) == (0, None, None)


def test_what_nobody_confirmed_lowers_the_share_once_it_should_have_been(use_gateways):
    use_gateways(StubGateway("one"))
    for _ in range(6):
        delivered(5)
    for _ in range(3):
        delivered(0, state=MessageState.ACCEPTED)
    delivered(5, state=MessageState.UNDELIVERED)
    delivered(5, ago=60)  # too young to judge by: the quick ones come first
    delivered(0, ago=60, state=MessageState.ACCEPTED)
    delivered(0, state=MessageState.UNKNOWN)
    [line] = [each for each in health.look() if each.operator == "mci"]
    assert (line.taken, line.delivered, line.undelivered, line.unconfirmed, line.unknown) == (12, 7, 1, 3, 1)
    assert (line.due, line.share_delivered) == (10, pytest.approx(0.6))


def test_where_no_receipt_is_due_there_is_no_share(use_gateways):
    use_gateways(StubGateway("one"))
    final = delivered(0, state=MessageState.ACCEPTED)
    Message.objects.filter(pk=final.pk).update(final_at=timezone.now())
    [line] = [each for each in health.look() if each.operator == "mci"]
    assert (line.taken, line.due, line.unconfirmed, line.share_delivered) == (1, 0, 0, None)


def test_a_busy_day_hides_nothing_that_is_counted(use_gateways, monkeypatch):
    monkeypatch.setattr(health, "MOST", 3)
    use_gateways(StubGateway("one"))
    for seconds in (1, 2, 3, 4, 5):
        delivered(seconds, ago=LONG_AGO + 100 - seconds)
    [line] = [each for each in health.look() if each.operator == "mci"]
    assert (line.delivered, line.share_delivered) == (5, 1.0)
    assert round(line.median) == 4  # of the newest three


def told_of(gateway: str, operator: str) -> str:
    """The line of `sms_gateway` about both, with single blanks."""
    lines = [" ".join(line.split()) for line in run("sms_gateway").splitlines()]
    return next(line for line in lines if line.startswith(f"{gateway} {operator} "))


def test_a_shifted_weight_is_seen_beside_that_of_the_settings(use_gateways, settings, client):
    use_gateways(StubGateway("one"), StubGateway("two"))
    settings.SMS_ROUTES = "mci:one=3+two;*:one,two"
    assert "mci weight 3 on" in told_of("one", "mci")
    run("sms_gateway", "one", "weight", "0", "--operator", "mci")
    run("sms_gateway", "two", "weight", "7")
    run("sms_gateway", "two", "off", "--operator", "rightel")
    assert "mci weight 0 (settings: 3) on" in told_of("one", "mci")
    assert "* weight 1 on" in told_of("one", "*")
    assert "mci weight 7 (settings: 1) on" in told_of("two", "mci")
    assert "rightel weight 7 (settings: 1) off" in told_of("two", "rightel")
    client.force_login(administrator())
    page = client.get("/admin/sms/message/health/").content.decode()
    assert "<td>۰ (در تنظیمات: ۳)</td>" in page


def test_a_gateway_that_refuses_one_kind_says_so(use_gateways):
    use_gateways(StubGateway("one"))
    breaker.trip(routing.breaker_of_kind("one", "code"), "424")
    assert "on, out of order for code (424)" in run("sms_gateway")


def test_the_health_page_shows_it_and_fits_the_policy(use_gateways, client):
    use_gateways(StubGateway("one"), StubGateway("two"))
    delivered(4)
    delivered(0, state=MessageState.ACCEPTED)
    breaker.trip(routing.breaker_of_kind("one", "code"), "424")
    queue(operator="mci")
    for _ in range(5):
        breaker.record("sms:two:mci", False)
    breaker.trip("sms:two:*", "418")
    alarms.sound(AlarmCode.OUT_OF_ORDER, "two", "418")
    client.force_login(administrator())
    page = client.get("/admin/sms/message/health/").content.decode()
    assert_fits_the_policy(page)
    assert "۵۰٫۰٪" in page
    assert "تأیید نشده" in page
    assert "بیش از ۱۰ دقیقه" in page
    assert "<bdi>424</bdi>" in page
    assert "<bdi>418</bdi>" in page
    assert "۴٫۰" in page
    assert "درگاه حساب ما را نمی‌پذیرد" in page
    assert "/admin/sms/message/health/" in client.get("/admin/sms/message/").content.decode()


def test_a_clerk_sees_nothing_of_it(client):
    client.force_login(clerk())
    of_sms = ("message/", "message/1/change/", "message/health/", "gatewayswitch/", "receipt/")
    for path in (*(f"sms/{path}" for path in of_sms), "portal/alarm/"):
        assert client.get(f"/admin/{path}").status_code == 403
