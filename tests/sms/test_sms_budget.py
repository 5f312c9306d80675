"""The day's budget: each share has its part, by the hour; no flood takes what is kept for others."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.codes import issuing, sending
from accounts.codes.requesters import Requester
from accounts.life import notices
from accounts.models import Allowance, CodePurpose, EventKind
from common import alarms
from common.abuse.origins import origin_of
from common.errors import PortalError
from common.models import AlarmCode
from sms import budget, manual_actions
from sms.gateways.base import TryAgain
from sms.models import Message, MessageKind, MessageState, Share, share_of
from sms.sending import drain
from sms.shares import divided
from sms.tasks import watch
from tests.support.accounts import administrator, citizen, together
from tests.support.commands import run
from tests.support.entrances import move_clock
from tests.support.sms_fixtures import NUMBER, crowd, make_due, queue, states
from tests.support.sms_gateways import StubGateway

pytestmark = pytest.mark.django_db(transaction=True)
CODE, RESULT, NOTICE, ALERT = MessageKind.CODE, MessageKind.RESULT, MessageKind.NOTICE, MessageKind.ALERT
OTHERS = (Share.RESULTS, Share.OWN, Share.PROVEN, Share.NEW)
At = Callable[..., None]
_numbers = itertools.count(1)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, settings) -> At:
    """Set the clock to an hour and minute in Tehran; of 2,400 parts a day. What processes know is counted anew."""
    settings.SMS_DAILY_BUDGET = 2_400
    moment = timezone.localtime() + timedelta(days=1)
    monkeypatch.setattr(timezone, "now", lambda: moment)

    def set_to(hour: int, minute: int = 0, *, days: int = 0) -> None:
        nonlocal moment
        moment = (moment + timedelta(days=days)).replace(hour=hour, minute=minute, second=0, microsecond=0)
        budget.forget()

    return set_to


def sent(parts: int, share: Share | str = "", *, kind: str = CODE) -> Message:
    """A message of so many parts that a gateway has just taken."""
    message = queue(kind, to=f"+98912{next(_numbers):07}")
    Message.objects.filter(pk=message.pk).update(
        parts=parts, share=share, sent_at=timezone.now(), state=MessageState.ACCEPTED, next_attempt_at=None
    )
    budget.forget()
    return message


def rooms() -> dict[Share, int]:
    return {line.share: line.room for line in budget.usage()}


def clock(moment: datetime | None) -> str:
    return timezone.localtime(moment).strftime("%H:%M") if moment else "now"


# ── what a message counts to


def test_a_message_counts_to_its_share_and_without_one_by_its_kind() -> None:
    assert [queue(kind).share for kind in (CODE, RESULT, NOTICE, ALERT)] == ["rest", "results", "results", "results"]
    assert queue(CODE, share=Share.OWN).share == "own"
    assert [share_of(CODE), share_of(RESULT), share_of(CODE, "new")] == [Share.REST, Share.RESULTS, Share.NEW]


def test_rows_of_before_there_were_shares_count_by_their_kind(at: At) -> None:
    at(9)
    sent(7, "")
    sent(5, "", kind=RESULT)
    spent = {line.share: line.spent for line in budget.usage()}
    assert (spent[Share.REST], spent[Share.RESULTS]) == (7, 5)


def test_a_process_of_before_the_update_can_still_write_a_message() -> None:
    """It names no share, and the database must not mind."""
    message = queue()
    columns = [field.column for field in Message._meta.concrete_fields if field.column not in ("id", "share")]
    values = ", ".join(
        {"key": "'0b0e8a0e4f1b4c51a5a6a2a2f2d8f0aa'", "dedupe_key": "'old'"}.get(c, f'"{c}"') for c in columns
    )
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO sms_message ({names}) SELECT {values} FROM sms_message WHERE id = {message.pk}")
    assert Message.objects.get(dedupe_key="old").share == ""


def test_a_result_that_is_sent_again_costs_the_share_of_the_first(at: At) -> None:
    old = queue(NOTICE, share=Share.REST)
    Message.objects.filter(pk=old.pk).update(state=MessageState.FAILED, next_attempt_at=None)
    assert manual_actions.resend(message=old.pk).share == Share.REST


def test_a_notice_that_a_stranger_can_cause_costs_the_strangers_share() -> None:
    """Else ten wrong passwords at many IDs would use up the results."""
    account = citizen(mobile=NUMBER)
    notices.record(account=account, kind=EventKind.MANY_FAILURES, actor="portal")
    notices.record(account=account, kind=EventKind.PASSWORD_CHANGED, actor="portal")
    assert list(Message.objects.order_by("pk").values_list("kind", "share")) == [(NOTICE, "rest"), (ALERT, "results")]


@pytest.mark.parametrize(
    ("allowance", "is_good", "proven", "share"),
    [
        (Allowance.PASSWORD, True, True, Share.OWN),
        (Allowance.TRUSTED, False, True, Share.OWN),
        (Allowance.DESK, True, False, Share.OWN),
        (Allowance.SIGNED_IN, True, False, Share.NEW),
        (Allowance.ASKED, True, True, Share.PROVEN),
        (Allowance.ASKED, True, False, Share.NEW),
        (Allowance.ASKED, False, True, Share.REST),
        (Allowance.ASKED, False, False, Share.REST),
    ],
)
def test_a_code_costs_the_share_of_who_asks_and_of_the_number(
    allowance: Allowance, is_good: bool, proven: bool, share: Share
) -> None:
    if proven:
        citizen(mobile=NUMBER)
    by = Requester(origin=origin_of("203.0.113.7"), is_good=is_good)
    issuing.issue(purpose=CodePurpose.REGISTER, mobile=NUMBER, asker="someone", allowance=allowance, by=by)
    assert Message.objects.get().share == share


def test_a_place_in_the_queue_costs_its_own_share_and_is_given_up_where_that_is_used_up(at: At, monkeypatch) -> None:
    at(9)
    for asker, is_good in (("first", True), ("bad address", False), ("good address", True)):
        by = Requester(origin=origin_of(f"203.0.113.{len(asker)}"), is_good=is_good)
        issuing.issue(purpose=CodePurpose.REGISTER, mobile=NUMBER, asker=asker, by=by)
    sent(rooms()[Share.REST], Share.REST)
    move_clock(monkeypatch, timedelta(seconds=61))
    sending.send_due()
    assert list(Message.objects.filter(to=NUMBER).values_list("share", flat=True)) == ["new", "new"]


# ── who may have a code


def test_without_a_budget_nothing_is_counted(django_assert_num_queries, settings) -> None:
    settings.SMS_DAILY_BUDGET = 0
    message = queue()
    with django_assert_num_queries(0):
        assert budget.allows(Share.REST, 10**6)
        assert budget.next_part(Share.REST) is None
        assert budget.begin(message)
        assert budget.usage() == []
        budget.code_was_queued(Share.REST, 1)


def test_a_flood_of_strangers_up_to_its_end_leaves_every_other_share_whole(at: At) -> None:
    at(9)
    sent(rooms()[Share.REST], Share.REST)
    assert not budget.allows(Share.REST)
    left = {line.share: (line.room, line.released) for line in budget.usage()}
    assert all(left[share][0] >= left[share][1] for share in OTHERS)
    assert all(budget.allows(share, left[share][1]) for share in OTHERS)


def test_a_flood_of_new_numbers_touches_neither_proven_ones_nor_owners_nor_results(at: At) -> None:
    at(9)
    sent(rooms()[Share.NEW], Share.NEW)
    assert not budget.allows(Share.NEW)
    assert rooms() == {
        Share.RESULTS: 840 + 9 * (15 + 10),
        Share.OWN: 10 * 15 + 9 * 10,
        Share.PROVEN: 10 * 10,
        Share.NEW: 0,
        Share.REST: 15,  # what it carried over was borrowed; what this hour brings is its own
    }


def test_who_has_used_its_own_part_goes_on_with_what_lower_shares_left_over(at: At) -> None:
    at(9)
    sent(10 * 10, Share.PROVEN)  # all that it had for itself until now
    assert budget.allows(Share.PROVEN)
    assert rooms()[Share.PROVEN] == 9 * (25 + 15)
    sent(9 * 15, Share.PROVEN)
    assert rooms()[Share.REST] == 15
    assert rooms()[Share.NEW] == 10 * 25


def test_a_code_of_several_parts_needs_room_for_all_of_them(at: At) -> None:
    at(0)
    sent(14, Share.REST)
    assert budget.allows(Share.REST, 1)
    assert not budget.allows(Share.REST, 2)


# ── by the hour


def test_an_attack_from_midnight_on_leaves_something_in_every_hour_of_the_day(at: At) -> None:
    """It takes what each hour brings in its first minute. The evening's citizens of good addresses notice nothing."""
    taken = []
    for hour in range(24):
        at(hour)
        taken.append(rooms()[Share.REST])
        sent(taken[-1], Share.REST)
        assert not budget.allows(Share.REST)
        assert clock(budget.next_part(Share.REST)) == (f"{hour + 1:02}:00" if hour < 23 else "00:00")
    assert taken == [15] * 24
    assert rooms()[Share.NEW] == 600
    at(0, days=1)
    assert rooms()[Share.REST] == 15


