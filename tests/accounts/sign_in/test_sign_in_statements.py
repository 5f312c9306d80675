"""How many statements a sign-in costs, and what is one of them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import AccountEvent, EventKind, FailedSignIn, Session, SignInFailures, User
from accounts.sign_in import sql
from common.abuse import conduct
from common.abuse.origins import origin_of
from tests.support.accounts import PASSWORD, REZA, citizen
from tests.support.entrances import PAGE, UNKNOWN, WRONG, sign_in
from tests.support.statements import at_most, without_control

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def by_risk(settings) -> None:
    settings.SIGN_IN_CODE = "risk"


def browser() -> Client:
    """One that has been given the page, and with it its CSRF secret."""
    client = Client()
    client.get(PAGE)
    return client


def test_a_right_password_is_ten_statements_in_one_transaction_before_the_hash_and_none_after_it() -> None:
    citizen()
    client = browser()
    with at_most(12, sqlite=20) as sent:
        assert sign_in(client).status_code == 302
    assert len(without_control(sent)) <= (10 if connection.vendor == "postgresql" else 16)
    assert Session.objects.get().account is not None
    assert User.objects.get().last_login is not None
    assert not FailedSignIn.objects.exists()
    assert not SignInFailures.objects.exists()
    assert list(AccountEvent.objects.values_list("kind", "actor")) == [(EventKind.SIGNED_IN, "citizen")]


@pytest.mark.parametrize("national_id", [REZA, UNKNOWN])
def test_a_wrong_password_is_as_many_statements_whether_there_is_an_account_or_not(national_id) -> None:
    citizen()
    client = browser()
    with at_most(10, sqlite=11):
        assert sign_in(client, national_id, WRONG).status_code == 200
    assert FailedSignIn.objects.filter(national_id=national_id, next_attempt_at__isnull=False).count() == 1


def test_a_try_is_in_the_tables_before_it_is_compared_and_a_pause_writes_nothing(monkeypatch) -> None:
    citizen()
    seen = []

    def compare(**typed: str) -> tuple[None, bool]:
        seen.append((FailedSignIn.objects.count(), SignInFailures.objects.count()))
        return None, False

    monkeypatch.setattr("accounts.backends.password_of_citizen", compare)
    for _try in range(4):
        sign_in(browser(), REZA, WRONG)
    assert sign_in(browser(), REZA, WRONG).status_code == 429
    assert seen == [(1, 2), (2, 2), (3, 2), (4, 2)]
    assert FailedSignIn.objects.count() == 4


def admission(user: User, **other: object) -> sql.Admission:
    SignInFailures.objects.create(account="a", device="d", last_at=timezone.now())
    facts = {"this_try": 0, "browser_keys": ["k"], "tries": ("a", ["d"]), "browser": "x", "actor": "citizen"}
    return sql.Admission(**{"account": user, "is_recorded": True} | facts | other)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another"}, {"activated_at": None}])
def test_an_account_that_was_closed_or_changed_meanwhile_is_not_admitted_and_nothing_is_written(change) -> None:
    user = citizen()
    FailedSignIn.objects.create(national_id=REZA)
    User.objects.filter(pk=user.pk).update(**change)
    assert not sql.admit(admission(user))
    assert FailedSignIn.objects.get().counts
    assert SignInFailures.objects.exists()
    assert not AccountEvent.objects.exists()
    assert User.objects.get().last_login is None


def test_what_a_good_sign_in_settles() -> None:
    user = citizen()
    made = {
        name: FailedSignIn.objects.create(national_id=national_id, browser=key, stopped_at_code=stopped)
        for name, national_id, key, stopped in (
            ("this", REZA, "k", False),
            ("failed elsewhere", REZA, "other", False),
            ("stopped here", REZA, "k", True),
            ("stopped elsewhere", REZA, "other", True),
            ("of somebody else", UNKNOWN, "k", False),
        )
    }
    SignInFailures.objects.create(account="a", device="of another device", last_at=timezone.now())
    assert sql.admit(admission(user, this_try=made["this"].pk, is_recorded=False))
    counts = dict(FailedSignIn.objects.values_list("pk", "counts"))
    assert {name: counts.get(row.pk) for name, row in made.items()} == {
        "this": None,
        "failed elsewhere": False,
        "stopped here": False,
        "stopped elsewhere": True,
        "of somebody else": True,
    }
    assert list(SignInFailures.objects.values_list("device", flat=True)) == ["of another device"]
    assert not AccountEvent.objects.exists()


def test_what_is_weighed_after_the_password_is_what_a_look_at_the_conduct_says() -> None:
    origin, kind = origin_of("10.0.0.1"), conduct.Kind.PASSWORD
    mark = conduct.mark_of(kind=kind, origin=origin, who="7")
    for _try in range(30):
        conduct.count(kind=kind, origin=origin)
    for _good in range(2):
        conduct.credit(kind=kind, origin=origin, who="7")
    found = sql.risk_of(national_id=REZA, this_try=0, browser_keys=[], origin=origin, mark=mark)
    assert found.around == conduct.Around(conduct.look(kind=kind, origin=origin), {mark.shard: 2})
    assert (found.failed, found.own, found.stopped) == (0, 0, 0)


def test_the_password_is_right_and_the_account_closed_at_this_moment(monkeypatch) -> None:
    """Its row does not stay behind as a failure."""
    citizen()
    admit = sql.admit

    def late(this: sql.Admission) -> bool:
        User.objects.update(is_active=False)
        return admit(this)

    monkeypatch.setattr(sql, "admit", late)
    assert sign_in(browser(), REZA, PASSWORD).status_code == 200
    assert not FailedSignIn.objects.exists()
    assert not Session.objects.exists()
