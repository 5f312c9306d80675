"""Growing pauses: what is free, how they grow, who is never held by whom, and twenty guesses at once."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import SignInFailures
from accounts.sign_in import texts as sign_in_texts
from accounts.sign_in import throttle
from common import limits
from common.abuse.origins import origin_of
from common.errors import PortalError
from tests.support.accounts import REZA, together

ACCOUNT = "a" * 64


def unknown(address: str = "10.0.0.1") -> list[throttle.Bucket]:
    return throttle.buckets(device="", address=address, network=origin_of(address).network)


def known(device: str = "phone") -> list[throttle.Bucket]:
    return throttle.buckets(device=device, address="10.0.0.1")


def proven(proof: str = "one") -> list[throttle.Bucket]:
    return throttle.buckets(device="phone", address="10.0.0.1", proof=proof)


def pause(where: list[throttle.Bucket], account: str = ACCOUNT) -> int:
    """Try once: 0 if it was let through, else the seconds to wait."""
    try:
        throttle.count_try(account=account, where=where)
    except PortalError as error:
        return int(str(error.values["seconds"]))
    return 0


def let_pass(**ago: float) -> None:
    """As if that much time had passed."""
    for row in SignInFailures.objects.all():
        row.last_at -= dt.timedelta(**ago)
        row.blocked_until = row.blocked_until and row.blocked_until - dt.timedelta(**ago)
        row.save()


@pytest.mark.django_db
def test_three_tries_are_free_then_every_pause_is_twice_as_long() -> None:
    where = known()
    assert [pause(where) for _ in range(4)] == [0, 0, 0, 0]  # the fourth starts the first pause
    pauses = []
    for _ in range(10):
        pauses.append(pause(where))
        let_pass(seconds=pauses[-1])
        assert pause(where) == 0
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


@pytest.mark.django_db
def test_coming_back_too_early_never_makes_a_pause_longer() -> None:
    where = known()
    for _ in range(4):
        pause(where)
    until = SignInFailures.objects.get().blocked_until
    assert [pause(where) for _ in range(50)] == [5] * 50
    assert SignInFailures.objects.get().blocked_until == until
    assert SignInFailures.objects.get().count == 4


@pytest.mark.django_db
def test_a_right_password_forgets_the_wrong_ones() -> None:
    where = unknown()
    for _ in range(4):
        pause(where)
    throttle.forget(account=ACCOUNT, where=where)
    assert not SignInFailures.objects.exists()
    assert pause(where) == 0


@pytest.mark.django_db
def test_wrong_tries_are_forgotten_after_a_day() -> None:
    for _ in range(4):
        pause(known())
    let_pass(hours=25)
    assert [pause(known()) for _ in range(4)] == [0, 0, 0, 0]


@pytest.mark.django_db
def test_a_strangers_failures_never_hold_the_owner_on_a_known_device() -> None:
    for number in range(200):
        pause(unknown(f"10.0.{number}.1"))
    assert [pause(unknown("10.9.9.9")) for _ in range(3)] == [0, 0, 60]
    assert [pause(known()) for _ in range(4)] == [0, 0, 0, 0]


@pytest.mark.django_db
def test_a_known_device_that_guesses_is_slowed_down_and_nobody_else_is() -> None:
    for _ in range(4):
        pause(known("stolen"))
    assert pause(known("stolen")) > 0
    assert pause(known("phone")) == 0
    assert pause(unknown()) == 0


@pytest.mark.django_db
def test_a_proof_of_the_mobile_has_tries_of_its_own_also_on_a_device_that_waits() -> None:
    for _ in range(4):
        pause(known())
        pause(unknown())
    assert pause(known()) > 0
    assert pause(unknown()) > 0
    assert [pause(proven()) for _ in range(5)] == [0, 0, 0, 0, 5]
    assert pause(proven("another")) == 0
    let_pass(seconds=5)
    assert pause(proven()) == 0
    assert pause(proven()) == 10


@pytest.mark.django_db
def test_addresses_of_one_account_count_apart_and_accounts_of_one_address_too() -> None:
    for _ in range(4):
        pause(unknown("10.0.0.1"))
    assert pause(unknown("10.0.0.1")) > 0
    assert pause(unknown("10.0.0.2")) == 0
    assert pause(unknown("10.0.0.1"), account="b" * 64) == 0


@pytest.mark.django_db
def test_a_guesser_with_many_addresses_waits_too_but_never_long() -> None:
    free = limits.SIGN_IN_ELSEWHERE_FREE_FAILURES
    assert [pause(unknown(f"10.{number}.0.1")) for number in range(free)] == [0] * free
    assert pause(unknown("10.1.0.1")) == 0
    waits = []
    for number in range(2, 10):  # each has made its first tries; from the third on it waits for all together
        assert pause(unknown(f"10.{number}.0.1")) == 0
        waits.append(pause(unknown(f"10.{number}.0.1")))
        let_pass(seconds=waits[-1])
    assert waits == [10, 20, 40, 60, 60, 60, 60, 60]


@pytest.mark.django_db
def test_whoever_has_a_network_of_addresses_has_few_spare_tries_from_all_of_them() -> None:
    """An IPv6 /48 has 65,536 addresses of /64."""
    for number in range(limits.SIGN_IN_ELSEWHERE_FREE_FAILURES + 1):
        pause(unknown(f"10.{number}.0.1"))
    passed = sum(pause(unknown(f"2001:db8:7:{number:x}::/64")) == 0 for number in range(100))
    assert passed == limits.SIGN_IN_SPARES_OF_NETWORK
    assert pause(unknown("2001:db8:8:1::/64")) == 0  # another network


@pytest.mark.django_db
def test_all_addresses_together_have_a_days_spare_tries_of_an_account_and_tomorrow_again(monkeypatch) -> None:
    monkeypatch.setattr(limits, "SIGN_IN_SPARES_A_DAY", 5)
    for number in range(limits.SIGN_IN_ELSEWHERE_FREE_FAILURES + 1):
        pause(unknown(f"10.{number}.0.1"))
    passed = sum(pause(unknown(f"10.200.{number}.1")) == 0 for number in range(30))
    assert passed == 5
    let_pass(hours=20)
    pause(unknown("10.201.0.1"))  # a stranger who comes again and again does not keep them used up
    let_pass(hours=5)
    pause(unknown("10.203.0.1"))  # it shuts again for all together
    assert pause(unknown("10.202.0.1")) == 0


@pytest.mark.django_db
def test_no_number_of_strangers_keeps_the_owner_out_at_an_address_of_their_own() -> None:
    for round_ in range(3):
        for number in range(40):
            pause(unknown(f"10.{round_}.0.{number}"))
        assert [pause(unknown(f"10.9.{round_}.9")) for _ in range(3)] == [0, 0, 60]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("where", [known(), unknown(), proven()], ids=["known", "unknown", "proven"])
def test_of_twenty_tries_at_once_no_more_are_looked_at_than_one_by_one(where: list[throttle.Bucket]) -> None:
    results = together(lambda number: pause(where), 20)
    assert results.count(0) == limits.SIGN_IN_FREE_FAILURES + 1
    assert sum(isinstance(result, int) and result > 0 for result in results) == 16


@pytest.mark.django_db(transaction=True)
def test_a_try_cannot_be_counted_in_a_transaction_that_may_be_undone() -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        throttle.count_try(account=ACCOUNT, where=known())


@pytest.mark.django_db
def test_only_keyed_hashes_are_stored() -> None:
    account = throttle.account_key(kind="citizen", name=REZA)
    throttle.count_try(account=account, where=unknown("10.20.30.40"))
    stored = str(list(SignInFailures.objects.values_list()))
    assert REZA not in stored
    assert "10.20.30.40" not in stored
    assert throttle.account_key(kind="staff", name=REZA) != account


@pytest.mark.django_db
def test_the_count_of_tries_cannot_overflow_the_pause() -> None:
    bucket = known()[0]
    SignInFailures.objects.create(account=ACCOUNT, device=bucket.device, count=100_000, last_at=timezone.now())
    assert pause(known()) == 0
    assert pause(known()) == 900


def test_the_wait_is_told_in_persian_digits_and_whole_minutes() -> None:
    assert "۵" in sign_in_texts.sentence("sign_in_pause", seconds=5)
    assert "۵۹" in sign_in_texts.sentence("sign_in_pause", seconds=59)
    assert "۱" in sign_in_texts.sentence("sign_in_pause", seconds=60)
    assert "۲" in sign_in_texts.sentence("sign_in_pause", seconds=61)
    assert "۱۵" in sign_in_texts.sentence("sign_in_pause", seconds=900)


@pytest.mark.django_db
def test_a_clock_put_back_by_an_hour_holds_nobody_for_that_hour() -> None:
    where = known()
    for _ in range(4):
        pause(where)
    assert pause(where)
    let_pass(hours=-1)
    assert pause(where) == 0
    assert pause(where) == 10  # what was counted still counts


@pytest.mark.django_db
@pytest.mark.parametrize("minutes", [10, 60])
def test_nor_is_what_all_strangers_wait_for_ever_longer_than_its_own_longest(minutes: int) -> None:
    """Though the pause of an address may be longer."""
    for number in range(limits.SIGN_IN_ELSEWHERE_FREE_FAILURES + 5):
        pause(unknown(f"10.0.0.{number}"))
    assert [pause(unknown("10.9.9.9")) for _ in range(3)] == [0, 0, 60]
    let_pass(minutes=-minutes)
    assert pause(unknown("10.9.9.9")) == 0
