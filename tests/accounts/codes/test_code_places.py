"""The queue of a number: who waits for its next code, in which order, and what is held back."""

from __future__ import annotations

import pytest

from accounts.codes import issuing, sending, trying
from accounts.codes.requesters import Requester
from accounts.models import Allowance, CodePurpose, OneTimeCode
from accounts.tasks import send_codes
from common import limits
from common.abuse.origins import Origin
from common.errors import PortalError
from tests.support.accounts import together
from tests.support.journeys import code_on, let_pass

pytestmark = pytest.mark.django_db(transaction=True)
MOBILE, PHONE = "+989121234567", "09121234567"


def ask(
    asker: str, address: str = "a", *, held: bool = False, allowance: Allowance = Allowance.ASKED
) -> issuing.Issued:
    by = Requester(origin=Origin(address=address, network=address), is_held=held)
    return issuing.issue(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker=asker, by=by, allowance=allowance)


def holders() -> list[str]:
    """Of which addresses a code was sent, in order."""
    sent = OneTimeCode.objects.exclude(code_hash="").order_by("created_at", "pk")
    return list(sent.values_list("address", flat=True))


def test_who_asks_within_the_minute_gets_the_next_code_by_itself_and_types_it():
    ask("first")
    told = ask("second", "b")
    assert (told.sent, told.comes) == (False, True)
    assert 0 < told.wait <= 60
    send_codes()
    assert holders() == ["a"]
    let_pass(limits.CODE_GAP)
    send_codes()
    assert holders() == ["a", "b"]
    code = trying.try_code(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker="second", typed=code_on(PHONE))
    assert code.address == "b"


def test_the_wait_is_a_minute_more_for_each_that_is_before():
    ask("first")
    assert [ask(f"other {number}", f"b{number}").wait for number in range(3)] == [60, 120, 180]


def test_asking_again_keeps_the_place_and_makes_no_second_one():
    ask("first")
    waits = [ask("second", "b").wait for _ in range(3)]
    assert waits == [60, 60, 60]
    assert OneTimeCode.objects.count() == 2


def test_addresses_take_turns_and_those_that_had_none_come_first():
    ask("first", "a")
    for number in range(3):
        ask(f"again {number}", "a")
    for name in ("b", "c"):
        ask(name, name)
        ask(f"{name} again", name)
    for _ in range(4):
        let_pass(limits.CODE_GAP)
        send_codes()
    assert holders() == ["a", "b", "c", "a", "b"]


def test_many_workers_serve_a_number_one_code_a_minute():
    ask("first")
    for number in range(4):
        ask(f"other {number}", f"b{number}")
    let_pass(limits.CODE_GAP)
    together(lambda _: sending.send_due(), 4)
    assert len(holders()) == 2


def test_a_held_place_is_sent_nothing_before_it_is_released():
    told = ask("first", held=True)
    assert (told.sent, told.comes) == (False, True)
    sending.send_due()
    assert holders() == []
    assert issuing.release(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker="first")
    assert holders() == ["a"]
    assert not issuing.release(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker="first")


def test_a_held_place_of_another_does_not_stop_who_need_not_wait():
    ask("held", held=True)
    assert ask("free", "b").sent


def test_asking_again_when_nobody_has_to_pay_any_more_sends_the_held_one():
    ask("first", held=True)
    assert ask("first").sent


def test_a_place_nobody_has_come_back_to_is_given_up():
    ask("first")
    ask("second", "b")
    let_pass(limits.CODE_PLACE_LIFE)
    send_codes()
    assert holders() == ["a"]
    assert not OneTimeCode.objects.filter(next_attempt_at__isnull=False).exists()


def test_past_the_hours_codes_a_fresh_address_has_one_that_is_kept_and_another_time_none():
    for number in range(limits.CODES_PER_HOUR):
        ask(f"stranger {number}")
        let_pass(limits.CODE_GAP)
    with pytest.raises(PortalError, match="code_limit"):
        ask("once more")
    assert ask("the owner", "b").sent
    let_pass(limits.CODE_GAP)
    with pytest.raises(PortalError, match="code_limit"):
        ask("the owner again", "b")


def test_the_last_of_the_kept_codes_are_for_networks_that_had_none():
    def one(number: int, network: str) -> None:
        by = Requester(origin=Origin(address=f"{network}{number}", network=network))
        issuing.issue(purpose=CodePurpose.REGISTER, mobile=MOBILE, asker=f"{network}{number}", by=by)
        let_pass(limits.CODE_GAP)

    for number in range(limits.CODES_PER_HOUR + limits.CODES_KEPT_FOR_ADDRESSES):
        one(number, "x")
    with pytest.raises(PortalError, match="code_limit"):
        one(99, "x")
    one(1, "y")
    with pytest.raises(PortalError, match="code_limit"):
        one(2, "y")
    assert OneTimeCode.objects.filter(is_kept=True).count() == limits.CODES_KEPT_FOR_ADDRESSES + 1


@pytest.mark.parametrize("allowance", [Allowance.TRUSTED, Allowance.PASSWORD, Allowance.SIGNED_IN, Allowance.DESK])
def test_what_anybody_asks_for_uses_up_nothing_of_what_a_stranger_cannot_cause(allowance):
    for number in range(limits.CODES_PER_HOUR):
        ask(f"stranger {number}")
        let_pass(limits.CODE_GAP)
    ask("just now", "fresh")
    assert ask("the owner", "a", allowance=allowance).sent
