"""Who is told of what, when something happens to an account: the whole table, by SMS and by e-mail."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.life import notices
from accounts.models import AccountEvent, EventKind, FreezeLink, User
from common import limits
from mail.models import Letter
from sms import parts
from sms.models import Message, MessageKind
from tests.support.accounts import citizen

pytestmark = pytest.mark.django_db
OWN, OTHER = "+989121234567", "+989350000000"
DETAILS = {
    EventKind.MOBILE_CHANGED: {"mobile": "0935•••0000"},
    EventKind.MOBILE_REFUSED: {"mobile": "0935•••0000"},
    EventKind.SERVICE_CONNECTED: {"service": "بیمه"},
    EventKind.SERVICE_DISCONNECTED: {"service": "بیمه"},
}

# What is written down and told to nobody; told without a link; told with the link that freezes the account.
QUIET = {
    "signed_in", "device_forgotten", "answer_tried", "answer_right", "email_asked", "mobile_asked", "code_on",
    "session_ended", "sessions_ended", "session_elsewhere", "looked_at", "service_disconnected",
}  # fmt: skip
WITHOUT_LINK = {
    "closed_sign_in", "many_failures", "recovery_ready", "mobile_late", "frozen", "deactivated", "reactivated",
}  # fmt: skip
WITH_LINK = {
    "device_trusted", "password_changed", "recovered", "recovery_refused", "email_changed", "mobile_refused",
    "mobile_changed", "question_changed", "code_off", "service_connected",
}  # fmt: skip

BY_STRANGERS = {"closed_sign_in", "many_failures"}  # to as many owners as the stranger knows national IDs


def record(account: User, kind: EventKind, **more: object) -> AccountEvent:
    return notices.record(account=account, kind=kind, **(DETAILS.get(kind, {}) | more))


def test_every_kind_of_event_has_its_row_in_the_table() -> None:
    assert set(notices.NOTICES) == set(EventKind)
    assert set(EventKind.values) == QUIET | WITHOUT_LINK | WITH_LINK


@pytest.mark.parametrize("kind", list(EventKind))
def test_the_table_says_who_hears_of_it(kind) -> None:
    account = citizen()
    event = record(account, kind)
    told = list(Message.objects.all())
    assert [message.to for message in told] == ([] if kind in QUIET else [OWN])
    assert AccountEvent.objects.get() == event
    for message in told:
        links = re.findall(r"https?://\S+/portal/not-me/[\w-]{16}$", message.text)
        assert len(links) == FreezeLink.objects.count() == (1 if kind in WITH_LINK else 0)
        assert message.kind == (MessageKind.NOTICE if kind in BY_STRANGERS else MessageKind.ALERT)
        assert "%" not in message.text
        assert parts.count(message.text) <= 3


# Of these nothing is sent by e-mail: they are for the phone in the hand, or a stranger causes them.
BY_SMS_ONLY = {"closed_sign_in", "recovery_ready", "mobile_late"}


def confirmed() -> User:
    account = citizen()
    account.email_confirmed_at = timezone.now()
    account.save()
    return account


@pytest.mark.parametrize("kind", list(EventKind))
def test_a_confirmed_address_hears_the_same_with_a_link_of_its_own(kind) -> None:
    account = confirmed()
    event = record(account, kind)
    told = list(Letter.objects.all())
    assert [letter.to for letter in told] == ([] if kind in QUIET | BY_SMS_ONLY else [account.email])
    for letter in told:
        assert letter.subject == event.get_kind_display()
        links = re.findall(r"https?://\S+/portal/not-me/[\w-]{16}", letter.text)
        assert len(links) == (1 if kind in WITH_LINK else 0)
        assert all(link in letter.html and link not in Message.objects.get().text for link in links)


def test_an_address_that_no_letter_can_be_sent_to_keeps_nobody_from_anything() -> None:
    account = confirmed()
    account.email = "reza@mail.local"  # confirmed when more was taken for an address
    account.save()
    record(account, EventKind.PASSWORD_CHANGED)
    assert not Letter.objects.exists()
    assert Message.objects.exists()


def test_an_address_that_nobody_has_confirmed_hears_nothing() -> None:
    record(citizen(), EventKind.PASSWORD_CHANGED)
    assert not Letter.objects.exists()


def test_without_a_mail_server_nothing_is_queued_for_one(settings) -> None:
    settings.MAIL_URL = ""
    record(confirmed(), EventKind.PASSWORD_CHANGED)
    assert not Letter.objects.exists()
    assert Message.objects.exists()


def test_a_change_of_address_is_told_to_the_old_one_too() -> None:
    record(confirmed(), EventKind.EMAIL_CHANGED, mail_to=("old@example.com", "new@example.com"))
    assert sorted(letter.to for letter in Letter.objects.all()) == ["new@example.com", "old@example.com"]


def test_a_change_of_number_is_told_to_both_each_with_a_link_of_its_own() -> None:
    record(citizen(), EventKind.MOBILE_CHANGED, sms_to=(OWN, OTHER))
    assert sorted(message.to for message in Message.objects.all()) == [OWN, OTHER]
    assert len({message.text for message in Message.objects.all()}) == 2
    assert FreezeLink.objects.count() == 2


def test_the_link_is_in_the_sms_only_its_hash_is_kept() -> None:
    record(citizen(), EventKind.PASSWORD_CHANGED)
    token = Message.objects.get().text.rsplit("/", 1)[1]
    kept = FreezeLink.objects.get()
    assert token not in str(vars(kept))
    assert token not in str(vars(AccountEvent.objects.get()))


@pytest.mark.parametrize("kind", [EventKind.CLOSED_SIGN_IN, EventKind.MANY_FAILURES])
def test_what_a_stranger_can_cause_is_told_once_a_day_and_written_down_each_time(kind) -> None:
    account = citizen()
    for _ in range(5):
        record(account, kind)
    assert Message.objects.count() == 1
    assert AccountEvent.objects.count() == 5


def test_the_same_change_twice_is_told_twice() -> None:
    account = citizen()
    for _ in range(2):
        record(account, EventKind.PASSWORD_CHANGED)
    assert Message.objects.count() == 2


def test_what_rolls_back_was_never_said() -> None:
    account = citizen()

    def fails() -> None:
        with transaction.atomic():
            record(account, EventKind.PASSWORD_CHANGED)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fails()
    assert not Message.objects.exists()
    assert not AccountEvent.objects.exists()


def test_nobody_who_knows_a_password_has_sms_sent_without_end() -> None:
    account = citizen()
    for _ in range(limits.NOTICES_PER_DAY + 5):
        record(account, EventKind.CODE_OFF)
    assert Message.objects.count() == limits.NOTICES_PER_DAY
    assert account.events.count() == limits.NOTICES_PER_DAY + 5  # the history has them all
    record(account, EventKind.PASSWORD_CHANGED)  # nobody hides one thing behind another
    assert Message.objects.count() == limits.NOTICES_PER_DAY + 1
    account.events.update(at=timezone.now() - timedelta(days=1))
    record(account, EventKind.CODE_OFF)
    assert Message.objects.count() == limits.NOTICES_PER_DAY + 2
