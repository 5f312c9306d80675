"""The session of a citizen: ended on another engine than it was begun on, over by time; and what it keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import EventKind, Session
from accounts.sessions import ending
from accounts.sessions import texts as session_texts
from accounts.sessions.store import BEGAN
from common import limits
from sms.models import Message
from tests.support.accounts import citizen, clerk, together
from tests.support.entrances import HOME, OUT, PAGE, UNKNOWN, events_of, kinds, move_clock, sign_in, signed_in, told
from tests.support.journeys import MATCHES, Browser
from tests.support.session_rows import on_sessions

pytestmark = pytest.mark.django_db(transaction=True)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.1 Safari/537.36"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:126.0) Gecko/20100101 Firefox/126.0"


def browser(agent: str = CHROME) -> Client:
    return Client(headers={"user-agent": agent})


def stolen(owner: Client, agent: str = FIREFOX) -> Client:
    """Somebody else with the owner's session cookie."""
    thief = browser(agent)
    thief.cookies["sessionid"] = owner.cookies["sessionid"].value
    return thief


def test_a_session_on_another_engine_is_ended_the_password_is_asked_again_and_nobody_is_alarmed() -> None:
    """It used to send "used in another browser, freeze?": an alarm that owners caused themselves."""
    user, owner = citizen(), browser()
    sign_in(owner)
    thief = stolen(owner)
    response = thief.get(HOME)
    assert response["Location"] == f"{PAGE}?next={HOME}"
    assert told(response) == [session_texts.sentence("session_elsewhere")]
    assert session_texts.sentence("session_elsewhere") in thief.get(response["Location"]).content.decode()
    assert not signed_in(owner)
    assert not Session.objects.exists()
    assert kinds(user) == [EventKind.SIGNED_IN, EventKind.SESSION_ELSEWHERE]
    assert user.events.latest("pk").browser == "Firefox, Windows"
    assert not Message.objects.exists()


def test_the_owner_learns_at_the_next_page_that_the_session_is_over() -> None:
    citizen()
    owner = browser()
    sign_in(owner)
    stolen(owner).get(HOME)
    assert told(owner.get(HOME)) == [session_texts.sentence("session_over")]


def test_a_thief_who_opens_the_sign_in_page_is_not_sent_home() -> None:
    citizen()
    owner = browser()
    sign_in(owner)
    page = stolen(owner).get(PAGE)
    assert page.status_code == 200
    assert not Session.objects.exists()


def test_ten_stolen_pages_at_once_are_one_line_in_the_history() -> None:
    user, owner = citizen(), browser()
    sign_in(owner)
    codes = together(lambda number: stolen(owner).get(HOME).status_code, 10)
    assert codes == [302] * 10
    assert events_of(user, EventKind.SESSION_ELSEWHERE) == 1
    assert not Message.objects.exists()


def test_the_end_of_a_stolen_session_holds_the_account_first() -> None:
    """As every service does: a freeze in the same moment holds the account, and waits for the session's row."""
    user, owner = citizen(), browser()
    sign_in(owner)
    with CaptureQueriesContext(connection) as queries:
        ending.end_used_elsewhere(account=user, session_key=owner.session.session_key, browser="Firefox")
    statements = [query["sql"] for query in queries if "accounts_" in query["sql"]]
    assert statements[0].startswith("SELECT")
    assert 'FROM "accounts_user"' in statements[0]
    assert 'DELETE FROM "accounts_session"' in "".join(statements[1:])


def test_a_browser_that_was_updated_in_mid_session_is_the_same_browser() -> None:
    citizen()
    owner = browser()
    sign_in(owner)
    assert signed_in(stolen(owner, CHROME.replace("125.0.1", "126.2")))


def test_sessions_go_on_while_the_key_of_the_hashes_is_replaced(settings) -> None:
    user, owner = citizen(), browser()
    sign_in(owner)
    settings.CODE_HASH_KEY_FALLBACKS = [settings.CODE_HASH_KEY]
    settings.CODE_HASH_KEY = "another key" * 5
    assert signed_in(owner)
    assert events_of(user, EventKind.SESSION_ELSEWHERE) == 0


def test_a_session_from_before_engines_were_kept_is_over_and_nothing_is_written(client) -> None:
    user = citizen()
    sign_in(client)
    session = client.session
    del session["engine"]
    session.save()
    assert not signed_in(client)
    assert not Session.objects.exists()
    assert kinds(user) == [EventKind.SIGNED_IN]


