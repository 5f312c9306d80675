"""`deactivate_account`, `reactivate_account`, `end_sessions`, `account_history`: what administrators do to it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from django.utils.translation import gettext

from accounts.closing import service as closing
from accounts.life import history as account_history
from accounts.life import notices
from accounts.models import AccountEvent, Closure, EventKind, FreezeLink, Session, User
from common import limits
from tests.support.accounts import PASSWORD, REZA, administrator, citizen
from tests.support.journeys import texts_on
from tests.support.paths import ROOT

pytestmark = pytest.mark.django_db
BY = {"by": "مینا راد", "reason": "مدارک حضوری دیده شد"}
COMMANDS = ("deactivate_account", "reactivate_account", "end_sessions", "account_history")
NEW = "09350000001"


def run(command: str, which: str = REZA, *more: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(command, which, *more, stdout=out, **(BY | options))
    return out.getvalue()


def signed_in(account: User) -> Client:
    client = Client()
    client.force_login(account, backend="accounts.backends.CitizenBackend")
    assert client.get("/portal/home").status_code == 200
    return client


def frozen(person: User) -> User:
    User.objects.filter(pk=person.pk).update(is_active=False, closure=Closure.FROZEN, closed_at=timezone.now())
    return User.objects.get(pk=person.pk)


def test_a_deactivated_account_is_closed_and_its_owner_hears_of_it_without_the_reason(transactional_db) -> None:
    person = citizen()
    browser = signed_in(person)

    told = run("deactivate_account")

    person.refresh_from_db()
    assert (person.is_active, person.closure) == (False, Closure.DEACTIVATED)
    assert browser.get("/portal/home").status_code == 302
    event = person.events.get()
    assert (event.kind, event.actor, event.reason) == ("deactivated", "operator مینا راد", BY["reason"])
    assert gettext("Your account was closed by the organization. A branch tells you why.") in texts_on("09121234567")[0]
    assert BY["reason"] not in texts_on("09121234567")[0]
    assert "0912•••4567" in told


def test_an_opened_account_keeps_its_password_unless_its_owner_had_frozen_it(transactional_db) -> None:
    person = citizen()
    run("deactivate_account")

    run("reactivate_account")

    person.refresh_from_db()
    assert person.is_active
    assert (person.closure, person.closed_at) == ("", None)
    assert person.check_password(PASSWORD)
    assert [event.details for event in person.events.all()] == [{}, {}]
    assert texts_on("09121234567")[0].count("\n") == 2


def test_after_a_freeze_the_old_password_is_worthless(transactional_db) -> None:
    person = frozen(citizen())

    told = run("reactivate_account")

    person.refresh_from_db()
    assert person.is_active
    assert not person.has_usable_password()
    assert person.password_changed_at
    assert Client().post("/portal/", {"national_id": REZA, "password": PASSWORD}).status_code != 302
    assert gettext("The old password does not work any more: the owner sets a new one by recovery.") in told
    assert person.events.get().details == {"password_reset": True}


@pytest.mark.parametrize("typed", [NEW, "۰۹۳۵ ۰۰۰ ۰۰۰۱", "+98 935 000 0001"])
def test_another_number_is_told_to_both(transactional_db, typed) -> None:
    person = frozen(citizen())

    told = run("reactivate_account", REZA, "--mobile", typed)

    person.refresh_from_db()
    assert person.mobile == "+989350000001"
    assert person.events.get().details["mobile"] == "0935•••0001"
    for phone in ("09121234567", NEW):
        assert "\u202a۰۹۳۵•••۰۰۰۱\u202c" in texts_on(phone)[0]  # else its ends change places in a Persian line
        assert "۰۹۳۵۰۰۰۰۰۰۱" not in texts_on(phone)[0]
    assert "0935•••0001" in told


def test_the_number_it_has_already_is_no_other_number(transactional_db) -> None:
    person = frozen(citizen())
    run("reactivate_account", REZA, "--mobile", "09121234567")
    assert person.events.get().details == {"password_reset": True}
    assert len(texts_on("09121234567")) == 1


def test_a_recovery_without_the_answer_is_allowed_for_a_while(transactional_db) -> None:
    person = frozen(citizen())

    run("reactivate_account", without_answer=True)

    person.refresh_from_db()
    assert person.recovery_without_answer_until
    left = person.recovery_without_answer_until - timezone.now()
    assert limits.RECOVERY_WITHOUT_ANSWER / 2 < left <= limits.RECOVERY_WITHOUT_ANSWER
    assert person.events.get().details["without_answer"] is True


@pytest.mark.parametrize("command", ["deactivate_account", "reactivate_account"])
def test_giving_it_twice_is_once_and_says_so(transactional_db, command) -> None:
    person = citizen()
    if command == "reactivate_account":
        frozen(person)
    run(command)
    before = User.objects.values().get(pk=person.pk)

    more = ["--mobile", NEW, "--without-answer"] if command == "reactivate_account" else []
    again = run(command, REZA, *more, by="another", reason="again")

    assert User.objects.values().get(pk=person.pk) == before
    assert person.events.count() == 1
    assert len(texts_on("09121234567")) == 1
    person.refresh_from_db()
    state = account_history.state_in_words(person)
    assert again.strip() in (
        gettext("The account is closed already: %(state)s. Nothing was changed.") % {"state": state},
        gettext(
            "The account is open; nothing was changed. For another number, or a recovery without the answer, give "
            "deactivate_account first."
        ),
    )


def test_a_frozen_account_stays_frozen_when_it_is_deactivated(transactional_db) -> None:
    """Else its old password would be good again after it is opened."""
    person = frozen(citizen())
    run("deactivate_account")
    person.refresh_from_db()
    assert person.closure == Closure.FROZEN
    assert not person.events.exists()


def test_all_sessions_end_and_those_of_others_do_not(transactional_db) -> None:
    person, other = citizen(), citizen(national_id="0070001014", mobile="+989120000101")
    mine, theirs = [signed_in(person), signed_in(person)], signed_in(other)

    told = run("end_sessions")

    assert [browser.get("/portal/home").status_code for browser in mine] == [302, 302]
    assert theirs.get("/portal/home").status_code == 200
    assert "۲" in told
    assert Session.objects.filter(account=person).count() == 0
    event = person.events.get()
    assert (event.kind, event.actor, event.details) == ("sessions_ended", "operator مینا راد", {"sessions": 2})


def test_the_history_says_what_happened_and_that_it_was_looked_at() -> None:
    person = citizen()
    notices.record(account=person, kind=EventKind.SIGNED_IN, browser="Firefox, Android")
    notices.record(account=person, kind=EventKind.MOBILE_CHANGED, mobile="0935•••0001")
    closing.deactivate(account=person, by="ali", reason="مرگ بیمه شده")

    told = run("account_history")

    lines = told.splitlines()
    assert gettext("An administrator looked at the history") in lines[1]
    assert "مینا راد" in lines[1]
    assert BY["reason"] in lines[2]
    for words in (
        "Firefox, Android",
        "۰۹۳۵•••۰۰۰۱",
        "ali",
        "مرگ بیمه شده",
        gettext("The account was made and activated"),
    ):
        assert words in told
    look = person.events.get(kind=EventKind.LOOKED_AT)
    assert (look.actor, look.reason) == ("operator مینا راد", BY["reason"])


def test_the_history_for_programs() -> None:
    person = citizen()
    closing.deactivate(account=person, by="ali", reason="x")

    told = json.loads(run("account_history", json=True))

    assert told["state"] == "deactivated"
    assert told["closed_at"]
    assert told["activated_at"]
    assert [event["kind"] for event in told["events"]] == ["looked_at", "deactivated"]
    assert told["events"][1] | {"at": ""} == {
        "at": "", "kind": "deactivated", "actor": "operator ali", "reason": "x", "browser": "", "details": {},
    }  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("typed", ["۰۰۱۲۳۴۵۶۷۹", "٠٠١٢٣٤٥٦٧٩", " 001-234567-9 "])
def test_the_national_id_may_be_typed_in_any_digits(transactional_db, command, typed) -> None:
    person = citizen()
    run(command, typed)
    assert person.events.exists() or command == "reactivate_account"


@pytest.mark.parametrize("command", COMMANDS)
def test_who_is_not_there_and_what_is_no_id_are_told_apart(command) -> None:
    with pytest.raises(CommandError, match=gettext("There is no account with this national ID.")):
        run(command)
    for typed in ("0012345678", "1234", "", "x" * 5_000, "0012345679\x00"):
        with pytest.raises(CommandError):
            run(command, typed)
    assert not AccountEvent.objects.exists()


@pytest.mark.parametrize("command", COMMANDS[:3])
def test_an_account_that_was_never_activated_is_the_desks(command) -> None:
    person = citizen(active=False)
    with pytest.raises(CommandError) as refused:
        run(command)
    assert str(refused.value) == gettext(
        "This account was never activated: it waits for a branch, and the desk there activates it."
    )
    person.refresh_from_db()
    assert not person.is_active
    assert not person.events.exists()


def test_the_activated_account_is_meant_where_another_request_waits_too() -> None:
    waiting = citizen(active=False)
    person = citizen()
    citizen_of = closing.account_of(national_id=REZA)
    assert citizen_of == person != waiting


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("missing", ["by", "reason"])
@pytest.mark.parametrize("value", [None, "", "   ", "x" * 501])
def test_nothing_is_done_without_a_name_and_a_reason(command, missing, value) -> None:
    person = citizen()
    given = {name: text for name, text in BY.items() if name != missing}
    more = [] if value is None else [f"--{missing}", value]
    with pytest.raises(CommandError):
        call_command(command, REZA, *more, *(part for name, text in given.items() for part in (f"--{name}", text)))
    person.refresh_from_db()
    assert person.is_active
    assert not person.events.exists()


@pytest.mark.parametrize("number", ["02188776655", "+14155550100", "0912", "", "mina"])
def test_what_is_no_mobile_opens_nothing(number) -> None:
    person = frozen(citizen())
    with pytest.raises(CommandError, match="09121234567"):
        call_command("reactivate_account", REZA, "--by", "mina", "--reason", "x", "--mobile", number)
    person.refresh_from_db()
    assert not person.is_active


def test_nothing_that_is_printed_is_a_secret_or_a_whole_number(transactional_db, caplog) -> None:
    person = citizen(security_answer_hash="argon2$the-answer")
    browser = signed_in(person)
    key = browser.session.session_key
    notices.record(account=person, kind=EventKind.PASSWORD_CHANGED)
    printed = [
        run("end_sessions"),
        run("deactivate_account"),
        run("deactivate_account"),
        run("reactivate_account", REZA, "--mobile", NEW, "--without-answer"),
        run("reactivate_account"),
        run("account_history"),
        run("account_history", json=True),
    ]
    everything = "\n".join(printed) + caplog.text
    person.refresh_from_db()
    link = FreezeLink.objects.get()
    for secret in (
        person.password, "argon2", "the-answer", "favourite_colour", link.token_hash, "not-me", key, person.username,
        "9121234567", "۹۱۲۱۲۳۴۵۶۷", "9350000001", "۹۳۵۰۰۰۰۰۰۱", REZA, "۰۰۱۲۳۴۵۶۷۹", person.email, "رضا",
    ):  # fmt: skip
        assert secret not in everything, secret


def test_staff_are_no_citizens_account() -> None:
    boss = administrator()
    for work in (closing.deactivate, closing.reactivate, closing.end_all_sessions):
        with pytest.raises(Exception, match="no_account"):
            work(account=boss, by="mina", reason="x")
    boss.refresh_from_db()
    assert boss.is_active


@pytest.mark.parametrize("command", COMMANDS)
def test_exit_codes_and_bytes_that_are_no_text(tmp_path, command) -> None:
    """As a shell sees it."""
    (tmp_path / "portal.env").write_text("PORTAL_MODE=demo\nSECRET_KEY=demo-" + "x" * 60)
    env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    manage = [os.fsencode(sys.executable), b"manage.py", command.encode(), REZA.encode(), b"--by", b"mina\xff"]
    done = subprocess.run([*manage, b"--reason", b"x"], cwd=ROOT, env=env, capture_output=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.decode().endswith("mina\\xff” is not text in UTF-8.\n")
