"""Statements by hand of one-time codes say what the rules in Python say."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.codes import allowances, issuing, places, sending, sql, trying, validity
from accounts.models import Allowance, CodePurpose, OneTimeCode
from common import limits
from common.secrets import keyed_hash
from sms.models import Message, MessageKind, MessageState
from tests.support.accounts import citizen, together
from tests.support.sms_fixtures import queue

pytestmark = pytest.mark.django_db(transaction=True)
MOBILE, ASKER = "+989120000101", "a session"
SESSION = {"purpose": CodePurpose.REGISTER, "mobile": MOBILE}


def row(**facts: object) -> OneTimeCode:
    return OneTimeCode.objects.create(**(SESSION | {"asker": keyed_hash("asker", ASKER), "code_hash": "x"} | facts))


def message(state: str, sent_at: object = None) -> Message:
    made = queue(to=MOBILE)
    Message.objects.filter(pk=made.pk).update(state=state, sent_at=sent_at, next_attempt_at=None)
    return made


def test_a_try_is_counted_on_what_is_alive_by_the_rule_and_on_nothing_else():
    """Every state that a row can be in: young, old, used, used just now, a place, with a message in each state."""
    now = timezone.now()
    second = timedelta(seconds=1)
    ages = [second, limits.CODE_LIFE - second, limits.CODE_LIFE + second, limits.CODE_PLACE_LIFE - second]
    uses = [None, now - limits.CODE_RETRY_GRACE + second, now - limits.CODE_RETRY_GRACE - second]
    sent = [None, now - limits.CODE_LIFE + second, now - limits.CODE_LIFE - second]
    states = [None, *MessageState]
    for age, used_at, is_place, state, sent_at in itertools.product(ages, uses, (False, True), states, sent):
        row(
            created_at=now - age,
            used_at=used_at,
            next_attempt_at=now if is_place else None,
            message=message(state, sent_at) if state else None,
            tries=0,
        )
    rows = validity.of_asker(**SESSION, asker=ASKER, now=now)
    alive = {code.pk for code in rows if validity.is_live(code, now)}
    counted = sql.count_try(
        mobile=MOBILE, purpose="register", askers=[keyed_hash("asker", ASKER)], since=validity.oldest(now), now=now
    )
    assert {code.pk for code in counted} == alive
    assert set(OneTimeCode.objects.filter(tries=1).values_list("pk", flat=True)) == alive
    assert 50 < len(alive) < len(rows) - 50


def test_of_parallel_tries_five_are_compared():
    row()
    counted = together(lambda _n: _tried(), 12)
    assert sorted(counted) == ["code_tries"] * 7 + ["code_wrong"] * 5
    assert OneTimeCode.objects.get().tries == limits.CODE_TRIES


def test_another_sessions_row_is_neither_counted_nor_used():
    mine, other = row(), row(asker=keyed_hash("asker", "another session"))
    assert _tried() == "code_wrong"
    trying.consume(mine, used_for="something")
    other.refresh_from_db()
    assert (other.tries, other.used_at) == (0, None)


def test_a_code_that_was_used_uses_up_no_other():
    used, fresh = row(used_at=timezone.now(), used_for="something"), row()
    assert sql.use(used, used_for="something", now=timezone.now()) == []
    fresh.refresh_from_db()
    assert fresh.used_at is None


def test_a_code_uses_up_the_sessions_others_and_of_two_at_once_one_is_first():
    first, second = row(), row(next_attempt_at=timezone.now(), code_hash="")
    answers = together(lambda _n: trying.consume(first, used_for="something"), 6)
    assert sorted(answers) == [False] * 5 + [True]
    for each in (first, second):
        each.refresh_from_db()
        assert (each.used_for, each.next_attempt_at) == ("something", None)


def test_tries_and_a_use_of_one_session_at_once_end_all_the_same():
    """They lock the session's rows in one order: none is ended by the database for a deadlock."""
    rows = [row() for _ in range(4)]
    work = (_tried, lambda: trying.consume(rows[-1], used_for="something"))
    for _ in range(5):
        OneTimeCode.objects.update(used_at=None, tries=0)
        assert set(together(lambda n: work[n % 2](), 6)) == {"code_wrong", True, False}


def _tried() -> str:
    try:
        trying.try_code(**SESSION, asker=ASKER, typed="000000")
    except Exception as error:
        return getattr(error, "code", repr(error))
    return "right"


def test_what_is_read_of_a_number_at_once_is_what_is_read_one_after_the_other():
    now = timezone.now()
    minute = timedelta(minutes=1)
    for number, (state, allowance) in enumerate(itertools.product([None, *MessageState], Allowance)):
        row(
            asker=keyed_hash("asker", f"session {number % 3}"),
            created_at=now - number**2 * minute,
            allowance=allowance,
            message=message(state) if state else None,
            code_hash="x" if number % 4 else "",
            next_attempt_at=None if number % 4 else now,
            address=f"address {number % 5}",
            tries=number % 2,
        )
    found = sql.of_number(mobile=MOBILE, askers=[keyed_hash("asker", "session 1")], now=now)
    for allowance in Allowance:
        whole = allowances.sent_within_a_day(mobile=MOBILE, allowance=allowance, now=now)
        assert allowances.sent_of(found.rows, allowance=allowance) == whole
        waiting = places.in_queue(mobile=MOBILE, allowance=allowance, sent=whole)
        assert places.any_waiting(found.rows, allowance=allowance, now=now) == bool(waiting)
    live = validity.live_codes(**SESSION, asker="session 1", now=now)
    own = issuing._live_of(found.rows, purpose="register", askers=[keyed_hash("asker", "session 1")], now=now)
    assert {code.pk for code in own} == {code.pk for code in live}
    assert live


@pytest.mark.parametrize("proven_by", ["", "code", "account"])
def test_a_number_is_proven_by_a_used_code_of_any_age_or_by_an_account(proven_by):
    if proven_by == "code":
        row(created_at=timezone.now() - timedelta(days=400), used_at=timezone.now() - timedelta(days=400))
    if proven_by == "account":
        citizen(mobile=MOBILE)
    found = sql.of_number(mobile=MOBILE, askers=["x"], now=timezone.now())
    assert (found.is_proven, found.rows) == (bool(proven_by), [])
    fresh = OneTimeCode(**SESSION)
    assert sending.share_of(fresh, is_proven=found.is_proven) == sending.share_of(fresh)


def test_a_pages_facts_are_one_statement(django_assert_num_queries):
    from accounts.codes import delivery

    issuing.issue(**SESSION, asker=ASKER)
    delivery.of_newest(**SESSION, asker=ASKER)  # what is asked once in some seconds: the pace of the gateways
    with django_assert_num_queries(1):
        standing = delivery.standing(**SESSION, asker=ASKER)
    assert standing.delivery == delivery.of_newest(**SESSION, asker=ASKER)
    assert 0 < standing.wait <= 60
    assert Message.objects.get().kind == MessageKind.CODE
