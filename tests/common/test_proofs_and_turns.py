"""Proofs of work and turns: good once, for one target, for minutes; a queue that is fair to networks and bounded."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import altcha
import pytest
from django.db.models import F
from django.utils import timezone

from common import limits
from common.abuse import proof_of_work, turns
from common.abuse.origins import origin_of
from common.models import SpentProof, Turn
from tests.support.accounts import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quickly_solved")]


def solved(challenge: str) -> str:
    """As the page's script solves it, by ALTCHA's own solver."""
    made = altcha.Challenge.from_dict(json.loads(challenge))
    solution = altcha.solve_challenge(made)
    assert solution is not None
    return altcha.Payload(made, solution).to_base64()


def changed(solution: str, **parameters: object) -> str:
    payload = json.loads(base64.b64decode(solution))
    payload["challenge"]["parameters"] |= parameters
    return base64.b64encode(json.dumps(payload).encode()).decode()


# ── proofs


def test_a_solution_is_good_once_and_for_its_target_alone():
    solution = solved(proof_of_work.challenge(target="this page", price=1))
    assert not proof_of_work.spend(solution=solution, target="another page")
    assert proof_of_work.spend(solution=solution, target="this page")
    assert not proof_of_work.spend(solution=solution, target="this page")


def test_of_two_uses_at_the_same_time_one_wins():
    solution = solved(proof_of_work.challenge(target="a", price=1))
    assert sorted(together(lambda _: proof_of_work.spend(solution=solution, target="a"), 6)) == [False] * 5 + [True]


def test_it_is_good_for_minutes(monkeypatch):
    monkeypatch.setattr(limits, "PROOF_LIFE", timedelta(seconds=-1))
    assert not proof_of_work.spend(solution=solved(proof_of_work.challenge(target="a", price=1)), target="a")


def test_nobody_makes_a_challenge_easier_or_somebody_elses_or_younger():
    challenge = proof_of_work.challenge(target="a", price=1)
    solution = solved(challenge)
    other = json.loads(proof_of_work.challenge(target="b", price=1))["parameters"]["data"]
    for parameters in ({"cost": 1}, {"keyPrefix": ""}, {"expiresAt": 9_999_999_999}, {"data": other}, {"nonce": "00"}):
        assert not proof_of_work.spend(solution=changed(solution, **parameters), target="a")
        assert not proof_of_work.spend(solution=changed(solution, **parameters), target="b")
    assert proof_of_work.spend(solution=solution, target="a")


@pytest.mark.parametrize("key", ["", "00" * 32, "zz", None, 5, ["a"]])
def test_what_was_not_derived_is_no_solution(key):
    payload = {"challenge": json.loads(proof_of_work.challenge(target="a", price=1)), "solution": {"counter": 1}}
    payload["solution"]["derivedKey"] = key
    assert not proof_of_work.spend(solution=base64.b64encode(json.dumps(payload).encode()).decode(), target="a")


@pytest.mark.parametrize(
    "text", ["", "x", "e30=", "bnVsbA==", "W10=", "\x00", "ش", "A" * 100_000, "eyJjaGFsbGVuZ2UiOjF9"]
)
def test_rubbish_is_no_solution_and_no_error(text):
    assert not proof_of_work.spend(solution=text, target="a")
    assert not SpentProof.objects.exists()


def test_what_was_much_cheaper_than_the_price_of_today_is_not_good():
    cheap, dear = (solved(proof_of_work.challenge(target="a", price=price)) for price in (1, limits.PROOF_DEAREST))
    assert not proof_of_work.spend(solution=cheap, target="a", price=limits.PROOF_LEEWAY + 1)
    assert proof_of_work.spend(solution=cheap, target="a", price=limits.PROOF_LEEWAY)
    assert proof_of_work.spend(solution=dear, target="a", price=limits.PROOF_DEAREST)


def test_the_price_is_in_the_work():
    def least(price: int) -> int:
        return max(
            altcha.Payload.from_base64(solved(proof_of_work.challenge(target="a", price=price))).solution.counter
            for _ in range(12)
        )

    assert least(1) < 4 < least(16) < 64


# ── turns


def ask(name: str, address: str = "192.0.2.1", rank: int = 0) -> int:
    return turns.take(queue="code", name=name, origin=origin_of(address), rank=rank, reference=name)


def minutes_pass(minutes: int = 1) -> None:
    span = timedelta(minutes=minutes)
    Turn.objects.update(created_at=F("created_at") - span, called_at=F("called_at") - span)


def test_a_network_that_asked_in_vain_comes_after_those_that_did_not():
    for number in range(30):
        ask(f"flood {number}", "198.51.100.7", rank=number)
    assert ask("citizen", "192.0.2.9") <= 60
    assert "citizen" in turns.call("code")


def test_who_asks_on_and_on_waits_apart_and_is_not_shut_out():
    late = limits.TURNS_LATE_PER_MINUTE
    for number in range(late * 2):
        ask(f"flood {number}", "198.51.100.7", rank=100)
    for number in range(limits.TURNS_PER_MINUTE["code"]):
        ask(f"person {number}", f"192.0.{number}.1")
    called = turns.call("code")
    assert len([name for name in called if name.startswith("person")]) == limits.TURNS_PER_MINUTE["code"]
    assert len(called) == limits.TURNS_PER_MINUTE["code"] + late
    assert ask("flood again", "198.51.100.7", rank=100) == (late + 1) * 60 / late


def test_the_wait_that_is_said_is_kept():
    rate = limits.TURNS_PER_MINUTE["code"]
    waits = [ask(f"person {number}", f"192.0.{number}.1") for number in range(rate * 3)]
    assert waits == sorted(waits)
    assert waits[rate - 1] <= 60 < waits[rate * 2]
    for minute in range(3):
        assert turns.call("code") == [f"person {number}" for number in range(minute * rate, (minute + 1) * rate)]
        assert turns.call("code") == []  # not more within the minute, however often it is looked
        minutes_pass()


def test_a_thing_has_one_place_however_often_it_asks():
    first = ask("mine")
    assert [ask("mine") for _ in range(5)] == [first] * 5
    assert Turn.objects.count() == 1


def test_a_turn_is_used_once_and_by_its_owner():
    ask("mine")
    assert not turns.use(queue="code", name="mine")  # it has not come
    turns.call("code")
    assert not turns.use(queue="code", name="another")
    assert sorted(together(lambda _: turns.use(queue="code", name="mine"), 5)) == [False] * 4 + [True]


def test_a_turn_that_was_not_used_is_over_after_minutes_and_can_be_had_again():
    ask("mine")
    turns.call("code")
    minutes_pass(int(limits.TURN_SERVES.total_seconds() // 60) + 1)
    assert not turns.use(queue="code", name="mine")
    assert ask("mine") > 0
    assert turns.call("code") == ["mine"]


def test_a_crowd_leaves_few_rows_and_takes_nobodys_place(monkeypatch):
    monkeypatch.setattr(limits, "TURNS_OF_NETWORK", 10)
    monkeypatch.setattr(limits, "TURNS_AT_MOST", 25)
    ask("citizen", "192.0.2.9")
    for number in range(40):
        ask(f"one network {number}", "198.51.100.7", rank=number)
    for number in range(40):
        ask(f"many networks {number}", f"10.{number}.0.1", rank=3)
    assert Turn.objects.count() == 25
    assert "citizen" in turns.call("code")


def test_one_line_of_a_network_does_not_push_its_neighbours_out(monkeypatch):
    """A phone in a carrier's /48, which asks again and again."""
    monkeypatch.setattr(limits, "TURNS_OF_NETWORK", 10)
    ask("citizen", "2001:db8:7:1::/64")
    for number in range(40):
        ask(f"stranger {number}", "2001:db8:7:2::/64")
    assert Turn.objects.count() == 10
    assert "citizen" in turns.call("code")


def test_calls_at_the_same_time_call_no_more_than_one_would():
    for number in range(limits.TURNS_PER_MINUTE["code"] * 3):
        ask(f"person {number}")
    called = [name for names in together(lambda _: turns.call("code"), 5) for name in names]
    assert len(called) == len(set(called)) == limits.TURNS_PER_MINUTE["code"]
    assert Turn.objects.filter(called_at__gt=timezone.now() - timedelta(minutes=1)).count() == len(called)