def test_what_a_quiet_night_left_over_is_there_in_the_morning(at: At) -> None:
    at(8, 59)
    assert rooms()[Share.NEW] == 9 * 25 + 8 * 15
    at(9)
    assert rooms()[Share.NEW] == 10 * 25 + 9 * 15


def test_a_process_counts_again_when_an_hour_begins(at: At, monkeypatch) -> None:
    at(9, 59)
    sent(rooms()[Share.REST], Share.REST)
    assert not budget.allows(Share.REST)
    monkeypatch.setattr(budget, "LOOK_EVERY", 3_600.0)
    move_clock(monkeypatch, timedelta(minutes=1))
    assert budget.allows(Share.REST, 15)


def test_the_next_part_comes_when_there_is_room_for_it(at: At) -> None:
    at(20)
    assert budget.next_part(Share.OWN) is None
    sent(rooms()[Share.REST], Share.REST)
    assert clock(budget.next_part(Share.REST, 1)) == "21:00"
    assert clock(budget.next_part(Share.REST, 40)) == "23:00"
    last = budget.next_part(Share.REST, 46)  # not today any more
    assert last == budget.midnight() + timedelta(days=1)


def test_what_was_sent_yesterday_counts_no_more(at: At) -> None:
    at(23)
    sent(rooms()[Share.REST], Share.REST)
    at(0, days=1)
    assert budget.usage()[0].spent == 0
    assert budget.allows(Share.REST)


