"""Accounts come and go; a national ID has one activated account, whatever happens at once."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import check_password
from django.db import IntegrityError, transaction

from accounts.life import lifecycle
from accounts.models import User
from common.errors import PortalError
from tests.support.accounts import PASSWORD, REZA, administrator, branch, citizen, clerk, together


@pytest.mark.django_db
def test_an_active_account_holds_its_national_id_from_the_start() -> None:
    assert not lifecycle.account_exists(national_id=REZA)
    user = citizen()
    assert lifecycle.account_exists(national_id=REZA)
    assert user.is_active
    assert user.activated_at
    assert user.username == str(user.subject)
    assert REZA not in user.username
    assert check_password(PASSWORD, user.password)


@pytest.mark.django_db
def test_an_inactive_account_holds_nothing_until_it_is_activated() -> None:
    first, second = citizen(active=False), citizen(active=False)
    assert not lifecycle.account_exists(national_id=REZA)
    activated = lifecycle.activate_account(user=first)
    assert activated.is_active
    assert activated.activated_at
    with pytest.raises(PortalError, match="account_exists"):
        lifecycle.activate_account(user=second)
    second.refresh_from_db()
    assert not second.is_active
    assert second.activated_at is None


@pytest.mark.django_db
def test_activating_twice_changes_nothing() -> None:
    user = lifecycle.activate_account(user=citizen(active=False))
    when = user.activated_at
    assert lifecycle.activate_account(user=user).activated_at == when


@pytest.mark.django_db
def test_an_account_that_was_deleted_cannot_be_activated() -> None:
    user = citizen(active=False)
    User.objects.filter(pk=user.pk).delete()
    with pytest.raises(PortalError, match="account_gone"):
        lifecycle.activate_account(user=user)


@pytest.mark.django_db
def test_a_second_account_is_refused_and_the_callers_transaction_lives_on() -> None:
    citizen()
    waiting = citizen(national_id="0123456789", active=False)
    with transaction.atomic():
        for active in (True, False):
            with pytest.raises(PortalError, match="account_exists"):
                citizen(active=active)
        lifecycle.activate_account(user=waiting)
    assert User.objects.filter(activated_at__isnull=False).count() == 2


@pytest.mark.django_db
def test_the_constraint_speaks_as_a_portal_error_when_the_look_before_missed_it(monkeypatch) -> None:
    citizen()
    looks = iter([False, True])  # before the insert the other one was not committed yet
    monkeypatch.setattr(lifecycle, "account_exists", lambda *, national_id: next(looks))
    with transaction.atomic():
        with pytest.raises(PortalError, match="account_exists"):
            citizen()
        assert User.objects.count() == 1  # the caller's transaction still answers


@pytest.mark.django_db
def test_another_broken_rule_is_not_called_account_exists() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        citizen(first_name=None)


@pytest.mark.django_db
def test_only_an_account_that_never_was_active_can_be_deleted() -> None:
    waiting, active = citizen(active=False), citizen()
    lifecycle.delete_inactive_account(user=waiting)
    lifecycle.delete_inactive_account(user=waiting)
    with pytest.raises(PortalError, match="account_is_active"):
        lifecycle.delete_inactive_account(user=active)
    with pytest.raises(PortalError, match="account_is_active"):
        lifecycle.delete_inactive_account(user=clerk())
    assert User.objects.filter(national_id=REZA).get() == active


@pytest.mark.django_db(transaction=True)
def test_eight_activations_of_one_national_id_at_once_leave_one_account() -> None:
    waiting = [citizen(active=False) for _ in range(8)]

    def activate(number: int) -> User:
        with transaction.atomic():
            try:
                return lifecycle.activate_account(user=waiting[number])
            finally:
                User.objects.count()  # the caller's transaction is usable, won or lost

    results = together(activate, 8)
    winners = [result for result in results if isinstance(result, User)]
    losers = [result for result in results if isinstance(result, PortalError)]
    assert len(winners) == 1
    assert [error.code for error in losers] == ["account_exists"] * 7
    assert User.objects.filter(activated_at__isnull=False).get() == winners[0]


@pytest.mark.django_db(transaction=True)
def test_eight_new_accounts_of_one_national_id_at_once_leave_one() -> None:
    results = together(lambda number: citizen(), 8)
    assert sum(isinstance(result, User) for result in results) == 1
    assert sum(isinstance(result, PortalError) and result.code == "account_exists" for result in results) == 7
    assert User.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_account_is_either_activated_or_deleted_never_both() -> None:
    for _ in range(5):
        user = citizen(active=False)

        def one_of_two(number: int, user: User = user) -> object:
            service = lifecycle.activate_account if number else lifecycle.delete_inactive_account
            return service(user=User(pk=user.pk, national_id=REZA))

        deleted, activated = together(one_of_two, 2)
        if isinstance(activated, User):
            assert getattr(deleted, "code", None) == "account_is_active"
            assert User.objects.filter(pk=user.pk, activated_at__isnull=False).exists()
        else:
            assert (deleted, activated.code) == (None, "account_gone")
        User.objects.all().delete()


@pytest.mark.django_db
def test_the_database_refuses_staff_with_a_national_id() -> None:
    user = citizen()
    user.is_staff = True
    with pytest.raises(IntegrityError), transaction.atomic():
        user.save()


@pytest.mark.django_db
def test_a_clerk_has_the_desk_and_nothing_else() -> None:
    user = clerk()
    assert user.get_all_permissions() == {"registration.work_the_desk", "registration.view_registration"}
    assert user.branch == branch()
    user.groups.get().permissions.clear()
    lifecycle.clerk_group()
    assert User.objects.get(pk=user.pk).has_perm("registration.work_the_desk")


@pytest.mark.django_db
def test_staff_need_a_free_name_and_clerks_a_branch() -> None:
    administrator()
    with pytest.raises(PortalError, match="username_taken"):
        administrator()
    with pytest.raises(PortalError, match="needs_a_branch"):
        lifecycle.create_staff(username="ali", password=PASSWORD, branch=None, administrator=False)
