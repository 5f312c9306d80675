"""A session is written once, at the end of the request: a new key comes with what it may do, or not at all."""

from __future__ import annotations

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.db import transaction
from django.utils import timezone

from accounts.models import Session
from accounts.sessions.keys import change_key, key_of_row
from accounts.sessions.store import SessionStore
from common import limits
from tests.support.accounts import citizen
from tests.support.journeys import MATCHES, Browser, code_on
from tests.support.statements import at_most

pytestmark = pytest.mark.django_db(transaction=True)


def begun(**held: str) -> str:
    store = SessionStore()
    store["note"] = "step one"
    store.update(held)
    store.save()
    return str(store.session_key)


def of_account() -> str:
    return begun(_auth_user_id=str(citizen().pk))


def content(key: str | None) -> dict[str, object]:
    return SessionStore(key).load()


def rows() -> list[str]:
    return list(Session.objects.values_list("pk", flat=True))


def test_a_new_session_is_one_statement():
    store = SessionStore()
    store["note"] = 1
    with at_most(1, sqlite=1):
        store.save()
    assert rows() == [store.session_key]


@pytest.mark.parametrize("make", [begun, of_account])
def test_a_new_key_with_new_content_is_one_statement(make):
    old = make()
    store = SessionStore(old)
    with at_most(2, sqlite=2):  # read, written
        store.cycle_key()
        store["note"] = "in"
        store.cycle_key()
        store.save()
    assert rows() == [store.session_key] != [old]
    assert content(store.session_key)["note"] == "in"


def test_the_key_after_a_right_code_is_one_statement_and_the_old_row_stays_as_it_was():
    old = begun()
    before = Session.objects.get(pk=old).session_data
    store = SessionStore(old)
    Session.objects.update(seen_at=timezone.now() - limits.SESSION_IDLE / 2)
    with at_most(3, sqlite=3):  # read, the old row's use (it was long ago), the new row
        change_key(store)
        store["grant"] = "secret"
        store.save()
    assert sorted(rows()) == sorted([old, str(store.session_key)])
    kept = Session.objects.get(pk=old)
    assert kept.session_data == before
    assert timezone.now() - kept.seen_at < limits.SESSION_USE_BEHIND  # whose answer was lost has time to come again
    assert content(store.session_key)["grant"] == "secret"


@pytest.mark.parametrize("renew", [SessionStore.cycle_key, change_key])
@pytest.mark.parametrize("make", [begun, of_account])
def test_a_request_that_fails_before_its_end_leaves_the_session_under_its_key(renew, make):
    old = make()
    store = SessionStore(old)
    renew(store)
    store["grant"] = "secret"
    assert rows() == [old]
    assert "grant" not in content(old)


@pytest.mark.parametrize("renew", [SessionStore.cycle_key, change_key])
def test_a_transaction_that_is_rolled_back_takes_no_key_with_it(renew):
    old = of_account()
    store = SessionStore(old)
    with transaction.atomic():
        renew(store)
        transaction.set_rollback(True)
    store.save()
    assert rows() == [store.session_key] != [old]


def test_a_signed_in_session_that_was_ended_gets_no_new_key_and_one_without_an_account_does():
    signed_in, journey = of_account(), begun()
    for key, stays_ended in ((signed_in, True), (journey, False)):
        store = SessionStore(key)
        store.cycle_key()
        Session.objects.filter(pk=key).delete()
        store["_auth_user_id"] = "1"  # what a sign-in writes after the new key says nothing about before
        if stays_ended:
            with pytest.raises(UpdateError):
                store.save()
            assert store.session_key not in rows()
        else:
            store["_auth_user_id"] = str(citizen(national_id="0123456789").pk)
            store.save()
            assert store.session_key in rows()


@pytest.mark.parametrize("make", [begun, of_account])
def test_what_was_ended_meanwhile_is_not_written_under_its_key_either(make):
    store = SessionStore(make())
    store["note"] = "late"
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        store.save()
    assert rows() == []


def test_of_two_tabs_that_change_the_key_of_a_signed_in_session_one_wins():
    old = of_account()
    tabs = [SessionStore(old), SessionStore(old)]
    for tab in tabs:
        tab.cycle_key()
    tabs[0].save()
    with pytest.raises(UpdateError):
        tabs[1].save()
    assert rows() == [tabs[0].session_key]


def test_both_presses_of_a_right_code_have_a_row():
    old = begun()
    tabs = [SessionStore(old), SessionStore(old)]
    for tab in tabs:
        change_key(tab)
        tab["grant"] = "secret"
        tab.save()
    assert len({old, tabs[0].session_key, tabs[1].session_key}) == len(rows()) == 3
    assert "grant" not in content(old)


def test_what_ends_other_sessions_in_the_same_request_knows_this_one_by_its_row():
    store = SessionStore(of_account())
    old = key_of_row(store)
    store.cycle_key()
    assert key_of_row(store) == old != store.session_key
    store.save()
    assert key_of_row(store) == store.session_key
    store.flush()
    assert key_of_row(store) == ""
    assert rows() == []


def test_a_key_that_is_somebodys_is_left_to_them(monkeypatch):
    theirs = of_account()
    before = Session.objects.get(pk=theirs).session_data
    keys = iter([theirs, theirs, "f" * 32])
    monkeypatch.setattr(SessionStore, "_get_new_session_key", lambda self: next(keys))
    store = SessionStore()
    store["note"] = "mine"
    store.save()
    assert store.session_key == "f" * 32
    assert Session.objects.get(pk=theirs).session_data == before


def test_nobody_chooses_the_key_of_a_row():
    planted = "a" * 32
    store = SessionStore(planted)
    store.clear()
    store["note"] = 1
    with pytest.raises(UpdateError):
        store.save()
    for how in ("load", "must_create", "create"):
        store = SessionStore(planted)
        if how == "load":
            store["note"] = 1
            store.save()
        elif how == "must_create":
            store.save(must_create=True)
        else:
            store.create()
        assert store.session_key != planted
    assert planted not in rows()
    assert len(rows()) == 3


def test_the_session_part_of_a_registration_is_one_statement_a_request(settings):
    settings.SESSION_USES_WRITTEN_WITHIN = 5
    browser = Browser()
    parts = []
    for work in (
        browser.step_one,
        lambda: browser.get("/portal/registration"),
        lambda: browser.step_two(code_on(MATCHES.mobile)),
        lambda: browser.get("/portal/registration"),
    ):
        with at_most(99, sqlite=99) as sent:
            work()
        parts.append([statement.split()[0] for statement in sent if "accounts_session" in statement])
    draft_is_read_from_a_page = ["SELECT"]
    assert parts == [["INSERT"], ["SELECT"], [*draft_is_read_from_a_page, "SELECT", "INSERT"], ["SELECT"]]