# ── what is sent


def test_results_over_their_room_wait_and_go_with_the_next_hour(at: At, use_gateways) -> None:
    gateway = StubGateway("stub")
    use_gateways(gateway)
    at(9)
    sent(rooms()[Share.RESULTS], Share.RESULTS, kind=RESULT)
    message = queue()
    drain.drain()
    message.refresh_from_db()
    assert (message.state, gateway.sent) == (MessageState.QUEUED, [])
    at(10)
    make_due(message)
    drain.drain()
    assert [sms.key for sms in gateway.sent] == [message.key]


def test_results_after_midnight_have_their_whole_part(at: At, use_gateways) -> None:
    use_gateways(StubGateway("stub"))
    at(23)
    sent(rooms()[Share.RESULTS], Share.RESULTS, kind=RESULT)
    at(0, days=1)
    assert rooms()[Share.RESULTS] == 840


def test_what_tells_of_a_theft_and_codes_that_were_allowed_go_also_over_the_budget(at: At, use_gateways) -> None:
    """Else whoever uses up the day could hide what was done to an account."""
    gateway = StubGateway("stub")
    use_gateways(gateway)
    at(9)
    for share in reversed(Share):
        sent(rooms()[share], share)
    assert set(rooms().values()) == {0}
    queue()
    code, alert = queue(CODE, share=Share.REST), queue(ALERT)
    drain.drain()
    assert [sms.key for sms in gateway.sent] == [code.key, alert.key]


