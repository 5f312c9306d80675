"""What happened to an account, in plain words: for its owner, and for administrators."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.translation import gettext, pgettext

from accounts.closing import service as closing
from accounts.life import history as account_history
from accounts.life import notices
from accounts.models import AccountEvent, EventKind, User
from tests.support.accounts import citizen

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 11, 23, 7, 12, tzinfo=dt.UTC)


def event(
    account: User, kind: EventKind = EventKind.SIGNED_IN, actor: str = notices.CITIZEN, **more: object
) -> AccountEvent:
    return AccountEvent.objects.create(account=account, kind=kind, actor=actor, **({"at": AT} | more))


def test_every_kind_of_event_is_a_sentence_for_everybody() -> None:
    person = citizen()
    for kind in EventKind:
        line = account_history.entry_of(event(person, kind), for_owner=True)
        assert line.what == str(kind.label)
        assert line.who == ""


def test_the_moment_is_jalali_and_of_tehran() -> None:
    assert account_history.entry_of(event(citizen()), for_owner=True).when == "۱۴۰۵/۰۹/۰۲ ۱۰:۴۲"


@pytest.mark.parametrize(
    ("actor", "owner_reads", "administrator_reads"),
    [
        ("citizen", "", gettext("the owner of the account")),  # perhaps a thief: "by you" would be a lie
        ("portal", gettext("the portal"), gettext("the portal")),
        ("operator mina rad", gettext("an administrator"), gettext("administrator %(name)s") % {"name": "mina rad"}),
        ("clerk7", gettext("the staff of a branch"), gettext("the staff of a branch")),
    ],
)
def test_the_owner_reads_who_it_was_and_never_the_name(actor, owner_reads, administrator_reads) -> None:
    row = event(citizen(), EventKind.DEACTIVATED, actor, reason="court order 7")
    mine, theirs = (account_history.entry_of(row, for_owner=owner) for owner in (True, False))
    assert (mine.who, mine.reason) == (owner_reads, "")
    assert (theirs.who, theirs.reason) == (administrator_reads, "court order 7")


@pytest.mark.parametrize(
    ("kind", "details", "words"),
    [
        ("mobile_changed", {"mobile": "0935•••0001"}, "\u2068۰۹۳۵•••۰۰۰۱\u2069"),  # its ends in their order
        ("service_connected", {"service": "سامانه ERP"}, "\u2068سامانه ERP\u2069"),  # from right to left
        ("sessions_ended", {"sessions": 3}, gettext("%(value)s sessions") % {"value": "\u2068۳\u2069"}),
        ("reactivated", {"password_reset": True}, gettext("the old password does not work any more")),
        ("reactivated", {"without_answer": True}, gettext("for a while a recovery asks for no security answer")),
    ],
)
def test_what_is_known_besides_stands_after_the_sentence(kind, details, words) -> None:
    line = account_history.entry_of(event(citizen(), kind, details=details), for_owner=True)
    assert line.what.startswith(f"{EventKind(kind).label}: ")
    assert words in line.what


def test_a_detail_that_has_no_words_is_not_shown() -> None:
    row = event(citizen(), details={"secret": "s3cr3t", "sessions": 0, "mobile": ""})
    assert account_history.entry_of(row, for_owner=False).what == str(EventKind.SIGNED_IN.label)


def test_newest_first_down_to_the_beginning_in_one_query() -> None:
    person = citizen()
    event(person, EventKind.SIGNED_IN, browser="Firefox, Android")
    event(person, EventKind.CODE_ON, at=AT + dt.timedelta(hours=1))
    with CaptureQueriesContext(connection) as queries:
        lines = account_history.entries(person, for_owner=True)
    assert len(queries) == 1
    assert [line.what for line in lines] == [
        str(EventKind.CODE_ON.label),
        str(EventKind.SIGNED_IN.label),
        gettext("The account was made and activated"),
    ]
    assert [line.browser for line in lines] == ["", "Firefox, Android", ""]


def test_nothing_of_another_account_is_in_it() -> None:
    person, other = citizen(), citizen(national_id="0070001014", mobile="+989120000101")
    event(other)
    assert len(account_history.entries(person, for_owner=True)) == 1


def test_an_account_that_a_branch_activated_later_says_so() -> None:
    person = citizen()
    User.objects.filter(pk=person.pk).update(date_joined=AT, activated_at=AT + dt.timedelta(days=3))
    person.refresh_from_db()
    made, activated = reversed(account_history.first_entries(person))
    assert (made.when, made.what) == ("۱۴۰۵/۰۹/۰۲ ۱۰:۴۲", gettext("The account was made"))
    assert (activated.what, activated.who) == (gettext("The account was activated"), gettext("the staff of a branch"))


def test_an_account_that_waits_says_so() -> None:
    (line,) = account_history.first_entries(citizen(active=False))
    assert line.what == gettext("The account was made, and waits for a branch to activate it")


def test_the_state_of_an_account_in_words() -> None:
    waiting, person = citizen(active=False, national_id="0070001014"), citizen()
    assert (account_history.state_of(waiting), account_history.state_in_words(waiting)) == (
        "waiting",
        pgettext("account", "not activated yet"),
    )
    assert (account_history.state_of(person), account_history.state_in_words(person)) == (
        "open",
        pgettext("account", "open"),
    )
    closing.deactivate(account=person, by="mina", reason="x")
    person.refresh_from_db()
    assert account_history.state_of(person) == "deactivated"
    assert gettext("deactivated by an administrator") in account_history.state_in_words(person)
    User.objects.filter(pk=person.pk).update(closure="", closed_at=None)  # closed before reasons were kept
    person.refresh_from_db()
    assert (account_history.state_of(person), account_history.state_in_words(person)) == (
        "closed",
        pgettext("account", "closed"),
    )


def test_a_look_of_an_administrator_is_seen_by_the_owner_without_the_name() -> None:
    person = citizen()
    closing.look_at_history(account=person, by="mina", reason="asked by phone")
    newest = account_history.entries(person, for_owner=True)[0]
    assert newest.what == str(EventKind.LOOKED_AT.label)
    assert "mina" not in str(newest)
    assert "asked by phone" not in str(newest)
    assert timezone.now() - newest.at < dt.timedelta(minutes=1)
