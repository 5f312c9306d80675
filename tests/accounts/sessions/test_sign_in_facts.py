"""When the password was typed in a session, and when a code: what services are told of a sign-in stands on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Challenge
from tests.support.accounts import clerk
from tests.support.endings import facts
from tests.support.entrances import first_step, proven, sign_in, type_code

pytestmark = pytest.mark.django_db(transaction=True)
SOON = timedelta(minutes=1)


def test_after_a_password_alone(client, user) -> None:
    sign_in(client)
    found = facts(client)
    assert found
    assert timezone.now() - found.password_at < SOON
    assert found.code_at is None


def test_after_the_second_step(client, careful_user) -> None:
    begun = timezone.now()
    code = first_step(client)
    between = timezone.now()
    type_code(client, code)
    found = facts(client)
    assert found
    assert begun - timedelta(seconds=1) <= found.password_at <= between
    assert found.code_at
    assert found.code_at >= between


def test_a_code_that_was_right_before_the_password_counts(client, user) -> None:
    proven(client)
    sign_in(client)
    found = facts(client)
    assert found
    assert found.code_at == Challenge.objects.get().proven_at


def test_a_new_sign_in_without_a_code_forgets_the_code_of_before(client, careful_user) -> None:
    type_code(client, first_step(client))
    careful_user.code_at_sign_in = False
    careful_user.save()
    sign_in(client)
    found = facts(client)
    assert found
    assert found.code_at is None


def test_nobody_else_has_facts(client) -> None:
    assert facts(client) is None
    staff = Client()
    staff.force_login(clerk(), backend="accounts.backends.StaffBackend")
    assert facts(staff) is None