def test_results_that_are_queued_together_do_not_go_beyond_the_budget(settings, at: At, use_gateways) -> None:
    """What this process has begun counts at once, long before the next look at the rows."""
    gateway = crowd("stub", connections=5)
    use_gateways(gateway)
    settings.SMS_DAILY_BUDGET = 24
    at(0)
    for _ in range(100):
        queue()
    drain.drain()
    own = divided(24)[Share.RESULTS]
    assert len(gateway.sent) == own
    assert states() == {MessageState.ACCEPTED: own, MessageState.QUEUED: 100 - own}


def test_a_notice_of_the_strangers_share_waits_though_there_is_room_for_results(at: At, use_gateways) -> None:
    gateway = StubGateway("stub")
    use_gateways(gateway)
    at(9)
    sent(rooms()[Share.REST], Share.REST)
    queue(NOTICE, share=Share.REST)
    result = queue()
    drain.drain()
    assert [sms.key for sms in gateway.sent] == [result.key]


def test_what_is_being_sent_elsewhere_counts_too(at: At) -> None:
    at(9)
    before = rooms()[Share.RESULTS]
    Message.objects.filter(pk=queue().pk).update(state=MessageState.SENDING, parts=10)
    budget.forget()
    assert rooms()[Share.RESULTS] == before - 10


def test_codes_that_wait_to_be_sent_count_and_those_that_have_expired_do_not(at: At) -> None:
    at(9)
    waits, over = queue(CODE, share=Share.NEW), queue(CODE, share=Share.NEW)
    Message.objects.filter(pk=over.pk).update(expires_at=timezone.now())
    budget.forget()
    assert rooms()[Share.NEW] == 10 * 25 + 9 * 15 - waits.parts


def test_a_message_that_goes_by_the_next_gateway_costs_the_budget_once(settings, at: At, use_gateways) -> None:
    second = StubGateway("second")
    use_gateways(StubGateway("first", *[TryAgain.this_message()] * 9), second)
    settings.SMS_DAILY_BUDGET = 24
    at(0)
    own = divided(24)[Share.RESULTS]
    for _ in range(own):
        queue()
    drain.drain()
    assert len(second.sent) == own


# ── who looks at the same time


def ask(mobile: str) -> issuing.Issued:
    return issuing.issue(purpose=CodePurpose.REGISTER, mobile=mobile, asker="someone")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="on SQLite nobody writes while another does")
def test_a_flood_from_many_threads_ends_near_its_share_and_the_owner_of_a_number_gets_a_code(at: At) -> None:
    """Each thread may have one code under way that the others do not see yet; nobody else's part is touched."""
    at(1)
    citizen(mobile=NUMBER)
    threads, room = 8, rooms()[Share.NEW]

    def flood(thread: int) -> Counter[str]:
        told: Counter[str] = Counter()
        for number in range(30):
            try:
                ask(f"+98913{thread:03}{number:04}")
                told["sent"] += 1
            except PortalError as error:
                told[f"{error.code} until {clock(error.values['retry_at'])}"] += 1
        return told

    told = sum(together(flood, threads), Counter[str]())
    assert told.total() == threads * 30
    budget.forget()
    spent = {line.share: line.spent for line in budget.usage()}
    assert room <= spent[Share.NEW] < room + threads * Message.objects.latest("pk").parts
    assert set(told) == {"sent", "code_budget until 02:00"}
    assert {share for share, parts in spent.items() if parts} == {Share.NEW}
    assert all(budget.allows(line.share, line.released) for line in budget.usage()[:3])
    assert ask(NUMBER).sent


