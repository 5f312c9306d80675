"""A query that Django writes once finds what it would find each time, or is refused when it is first written."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.transaction import TransactionManagementError

from accounts.models import User
from common.prepared import Prepared
from tests.support.accounts import citizen


@pytest.mark.django_db
def test_a_query_with_other_values_than_those_that_are_given_is_refused():
    def with_another(ids) -> QuerySet[User]:
        return User.objects.filter(pk__in=ids, first_name="رضا")

    def in_another_order(values) -> QuerySet[User]:
        return User.objects.filter(first_name=values[1]).filter(pk=values[0])

    account = citizen()
    with pytest.raises(TypeError, match="values"):
        Prepared(with_another).first([account.pk])
    with pytest.raises(TypeError, match="values"):
        Prepared(in_another_order).first([account.pk, "رضا"])


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
def test_a_row_is_locked_in_a_transaction_only():
    account = citizen()
    locked = Prepared(lambda ids: User.objects.select_for_update().filter(pk__in=ids))
    with transaction.atomic():
        assert locked.first([account.pk]) == account
    with pytest.raises(TransactionManagementError):
        locked.first([account.pk])
