"""After a freeze: who hears of it, what does not go on any more, and what happened in the same moment."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.closing import service as closing
from accounts.codes import challenges
from accounts.life import notice_texts, notices
from accounts.life.locking import open_account
from accounts.models import (
    AccountEvent,
    CodePurpose,
    EventKind,
    MobileChange,
    MobileChangeStage,
    Session,
    User,
)
from accounts.profile import mobile_change
from common.abuse.origins import NOWHERE
from common.errors import PortalError
from mail.models import Letter
from sms.models import Message
from tests.support.accounts import PASSWORD, REZA, citizen, together
from tests.support.freezes import HOME, MOBILE, link_on, say, signed_in, token_of
from tests.support.journeys import code_on, texts_on

pytestmark = pytest.mark.django_db(transaction=True)
NEW, SIGN_IN = "+989350000001", "/portal/"


def refused(work: Any) -> str:
    with pytest.raises(PortalError) as error:
        work()
    return error.value.code


def test_after_a_theft_of_the_number_the_old_one_hears_of_the_freeze_too() -> None:
    person = citizen()
    change = MobileChange.objects.create(account=person, mobile=NEW, stage=MobileChangeStage.OWNER_ASKED)
    with transaction.atomic():
        mobile_change.owner_answered(account=person, change=change, matched=True)
    assert User.objects.get(pk=person.pk).mobile == NEW

    Client().post(link_on(MOBILE))

    frozen = notice_texts.account_event("frozen", at=AccountEvent.objects.get(kind=EventKind.FROZEN).at)
    assert texts_on(MOBILE)[0] == frozen
    assert texts_on("09350000001")[0] == frozen


def test_after_a_change_of_the_address_the_old_one_hears_of_the_freeze_too() -> None:
    person = citizen()
    User.objects.filter(pk=person.pk).update(email_confirmed_at=timezone.now())
    person.refresh_from_db()
    say(person, EventKind.EMAIL_CHANGED, mail_to=("old@example.org", person.email))

    Client().post(link_on())

    told = Letter.objects.filter(dedupe_key__startswith=f"account:{AccountEvent.objects.latest('pk').pk}:")
    assert set(told.values_list("to", flat=True)) == {"old@example.org", person.email}


def test_nobody_else_hears_of_it_although_the_numbers_of_rows_meet() -> None:
    """Event 7 of one account, and the once-a-day messages of account 7, have keys that begin alike."""
    person, other = citizen(), citizen(national_id="0070001014", mobile="+989120000101", email="other@example.org")
    User.objects.update(email_confirmed_at=timezone.now())
    other.refresh_from_db()
    say(other, EventKind.MANY_FAILURES)
    for kind in (Message, Letter):
        assert kind.objects.filter(dedupe_key__startswith=f"account:{other.pk}:").exists()
    heard = notices.recipients_of(account=person, event=AccountEvent(pk=other.pk))
    assert heard == ([person.mobile], [])


def test_after_a_freeze_nobody_comes_in_and_nothing_goes_on() -> None:
    person = citizen()
    change = MobileChange.objects.create(account=person, mobile=NEW, stage=MobileChangeStage.OWNER_ASKED)
    challenge = challenges.begin(purpose=CodePurpose.RECOVERY, national_id=REZA, origin=NOWHERE)
    challenges.send_due()
    challenge.refresh_from_db()
    code = code_on(MOBILE)
    say(person)
    Client().post(link_on())
    person.refresh_from_db()

    assert Client().post(SIGN_IN, {"national_id": REZA, "password": PASSWORD}).status_code != 302
    assert refused(lambda: challenges.prove(challenge=challenge, typed_code=code)) == "account_closed"
    with transaction.atomic():
        mobile_change.owner_answered(account=person, change=change, matched=True)
    assert User.objects.get(pk=person.pk).mobile == "+989121234567"
    with transaction.atomic():
        assert refused(lambda: open_account(account=person)) == "account_closed"


def test_frozen_twice_at_once_is_frozen_once() -> None:
    person = citizen()
    say(person)
    token = token_of(link_on())

    results = together(lambda _: closing.freeze(token=token).pk, 4)

    assert sum(result == person.pk for result in results) == 1
    assert [result.code for result in results if isinstance(result, PortalError)] == ["account_frozen"] * 3
    assert AccountEvent.objects.filter(kind=EventKind.FROZEN).count() == 1
    assert texts_on(MOBILE).count(texts_on(MOBILE)[0]) == 1


@pytest.mark.parametrize("turn", range(4))
def test_a_freeze_and_a_change_of_number_at_the_same_moment(turn: int) -> None:
    """Whichever is first: the account is frozen, and the owner's phone hears of it."""
    person = citizen()
    change = MobileChange.objects.create(account=person, mobile=NEW, stage=MobileChangeStage.OWNER_ASKED)
    say(person)
    token = token_of(link_on())

    def work(number: int) -> None:
        if number == turn % 2:
            closing.freeze(token=token)
            return
        with transaction.atomic():
            account = User.objects.select_for_update().get(pk=person.pk)
            mobile_change.owner_answered(account=account, change=change, matched=True)

    assert together(work, 2) == [None, None]
    person.refresh_from_db()
    change.refresh_from_db()
    assert not person.is_active
    applied = person.mobile == NEW
    assert change.stage == (MobileChangeStage.DONE if applied else MobileChangeStage.ENDED)
    assert notice_texts.account_event("frozen", at=AccountEvent.objects.get(kind=EventKind.FROZEN).at) in texts_on(
        MOBILE
    )


def test_an_old_session_that_arrives_late_is_not_alive_after_the_account_is_opened() -> None:
    """A sign-in that was under way in the moment of the freeze wrote its session after it."""
    person = citizen()
    late = signed_in(person)
    row = Session.objects.get(account=person)
    say(person)
    Client().post(link_on())
    row.save(force_insert=True)

    closing.reactivate(account=person, by="mina", reason="papers seen")

    assert late.get(HOME).status_code == 302
