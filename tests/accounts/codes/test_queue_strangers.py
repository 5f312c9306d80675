"""What strangers could do to the owner of a number through its queue and its limits."""

from __future__ import annotations

import pytest

from accounts.codes import challenges, issuing, sending, trying
from accounts.codes.requesters import Requester
from accounts.models import ChallengeStage, CodePurpose, OneTimeCode
from accounts.profile import mobile_change
from accounts.tasks import send_codes
from common import limits
from common.abuse.origins import Origin, origin_of
from common.errors import PortalError
from sms import budget, outbox
from sms.models import Message
from tests.support.accounts import citizen, together
from tests.support.journeys import MATCHES, account_of, code_on, let_pass
from tests.support.recoveries import clock_moves

pytestmark = pytest.mark.django_db(transaction=True)
MOBILE = "+989121234567"


def ask(
    asker: str, *, address: str = "", network: str = "", held: bool = False, mobile: str = MOBILE
) -> issuing.Issued:
    by = Requester(origin=Origin(address=address or asker, network=network or address or asker), is_held=held)
    return issuing.issue(purpose=CodePurpose.REGISTER, mobile=mobile, asker=asker, by=by)


def sent_to() -> list[str]:
    """The addresses of who was sent a code, in order."""
    sent = OneTimeCode.objects.exclude(code_hash="").order_by("created_at", "pk")
    return list(sent.values_list("address", flat=True))


def test_a_network_with_a_place_for_each_of_its_addresses_takes_none_from_somebody_elsewhere():
    ask("first", network="stranger")
    ask("owner")
    for number in range(limits.CODE_PLACES + 5):
        ask(f"stranger {number}", network="stranger")
    assert OneTimeCode.objects.filter(address="owner", next_attempt_at__isnull=False).exists()
    let_pass(limits.CODE_GAP)
    send_codes()
    assert sent_to() == ["first", "owner"]


def test_networks_take_turns_so_that_a_stranger_with_many_addresses_is_before_nobody_else():
    ask("first", network="stranger")
    for number in range(12):
        ask(f"stranger {number}", network="stranger")
    ask("owner")
    let_pass(limits.CODE_GAP)
    send_codes()
    assert sent_to() == ["first", "owner"]


def test_places_that_are_held_back_make_nobodys_wait_longer():
    ask("first")
    for number in range(9):
        ask(f"held {number}", held=True)
    assert ask("owner").wait <= limits.CODE_GAP.total_seconds()


def test_who_asks_again_past_the_numbers_limit_can_still_type_the_code_that_came(monkeypatch):
    account_of(MATCHES)
    here = origin_of("192.0.2.7")
    owner = challenges.begin(purpose=CodePurpose.RECOVERY, national_id=MATCHES.national_id, origin=here)
    challenges.send_due()
    typed = code_on(MATCHES.mobile)
    monkeypatch.setattr(limits, "CODES_PER_HOUR", 1)
    clock_moves(limits.CODE_GAP)
    owner.refresh_from_db()
    assert challenges.ask_again(challenge=owner, origin=here) == 0
    challenges.send_due()
    owner.refresh_from_db()
    assert challenges.prove(challenge=owner, typed_code=typed).stage == ChallengeStage.PROVEN


def test_a_place_for_which_there_is_no_budget_promises_no_code(settings):
    ask("first")
    ask("second")
    let_pass(limits.CODE_GAP)
    settings.SMS_DAILY_BUDGET = 1
    budget.forget()
    with pytest.raises(PortalError, match="code_budget"):
        ask("third")
    assert not OneTimeCode.objects.filter(next_attempt_at__isnull=False).exists()


def test_one_account_sends_codes_to_a_few_new_numbers_a_day_only():
    account = citizen()
    for number in range(limits.MOBILE_CHANGES_PER_DAY):
        change_to(account, number)
    with pytest.raises(PortalError, match="mobile_limit"):
        change_to(account, 99)
    assert Message.objects.filter(kind="code").count() == limits.MOBILE_CHANGES_PER_DAY


def change_to(account, number: int) -> None:
    mobile_change.begin(account=account, checked=account.password, mobile=f"+98912555{number:04}", operator="mci")


def test_a_number_whose_code_cannot_be_sent_stops_no_other(monkeypatch):
    for mobile in ("+989120000001", "+989120000002"):
        ask(f"first {mobile}", mobile=mobile)
        ask(f"second {mobile}", mobile=mobile)
    real = outbox.enqueue

    def enqueue(**facts):
        if facts["to"] == "+989120000001":
            raise RuntimeError("a fault of this number")
        return real(**facts)

    monkeypatch.setattr(outbox, "enqueue", enqueue)
    let_pass(limits.CODE_GAP)
    sending.send_due()
    assert OneTimeCode.objects.exclude(code_hash="").filter(mobile="+989120000002").count() == 2


def test_a_place_that_is_served_while_its_session_types_has_all_that_is_right_about_it():
    """Parallel workers send one code, tries on nothing are not held against it, and those after it are all counted."""
    ask("first")
    ask("owner")
    let_pass(limits.CODE_GAP)
    session = {"purpose": CodePurpose.REGISTER, "mobile": MOBILE, "asker": "owner"}

    def type_or_send(number: int) -> None:
        if number % 2:
            sending.send_due()
        else:
            with pytest.raises(PortalError, match=r"code_elsewhere|code_wrong"):
                trying.try_code(**session, typed="x")

    assert together(type_or_send, 8) == [None] * 8
    assert sent_to() == ["first", "owner"]
    code = trying.try_code(**session, typed=code_on(MOBILE))
    assert code.tries <= 5  # the wrong ones, at most, and this one
    assert OneTimeCode.objects.filter(asker=code.asker).count() == 1
