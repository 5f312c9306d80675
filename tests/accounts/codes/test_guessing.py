"""No code can be guessed by asking other sessions: an attack at every door, and an owner whom nobody keeps out."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from accounts.codes import odds
from accounts.models import Allowance, OneTimeCode
from common import limits
from common.errors import PortalError
from registration.services import journey
from registration.states import State
from sms.models import Message, MessageState
from tests.support.accounts import together
from tests.support.attackers import Attack, Clock, address, answer, asked, compared, doors, sent
from tests.support.journeys import DONE, MATCHES, Answers, Browser, code_on, row_of
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
SESSIONS = 200
MOBILE = "+989120000101"
# What a guess may be answered with. None of these depends on what another session was sent.
ANSWERS = {"code_wrong", "code_elsewhere", "code_tries", "code_expired"}


@pytest.mark.faults
def test_two_hundred_sessions_at_every_door_in_parallel_get_no_more_tries_than_the_odds_say(monkeypatch):
    clock, attacks = Clock(monkeypatch), doors()
    answers: set[tuple[str, str]] = set()

    def attack(number: int) -> None:
        """One of four threads, with its share of the sessions at each door."""
        for session in range(number, SESSIONS // len(attacks), 4):
            for door in attacks:
                guess = asked(door.ask, session)
                for typed in range(2) if guess else ():
                    answers.add((door.name, answer(guess, f"{session:03}{typed:03}")))

    for _ in range(2):
        together(attack, 4)
        clock.move(limits.CODE_GAP)
    assert {said for _, said in answers} <= ANSWERS
    assert {name for name, _ in answers} == {door.name for door in attacks}
    for allowance in Allowance:
        assert 0 < sent(allowance) <= odds.of(allowance).codes or allowance == Allowance.TRUSTED
        assert compared(allowance) <= odds.of(allowance).tries


@pytest.mark.parametrize(
    "purpose", ["register", "other_number", "recovery", "sign_in", "second_step", "new_mobile", "desk"]
)
def test_every_guess_that_there_is_finds_no_code_of_another_session(monkeypatch, purpose):
    """With codes of two digits a stranger types all hundred of them, in as many sessions as that takes."""
    monkeypatch.setattr(limits, "CODE_DIGITS", 2)
    [door] = [door for door in doors() if door.name == purpose]
    door.ask(0)  # somebody else, who was sent a code
    before = sent_codes()
    said = {answer(guess, f"{typed:02}") for typed in range(100) if (guess := asked(door.ask, typed // 4 + 1))}
    assert said <= ANSWERS
    assert sent_codes() == before


def sent_codes() -> list[tuple[int, int]]:
    return list(OneTimeCode.objects.exclude(code_hash="").values_list("pk", "tries"))


def test_in_a_day_a_number_is_sent_no_more_than_the_table_says_from_any_number_of_addresses(monkeypatch):
    clock = Clock(monkeypatch)
    [door] = [door for door in doors(addresses=200) if door.name == "register"]
    for hour in range(24):
        for session in range(12):
            asked(door.ask, hour * 12 + session)
        for _ in range(3):
            clock.move(limits.CODE_GAP)
        clock.move(timedelta(hours=1) - 3 * limits.CODE_GAP)
    assert sent(Allowance.ASKED) <= odds.of(Allowance.ASKED).codes


def test_a_code_on_which_a_try_was_spent_counts_towards_the_day_even_if_it_was_never_sent(monkeypatch):
    """In an outage of the gateways codes wait in the queue, can be guessed at there, and expire unsent."""
    clock = Clock(monkeypatch)
    [door] = [door for door in doors(addresses=1) if door.name == "register"]
    for session in range(3 * limits.CODES_PER_HOUR):
        guess = asked(door.ask, session)
        if guess:
            answer(guess, "000000")
        clock.move(limits.CODE_GAP)
        Message.objects.update(state=MessageState.EXPIRED, next_attempt_at=None)
    assert sent(Allowance.ASKED) == limits.CODES_PER_HOUR


@pytest.mark.parametrize("minutes", [0, *(pytest.param(minutes, marks=pytest.mark.faults) for minutes in (22, 1430))])
def test_a_stranger_on_twenty_addresses_who_asks_all_day_keeps_no_new_citizen_out(monkeypatch, minutes):
    """The stranger asks every minute from each address; a citizen comes after so many minutes, and registers."""
    clock = Clock(monkeypatch)
    stranger, since = Stranger(), 0
    while since < minutes:
        stranger.asks()
        step = 1 if since < 25 else 120  # then in longer steps, which changes nothing: the limits are used up
        clock.move(timedelta(minutes=step))
        since += step
    owner = Browser(REMOTE_ADDR="192.0.2.7")
    assert owner.step_one().status_code == 302
    for _ in range(25):
        stranger.asks()
        if owner_was_sent_one():
            break
        clock.move(limits.CODE_GAP)
    assert owner_was_sent_one()
    assert owner.step_two(code_on(MATCHES.mobile)).status_code == 302
    assert owner.step_three(Answers.of(MATCHES))["Location"] == DONE
    assert row_of(MATCHES).state == State.SUBMITTED


class Stranger:
    """Twenty addresses, a fresh session each time."""

    def __init__(self) -> None:
        self.sessions = 0

    def asks(self) -> None:
        for number in range(20):
            self.sessions += 1
            try:
                journey.start(
                    national_id=MATCHES.national_id, mobile=MOBILE, operator="mci", asker=str(self.sessions),
                    origin=address(number),
                )  # fmt: skip
            except PortalError as error:
                assert error.code == "code_limit"  # noqa: PT017 - whatever else it is, is a fault


def owner_was_sent_one() -> bool:
    strangers = [address(number).address for number in range(20)]
    return OneTimeCode.objects.exclude(address__in=strangers).exclude(code_hash="").exists()


def test_within_the_gap_sessions_are_sent_theirs_by_turns_of_their_addresses(monkeypatch):
    """A stranger who asks from one address again and again is not before somebody else's first time."""
    clock = Clock(monkeypatch)
    [door] = [door for door in doors() if door.name == "register"]
    for session in range(0, 200, 20):  # ten sessions of the same address
        asked(door.ask, session)
    asked(door.ask, 7)  # somebody else
    clock.move(limits.CODE_GAP)
    addresses = OneTimeCode.objects.exclude(code_hash="").order_by("created_at").values_list("address", flat=True)
    assert list(addresses) == [address(0).address, address(7).address]


def test_the_table_in_the_security_notes_is_what_the_limits_come_to():
    words = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for allowance, found in [(name.value, odds.of(name)) for name in Allowance] + [("**all together**", odds.of_all())]:
        line = f"| {found.codes} | {limits.CODE_TRIES} | {found.tries} | {found.per_million:g} in 1,000,000 |"
        [row] = [line for line in words.splitlines() if line.startswith(f"| {allowance}")]
        assert row.endswith(line)


def test_no_statement_of_a_wrong_guess_reads_what_other_sessions_were_sent(django_assert_num_queries):
    attack: Attack
    [attack] = [door for door in doors() if door.name == "register"]
    guess, other = asked(attack.ask, 1), asked(attack.ask, 2)
    assert guess
    assert other
    with connection.execute_wrapper(_refuse_other_askers):
        assert answer(guess, "000000") in ANSWERS


def _refuse_other_askers(execute, sql, params, many, context):
    reads_codes = sql.startswith("SELECT") and 'FROM "accounts_onetimecode"' in sql
    assert not reads_codes or '"asker" IN' in sql, sql
    return execute(sql, params, many, context)
