"""Conduct: whom levels meet. Ten thousand honest people behind one address, and those who flood, spray or hide."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from benchmarks.flood_model import Ledger
from common import limits
from common.abuse import conduct
from common.abuse.conduct import Kind, Level
from common.abuse.origins import Origin
from common.models import Tally
from tests.support.accounts import together

HERE = Origin(address="here", network="around")


class Town:
    """Honest people and others, in simulated seconds; the rules are the portal's (`benchmarks.flood_model`)."""

    def __init__(self, kind: Kind = Kind.CODE) -> None:
        self.ledger, self.kind, self.events, self.worst = Ledger(kind), kind, [], Level.NORMAL
        self.chance = random.Random(3)
        self.paid = 0

    def people(
        self, address: str, begin: float, end: float, per_minute: float, *, good: float = 0.8, network: str = ""
    ) -> None:
        at = begin
        while at < end:
            at += self.chance.expovariate(per_minute / 60)
            used = at + self.chance.uniform(15, 100) if self.kind == Kind.CODE else at
            self.events.append((at, "ask", address, network or address, at))
            if self.chance.random() < good:
                self.events.append((used, "use", address, network or address, at))

    def run(self) -> Town:
        for now, what, address, network, asked in sorted(self.events):
            if what == "use":
                self.ledger.credit(address, network, asked, who=f"{asked}")
                continue
            found = self.ledger.look(address, network, now)
            self.worst = max(self.worst, found.level)
            self.paid += found.level == Level.PRESSURE
            self.ledger.count(address, network, now)
        return self


@pytest.mark.parametrize("kind", [Kind.CODE, Kind.PASSWORD])
def test_ten_thousand_honest_people_behind_one_address_meet_nothing(kind):
    town = Town(kind)
    town.people("carrier", 0, 3600, 170)
    assert town.run().worst == Level.NORMAL


def test_a_morning_that_begins_at_nothing_meets_no_pressure():
    town = Town()
    for minute in range(20):
        town.people("carrier", minute * 60, minute * 60 + 60, 20 + minute * 25)
    assert town.run().worst < Level.PRESSURE


def test_a_fresh_address_spends_little_of_the_better_shares_before_something_came_of_it():
    most, around = (limits.CONDUCT_FLOORS[name][1] for name in ("address", "network"))
    ledger, good = Ledger(Kind.CODE), 0
    for _ in range(most * 5):
        good += ledger.look("stranger", "line", 0).is_good
        ledger.count("stranger", "line", 0)
    assert good == most + 1
    for number in range(around * 2):
        good += ledger.look(f"other {number}", "line", 0).is_good
        ledger.count(f"other {number}", "line", 0)
    assert good == most + 1
    for _ in range(most * 2):  # as a carrier's address goes on
        ledger.credit("stranger", "line", 0)
    assert ledger.look("stranger", "line", 0).is_good


def test_the_first_minute_of_a_service_that_everybody_waited_for_meets_no_pressure():
    town = Town()
    for carrier in range(4):
        town.people(f"carrier {carrier}", 0, 600, 90)
    assert town.run().worst < Level.PRESSURE


def test_a_cafe_and_a_household_with_one_forgetful_person_meet_nothing():
    town = Town(Kind.PASSWORD)
    town.people("cafe", 0, 3600, 0.7, good=0.6)
    town.people("household", 0, 3600, 0.14, good=0)
    assert town.run().worst < Level.PRESSURE
    town = Town(Kind.CODE)
    town.people("household", 0, 3600, 0.14, good=0)
    assert town.run().worst < Level.PRESSURE


def test_honest_neighbours_in_a_network_of_a_flood_that_succeed_do_not_pay():
    town = Town(Kind.PASSWORD)
    town.people("home", 0, 1200, 1, good=0.8, network="street")
    town.people("flood", 0, 1200, 60, good=0, network="street")
    town.run()
    assert town.ledger.look("flood", "street", 1200).level == Level.PRESSURE
    assert town.ledger.look("home", "street", 1200).level < Level.PRESSURE
    assert town.ledger.look("home of nobody known", "street", 1200).level == Level.PRESSURE


@pytest.mark.parametrize(("addresses", "least"), [(1, 0.98), (100, 0.95), (10_000, 0.95)])
@pytest.mark.parametrize("kind", [Kind.CODE, Kind.PASSWORD])
def test_a_flood_pays_wherever_it_comes_from(kind, addresses, least):
    town = Town(kind)
    for number in range(30_000):
        at, place = number * 0.1, f"flood {number % addresses}"
        town.events.append((at, "ask", place, place, at))
    town.run()
    assert town.paid >= least * 30_000


def test_wrong_guesses_do_not_hide_behind_ones_own_sign_ins():
    town = Town(Kind.PASSWORD)
    for number in range(600):
        at = number * 5.0
        town.ledger.count("flood", "flood", at)
        if number % 2:  # as often as it guesses it signs in to an account of its own
            town.ledger.credit("flood", "flood", at, who="the thief")
    assert town.ledger.look("flood", "flood", 3000).level == Level.PRESSURE


def test_one_account_speaks_for_few_addresses():
    ledger = Ledger(Kind.PASSWORD)
    for number in range(50):
        ledger.count(f"flood {number}", f"flood {number}", 0)
        ledger.credit(f"flood {number}", f"flood {number}", 0, who="the thief")
    proven = sum(ledger.look(f"flood {number}", f"flood {number}", 1).proven for number in range(50))
    assert proven == limits.CONDUCT_ADDRESSES_OF_ONE


