"""Refused sign-ins: the owner is told of what the page must not tell: a closed account, and many wrong passwords."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.life import notices
from accounts.models import Closure, EventKind, FailedSignIn, SignInFailures, User
from accounts.sign_in import refusals
from accounts.tasks import tell_owners
from common import limits
from sms.models import Message
from tests.support.accounts import PASSWORD, REZA, citizen, clerk, together
from tests.support.entrances import MOBILE, UNKNOWN, WRONG, events_of, kinds, sign_in
from tests.support.journeys import texts_on

pytestmark = pytest.mark.django_db(transaction=True)


def try_in_vain(times: int, national_id: str = REZA, password: str = WRONG) -> None:
    for number in range(times):  # from everywhere: one address alone would be asked for a proof of work
        anywhere = Client(REMOTE_ADDR=f"10.{number}.0.1")
        assert sign_in(anywhere, national_id, password).status_code == 200
        SignInFailures.objects.all().delete()  # as if the pauses had been waited


def let_pass(span: timedelta) -> None:
    FailedSignIn.objects.update(created_at=F("created_at") - span)
    for account in User.objects.all():
        account.events.update(at=F("at") - span)


def closed(closure: Closure = Closure.FROZEN) -> User:
    user = citizen()
    User.objects.filter(pk=user.pk).update(is_active=False, closure=closure, closed_at=timezone.now())
    return user


@pytest.mark.parametrize("closure", [Closure.FROZEN, Closure.DEACTIVATED])
def test_the_owner_of_a_closed_account_hears_why_the_right_password_does_not_work(closure) -> None:
    user = closed(closure)
    try_in_vain(1, password=PASSWORD)
    assert not Message.objects.exists()  # the page does nothing that a stranger could time
    tell_owners()
    assert kinds(user) == [EventKind.CLOSED_SIGN_IN]
    assert user.events.get().actor == notices.PORTAL
    assert len(texts_on(MOBILE)) == 1


def test_they_hear_it_once_a_day(monkeypatch) -> None:
    user = closed()
    for _ in range(3):
        try_in_vain(2, password=PASSWORD)
        tell_owners()
    assert events_of(user, EventKind.CLOSED_SIGN_IN) == 1
    assert Message.objects.count() == 1
    let_pass(timedelta(hours=25))
    try_in_vain(1, password=PASSWORD)
    tell_owners()
    assert events_of(user, EventKind.CLOSED_SIGN_IN) == 2


def test_wrong_passwords_at_a_closed_account_are_told_to_nobody() -> None:
    closed()
    try_in_vain(limits.MANY_FAILURES + 1)
    tell_owners()
    assert not Message.objects.exists()


def test_the_tenth_wrong_password_of_a_day_is_told_once() -> None:
    user = citizen()
    try_in_vain(limits.MANY_FAILURES - 1)
    tell_owners()
    assert not Message.objects.exists()
    try_in_vain(3)
    tell_owners()
    assert kinds(user) == [EventKind.MANY_FAILURES]
    assert len(texts_on(MOBILE)) == 1


def test_wrong_passwords_over_more_than_a_day_are_not_many() -> None:
    citizen()
    try_in_vain(limits.MANY_FAILURES - 1)
    let_pass(timedelta(hours=25))
    try_in_vain(1)
    tell_owners()
    assert not Message.objects.exists()


def test_of_ids_without_an_account_nothing_is_kept() -> None:
    citizen(active=False)
    clerk(username=UNKNOWN)
    try_in_vain(12)
    try_in_vain(12, UNKNOWN)
    tell_owners()
    assert not FailedSignIn.objects.exists()
    assert not Message.objects.exists()


def test_a_right_password_and_a_try_during_a_pause_leave_no_row() -> None:
    citizen()
    sign_in(Client())
    assert not FailedSignIn.objects.exists()
    for _ in range(8):
        sign_in(Client(), password=WRONG)
    assert FailedSignIn.objects.count() == 4


def test_no_row_holds_what_was_typed_as_the_password() -> None:
    citizen()
    try_in_vain(1, password="Secret4711")
    assert "Secret4711" not in str(FailedSignIn.objects.values())


def test_workers_at_the_same_time_tell_once_and_leave_nothing_undone() -> None:
    user = citizen()
    try_in_vain(limits.MANY_FAILURES * 3)
    assert not [answer for answer in together(lambda number: refusals.notify_due(), 6) if isinstance(answer, Exception)]
    assert kinds(user) == [EventKind.MANY_FAILURES]
    assert not FailedSignIn.objects.filter(next_attempt_at__isnull=False).exists()


def test_one_that_cannot_be_told_is_tried_again_and_holds_nobody_up(caplog) -> None:
    broken = citizen(national_id=UNKNOWN, mobile="")  # no number to send to
    user = citizen()
    for account in (broken, user):
        User.objects.filter(pk=account.pk).update(is_active=False, closure=Closure.FROZEN)
        try_in_vain(1, account.national_id, PASSWORD)
    tell_owners()
    assert kinds(broken) == []
    assert kinds(user) == [EventKind.CLOSED_SIGN_IN]
    assert FailedSignIn.objects.get(next_attempt_at__isnull=False).national_id == UNKNOWN
    assert UNKNOWN not in caplog.text


def test_the_many_failures_of_an_account_are_those_of_all_addresses() -> None:
    user = citizen()
    for number in range(limits.MANY_FAILURES):
        stranger = Client(REMOTE_ADDR=f"10.0.0.{number}")
        assert sign_in(stranger, password=WRONG).status_code == 200
    tell_owners()
    assert events_of(user, EventKind.MANY_FAILURES) == 1