def test_whichever_way_somebody_is_signed_in_the_session_knows_its_engine(client) -> None:
    client.force_login(citizen())
    assert client.session["engine"]
    assert signed_in(client)
    assert not signed_in(stolen(client))


def test_staff_change_their_browser_as_before(client) -> None:
    client.force_login(clerk())
    other = stolen(client)
    assert other.get("/admin/").status_code == 200


def test_a_session_that_was_left_alone_says_so_and_keeps_the_page(client) -> None:
    citizen()
    sign_in(client)
    Session.objects.update(seen_at=timezone.now() - limits.SESSION_IDLE - timedelta(seconds=1))
    response = client.get(f"{HOME}?tab=1")
    assert response["Location"] == f"{PAGE}?next=/portal/home%3Ftab%3D1"
    assert told(response) == [session_texts.sentence("session_over")]
    assert "۱۵" in session_texts.sentence("session_over")
    assert session_texts.sentence("session_over") in client.get(response["Location"]).content.decode()
    assert session_texts.sentence("session_over") not in client.get(PAGE).content.decode()  # once


def test_a_busy_session_ends_after_twelve_hours(client, monkeypatch) -> None:
    citizen()
    sign_in(client, remember="on")
    for _ in range(3):
        Session.objects.update(
            began_at=F("began_at") - timedelta(hours=4), expire_date=F("expire_date") - timedelta(hours=4)
        )
    assert told(client.get(HOME)) == [session_texts.sentence("session_over")]


def test_who_never_had_a_session_is_told_of_none(client) -> None:
    assert told(client.get(HOME)) == []


def test_who_signed_out_is_told_of_no_end(client) -> None:
    citizen()
    sign_in(client)
    client.post(OUT)
    assert told(client.get(HOME)) == []


@pytest.mark.parametrize("key", ["nobody's\x00key", "x" * 10_000, "a" * 32, "' OR 1=1 --", "short", "\xe9" * 32])
def test_a_forged_session_key_is_a_session_that_is_over(client, key) -> None:
    client.cookies["sessionid"] = key
    assert told(client.get(HOME)) == [session_texts.sentence("session_over")]


def test_signing_in_again_begins_a_new_life_under_a_new_key(client, monkeypatch) -> None:
    citizen()
    sign_in(client)
    key, began = client.session.session_key, client.session[BEGAN]
    move_clock(monkeypatch, timedelta(minutes=10))
    sign_in(client, remember="on")
    assert client.session.session_key != key
    assert client.session[BEGAN] - began > 590
    assert Session.objects.count() == 1
    assert client.session.get_expire_at_browser_close() is False


def test_a_choice_about_the_session_does_not_outlive_the_next_sign_in(client) -> None:
    citizen()
    sign_in(client, remember="on")
    response = sign_in(client)
    assert response.cookies["sessionid"]["max-age"] == ""
    assert client.session.get_expire_at_browser_close() is True


def test_a_closing_page_of_a_registration_shortens_no_later_session(client) -> None:
    citizen()
    session = client.session
    session.set_expiry(900)  # as the end of a journey does
    session.save()
    sign_in(client, remember="on")
    assert Session.objects.get().expire_date - timezone.now() > timedelta(hours=11)


def test_a_registration_under_way_goes_on_after_signing_in() -> None:
    citizen(national_id=UNKNOWN)
    family = Browser()
    family.confirm(MATCHES)
    sign_in(family, UNKNOWN)
    assert 'value="identity"' in family.get("/portal/registration").content.decode()


def test_finishing_a_registration_while_signed_in_keeps_the_session_as_it_was_chosen() -> None:
    citizen(national_id=UNKNOWN)
    family = Browser()
    sign_in(family, UNKNOWN)
    family.register(MATCHES)
    assert family.session.get_expire_at_browser_close() is True
    assert Session.objects.get(session_key=family.session.session_key).expire_date - timezone.now() > timedelta(
        hours=11
    )
    assert signed_in(family)


def test_a_form_that_came_too_late_leads_to_the_sign_in_without_its_page(client) -> None:
    response = client.post(HOME)
    assert response["Location"] == PAGE


def test_a_page_costs_one_session_query(client) -> None:
    citizen()
    sign_in(client)
    assert len(on_sessions(client, HOME)) == 1


def test_a_recovery_that_is_begun_changes_nothing_about_the_session_of_who_is_signed_in(client) -> None:
    """It ends with the browser, as they chose."""
    citizen()
    sign_in(client)
    assert client.post("/portal/recovery", {"national_id": UNKNOWN}).status_code == 302
    assert signed_in(client)
    assert client.session.get_expire_at_browser_close() is True