def test_a_sprayer_below_every_floor_of_an_address_is_met_as_one_of_all():
    town = Town(Kind.PASSWORD)
    for number in range(5):
        town.people(f"carrier {number}", 0, 3600, 5)
    for number in range(8_000):
        at = number * 0.45
        town.events.append((at, "ask", f"bot {number % 1_000}", f"bot {number % 1_000}", at))
    town.run()
    assert town.ledger.population(3600) == Level.PRESSURE
    assert town.ledger.look("carrier 1", "carrier 1", 3600).level < Level.PRESSURE
    assert town.ledger.look("bot 1", "bot 1", 3600).level == Level.PRESSURE


def test_levels_fall_by_themselves():
    town = Town()
    for number in range(3_000):
        town.ledger.count("flood", "flood", number / 10)
    assert town.ledger.look("flood", "flood", 300).level == Level.PRESSURE
    assert town.ledger.look("flood", "flood", 300 + 3600 + 301).level == Level.NORMAL


def test_the_price_grows_with_what_comes_to_nothing_and_not_for_who_succeeds():
    ledger, prices = Ledger(Kind.PASSWORD), []
    for number in range(30):
        prices.append(ledger.look("flood", "flood", number).price)
        ledger.count("flood", "flood", number)
    assert prices[:2] == [1, 1]
    assert prices == sorted(prices)
    assert prices[-1] == limits.PROOF_DEAREST
    for number in range(30):
        ledger.count("carrier", "carrier", number)
        ledger.credit("carrier", "carrier", number)
    assert ledger.look("carrier", "carrier", 40).price == 1


# ── as the database counts it


@pytest.fixture
def clock(monkeypatch):
    """`clock[0]` is the time."""
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    monkeypatch.setattr(timezone, "now", lambda: now[0])
    return now


@pytest.mark.django_db(transaction=True)
def test_the_database_says_what_the_model_says(clock):
    ledger, chance, places = Ledger(Kind.CODE), random.Random(5), [("a", "x"), ("b", "x"), ("c", "y")]
    asked: list[tuple[Origin, datetime]] = []
    for number in range(300):
        clock[0] += timedelta(seconds=chance.choice([1, 5, 60]))
        address, network = places[0] if chance.random() < 0.6 else chance.choice(places)
        origin, at = Origin(address=address, network=network), clock[0].timestamp()
        assert conduct.look(kind=Kind.CODE, origin=origin) == ledger.look(address, network, at), number
        conduct.count(kind=Kind.CODE, origin=origin)
        ledger.count(address, network, at)
        asked.append((origin, clock[0]))
        if chance.random() < 0.3:
            used, when = asked.pop(chance.randrange(len(asked)))
            conduct.credit(kind=Kind.CODE, origin=used, tried_at=when)
            ledger.credit(used.address, used.network, when.timestamp())
    assert conduct.population(Kind.CODE)[0] == ledger.population(clock[0].timestamp())


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_time_are_all_counted():
    together(lambda _: [conduct.count(kind=Kind.PASSWORD, origin=HERE) for _ in range(5)], 5)
    assert conduct.population(Kind.PASSWORD)[1] == 25
    assert conduct.look(kind=Kind.PASSWORD, origin=HERE).address == Level.PRESSURE


@pytest.mark.django_db(transaction=True)
def test_good_ends_of_one_person_count_once_an_hour_and_address(clock):
    for number in range(5):
        conduct.count(kind=Kind.PASSWORD, origin=HERE)
        conduct.credit(kind=Kind.PASSWORD, origin=HERE, who="somebody")
        elsewhere = Origin(address=f"there {number}", network="there")
        conduct.credit(kind=Kind.PASSWORD, origin=elsewhere, who="somebody")
    assert conduct.population(Kind.PASSWORD)[2] == limits.CONDUCT_ADDRESSES_OF_ONE
    clock[0] += timedelta(hours=1)
    conduct.credit(kind=Kind.PASSWORD, origin=HERE, who="somebody")
    assert conduct.population(Kind.PASSWORD)[2] == 1


@pytest.mark.django_db(transaction=True)
def test_a_branch_whose_clerks_sign_in_again_all_day_meets_nothing():
    """A right password is no failure, however often it is typed within the hour."""
    for _ in range(limits.CONDUCT_REPEATS_OF_ONE):
        for clerk in range(3):
            conduct.count(kind=Kind.PASSWORD, origin=HERE)
            conduct.credit(kind=Kind.PASSWORD, origin=HERE, who=f"clerk {clerk}")
    assert conduct.look(kind=Kind.PASSWORD, origin=HERE) == conduct.Conduct(proven=True)


@pytest.mark.django_db(transaction=True)
def test_who_makes_the_portal_hash_their_own_password_without_end_pays():
    for _ in range(limits.CONDUCT_REPEATS_OF_ONE + 30):
        conduct.count(kind=Kind.PASSWORD, origin=HERE)
        conduct.credit(kind=Kind.PASSWORD, origin=HERE, who="somebody")
    assert conduct.look(kind=Kind.PASSWORD, origin=HERE).address == Level.PRESSURE


@pytest.mark.django_db(transaction=True)
def test_no_address_and_no_number_stands_in_a_tally():
    conduct.count(kind=Kind.CODE, origin=HERE)
    conduct.count_sent(kind=Kind.CODE, prefix="+98912345")
    assert all(len(scope) == 32 and "91234" not in scope for scope in Tally.objects.values_list("scope", flat=True))