def test_two_processes_exceed_a_share_by_what_the_other_queues_between_its_looks_at_most(at: At, monkeypatch) -> None:
    """Both have looked; then each gives all the room that it knows of. From the next look on nothing more is given."""
    at(0)
    known = []
    for _ in ("one", "the other"):
        budget.forget()
        assert rooms()[Share.REST] == 15
        known.append(budget._last)
    given = []
    for process in known:
        monkeypatch.setattr(budget, "_last", process)
        while budget.allows(Share.REST):
            budget.code_was_queued(Share.REST, queue(CODE, share=Share.REST, to=NUMBER).parts)
        given.append(process.now[Share.REST])
    assert given == [15, 15]
    for process in known:
        process.at -= budget.LOOK_EVERY
        monkeypatch.setattr(budget, "_last", process)
        assert not budget.allows(Share.REST)
        assert rooms()[Share.OWN] == 15
        assert budget.usage()[-1].spent == 30


def test_what_is_asked_often_is_counted_once_in_ten_seconds(at: At, django_assert_num_queries) -> None:
    at(9)
    with django_assert_num_queries(2):
        for _ in range(50):
            budget.allows(Share.NEW)
            budget.next_part(Share.REST)
            budget.usage()


# ── what administrators see


def standing() -> list[tuple[str, str]]:
    return sorted((alarm.code, alarm.subject) for alarm in alarms.standing("sms"))


def test_an_alarm_names_the_share_that_is_nearly_used_and_ends_by_itself(at: At) -> None:
    at(9)
    message = sent(131, Share.REST)
    watch()
    assert standing() == [("budget", "rest")]
    [alarm] = alarms.standing("sms")
    assert alarm.detail == "131 parts are used today, 19 are left now; the whole day has 360"
    Message.objects.filter(pk=message.pk).update(parts=119)
    budget.forget()
    watch()
    assert standing() == []


def test_alarms_end_with_the_day_and_with_the_budget(at: At, settings) -> None:
    at(23)
    sent(rooms()[Share.REST], Share.REST)
    alarms.sound(AlarmCode.BUDGET, "", "of before there were shares")
    watch()
    assert standing() == [("budget", "rest")]
    at(0, days=1)
    watch()
    assert standing() == []
    sent(rooms()[Share.REST], Share.REST)
    watch()
    assert standing() == [("budget", "rest")]
    settings.SMS_DAILY_BUDGET = 0
    watch()
    assert standing() == []


def test_the_health_page_shows_each_share_in_persian_against_its_part(client, settings) -> None:
    client.force_login(administrator())
    settings.SMS_DAILY_BUDGET = 0
    assert "بودجه امروز" not in client.get("/admin/sms/message/health/").content.decode()
    settings.SMS_DAILY_BUDGET = 2_400
    sent(1, Share.OWN)
    page = client.get("/admin/sms/message/health/").content.decode()
    assert "بودجه امروز" in page
    for share in Share:
        assert str(share.label) in page
    assert "کدهای شماره‌های جدید" in page
    assert "<td>۸۴۰</td>" in page


def test_the_backlog_and_the_status_name_the_shares(at: At) -> None:
    at(9)
    message = sent(20, Share.OWN)
    assert "budget own: 20 of 360 parts of today spent" in run("sms_backlog")
    told = json.loads(run("sms_backlog", "--json"))["budget"]
    assert told[1] == {"share": "own", "spent": 20, "part": 360, "released": 150, "room": 150 - 20 + 9 * 50}
    assert "20 part(s) of own," in run("sms_status", str(message.pk))
    assert json.loads(run("sms_status", str(message.pk), "--json"))[0]["share"] == "own"


def test_the_page_of_a_message_names_its_share(client) -> None:
    client.force_login(administrator())
    page = client.get(f"/admin/sms/message/{queue(CODE).pk}/change/").content.decode()
    assert "بقیه" in page
