"""Uses are counted by service and day: exactly, in one statement, and never to a citizen's cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from common import limits, purging
from openid import usage
from openid.models import Usage
from tests.support import openid
from tests.support.accounts import together


@pytest.mark.django_db
def test_an_error_is_counted_by_its_code_and_nobody_mints_new_kinds(django_capture_on_commit_callbacks):
    row = openid.service().row
    with django_capture_on_commit_callbacks(execute=True):
        for what in ("error:invalid_grant", "error:invalid_grant", "error:<script>", "sign_in"):
            usage.count(row, what)
    assert usage.of(row, days=1) == {
        timezone.localdate(): {"error:invalid_grant": 2, "error:other": 1, "sign_in": 1},
    }
    with pytest.raises(ValueError, match="anything"):
        usage.count(row, "anything")


@pytest.mark.django_db
def test_only_the_days_that_are_asked_for_are_shown():
    row, today = openid.service().row, timezone.localdate()
    for ago in (0, 1, 2):
        Usage.objects.create(service=row, day=today - timedelta(days=ago), what="token", count=ago + 1)
    assert usage.of(row, days=2) == {today: {"token": 1}, today - timedelta(days=1): {"token": 2}}


@pytest.mark.django_db
def test_days_that_nobody_looks_at_any_more_are_deleted():
    one, other, today = openid.service().row, openid.service().row, timezone.localdate()
    for row in (one, other):
        for ago in (timedelta(0), limits.OPENID_USAGE_KEPT, limits.OPENID_USAGE_KEPT + timedelta(days=1)):
            Usage.objects.create(service=row, day=today - ago, what="token")
    assert purging.run_all(dry_run=True)["openid_usage"] == 2
    assert purging.run_all()["openid_usage"] == 2
    assert usage.of(one, days=10_000).keys() == usage.of(other, days=10_000).keys() == {
        today, today - limits.OPENID_USAGE_KEPT
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_no_use_is_lost(self):
        row = openid.service().row

        def use(_number: int) -> None:
            for _ in range(10):
                usage.count(row, "introspection")

        assert together(use, 8) == [None] * 8
        assert usage.of(row, days=1)[timezone.localdate()] == {"introspection": 80}
        assert Usage.objects.count() <= limits.OPENID_USAGE_SHARDS

    def test_a_use_is_one_statement_after_the_transaction(self, django_assert_num_queries):
        row = openid.service().row
        with django_assert_num_queries(1):
            usage.count(row, "token")
        with transaction.atomic():
            with django_assert_num_queries(0):
                usage.count(row, "token")
            assert usage.of(row, days=1)[timezone.localdate()] == {"token": 1}
        assert usage.of(row, days=1)[timezone.localdate()] == {"token": 2}

    def test_what_was_rolled_back_is_not_counted(self):
        row = openid.service().row
        with transaction.atomic():
            usage.count(row, "token")
            transaction.set_rollback(True)
        assert usage.of(row, days=1) == {}

    def test_a_count_that_fails_fails_nothing_else(self):
        row = openid.service().row

        for fault in (DatabaseError, InterfaceError):

            def broken(*_anything: object, fault: type[Exception] = fault) -> None:
                raise fault

            with connection.execute_wrapper(broken):
                usage.count(row, "token")
        assert usage.of(row, days=1) == {}
