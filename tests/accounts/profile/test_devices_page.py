"""The page of devices and sessions, as its owner sees it: where the account is signed in, and the end of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils import timezone

from accounts.models import AccountEvent, EventKind, Session, TrustedDevice, User
from common import limits
from common.persian import to_persian_digits
from common.sentences import jalali
from common.templatetags.persian_text import ago
from sms.models import Message
from tests.support.accounts import PASSWORD, REZA, citizen, clerk

pytestmark = pytest.mark.django_db
HOME, PAGE, STAY = "/portal/home", "/portal/profile/devices", "/portal/session/stay"
PHONE = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile"
FOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"


def browser(agent: str = "", national_id: str = REZA) -> Client:
    """A browser that has signed in."""
    client = Client(headers={"user-agent": agent} if agent else None)
    assert client.post("/portal/", {"national_id": national_id, "password": PASSWORD}).status_code == 302
    return client


def device(account: User, **facts: Any) -> TrustedDevice:
    made = TrustedDevice.objects.create(account=account, secret_hash=make_password(None)[:64], **facts)
    return made


def read(client: Client) -> str:
    answer = client.get(PAGE)
    assert answer.status_code == 200
    return str(answer.content.decode())


def references(page: str, action: str) -> list[str]:
    """What the buttons of `action` would send."""
    return re.findall(rf'action="{PAGE}/{action}">.*?name="reference" value="([^"]+)"', page, re.S)


def events(kind: EventKind) -> list[AccountEvent]:
    return list(AccountEvent.objects.filter(kind=kind))


def is_in(client: Client) -> bool:
    return client.get(HOME).status_code == 200


def test_only_who_is_signed_in_sees_it():
    assert Client().get(PAGE)["Location"] == f"/portal/?next={PAGE}"
    staff = Client()
    staff.force_login(clerk())
    assert staff.get(PAGE)["Location"].startswith("/portal/")


def test_it_lists_the_browsers_in_words_this_one_first():
    citizen()
    phone, fox = browser(PHONE), browser(FOX)
    page = read(phone)
    words = re.findall(r'<h3 id="session-\d"><bdi dir="ltr">([^<]+)</bdi>', page)
    assert words == ["Chrome Mobile, Android", "Firefox, Windows"]
    assert page.index('class="here"') < page.index("Firefox")
    assert len(references(page, "end")) == 1
    assert read(fox).index("Firefox") < read(fox).index("Chrome Mobile")


def test_it_says_since_when_and_when_last_in_jalali_and_in_words():
    citizen()
    phone, fox = browser(PHONE), browser(FOX)
    now = timezone.now()
    began, seen = now - timedelta(hours=2), now - timedelta(minutes=5)
    Session.objects.filter(pk=fox.cookies["sessionid"].value).update(began_at=began, seen_at=seen)
    page = read(phone)
    assert jalali(began, "time") in page
    assert jalali(seen, "time") in page
    assert ago(seen) in page
    assert to_persian_digits(5) in ago(seen)


@pytest.mark.parametrize(
    ("seconds", "number"),
    [
        (0, ""),
        (59, ""),
        (60, "۱"),
        (3599, "۵۹"),
        (3600, "۱"),
        (86399, "۲۳"),
        (86400, "۱"),
        (-5, ""),
        (86400 * 365, "۳۶۵"),
    ],
)
def test_how_long_ago_is_said_in_whole_ones(seconds, number):
    said = ago(timezone.now() - timedelta(seconds=seconds))
    assert "".join(sign for sign in said if sign in "۰۱۲۳۴۵۶۷۸۹") == number
    same_unit = {60: 120, 3600: 7200, 86400: 172800}.get(seconds)
    if same_unit:
        assert ago(timezone.now() - timedelta(seconds=same_unit)) == said.replace("۱", "۲")


def test_no_key_of_a_session_is_in_the_page():
    citizen()
    phone, fox = browser(PHONE), browser(FOX)
    page = read(phone)
    for client in (phone, fox):
        assert client.cookies["sessionid"].value not in page


def test_a_browser_that_does_not_say_what_it_is():
    citizen()
    assert "<bdi" not in read(browser())


@pytest.mark.parametrize("agent", ["<script>alert(1)</script>", "\x00", "x" * 5000, "Mozilla/5.0 (\u202eevil)"])
def test_a_browser_that_calls_itself_something_else(agent):
    citizen()
    client = browser(agent.encode("utf-8").decode("latin-1"))
    assert "<script>alert" not in read(client)


def test_sessions_that_are_over_and_those_of_others_are_not_listed():
    citizen()
    citizen(national_id="0123456789")
    phone, idle, old = browser(PHONE), browser(FOX), browser(FOX)
    browser(FOX, "0123456789")
    now = timezone.now()
    Session.objects.filter(pk=idle.cookies["sessionid"].value).update(seen_at=now - limits.SESSION_IDLE)
    Session.objects.filter(pk=old.cookies["sessionid"].value).update(expire_date=now)
    page = read(phone)
    assert references(page, "end") == []
    assert "Firefox" not in page
    assert f"{PAGE}/end-others" not in page


def test_one_session_is_ended_and_the_others_go_on():
    citizen()
    phone, fox, other = browser(PHONE), browser(FOX), browser(FOX)
    listed = references(read(phone), "end")
    answer = phone.post(f"{PAGE}/end", {"reference": listed[0]}, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert 'class="message"' in answer.content.decode()
    assert is_in(phone)
    assert sorted([is_in(fox), is_in(other)]) == [False, True]
    (event,) = events(EventKind.SESSION_ENDED)
    assert (event.browser, event.actor, event.details) == (
        "Chrome Mobile, Android",
        "citizen",
        {"ended": "Firefox, Windows"},
    )


def test_all_others_are_ended_and_this_one_gets_a_new_key():
    account = citizen()
    phone, fox, other = browser(PHONE), browser(FOX), browser(FOX)
    before = phone.cookies["sessionid"].value
    answer = phone.post(f"{PAGE}/end-others", follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert phone.cookies["sessionid"].value != before
    assert (is_in(phone), is_in(fox), is_in(other)) == (True, False, False)
    assert list(Session.objects.values_list("pk", "account")) == [(phone.cookies["sessionid"].value, account.pk)]
    (event,) = events(EventKind.SESSIONS_ENDED)
    assert event.details == {"sessions": 2}


def test_with_no_others_there_is_nothing_to_write_down():
    citizen()
    phone = browser(PHONE)
    assert phone.post(f"{PAGE}/end-others").status_code == 302
    assert events(EventKind.SESSIONS_ENDED) == []
    assert is_in(phone)


def test_a_session_that_ended_meanwhile_is_no_error():
    citizen()
    phone, fox = browser(PHONE), browser(FOX)
    (reference,) = references(read(phone), "end")
    fox.post("/portal/sign-out")
    for _ in range(2):
        assert phone.post(f"{PAGE}/end", {"reference": reference})["Location"] == PAGE
    assert events(EventKind.SESSION_ENDED) == []


def test_devices_are_listed_and_forgotten_one_by_one():
    account = citizen()
    now = timezone.now()
    device(account, browser="Firefox, Windows", used_at=now - timedelta(days=12))
    kept = device(account, browser="Chrome, Android")
    device(account, browser="Opera, Linux", used_at=now - limits.TRUSTED_FOR)  # past its time
    phone = browser(PHONE)
    page = read(phone)
    assert "Opera" not in page
    assert ago(now - timedelta(days=12)) in page
    assert page.index("Chrome, Android") < page.index("Firefox, Windows")
    gone = references(page, "forget")[1]
    for _ in range(2):
        assert phone.post(f"{PAGE}/forget", {"reference": gone})["Location"] == PAGE
    assert set(TrustedDevice.objects.values_list("browser", flat=True)) == {"Chrome, Android", "Opera, Linux"}
    assert TrustedDevice.objects.filter(pk=kept.pk).exists()
    assert [event.details for event in events(EventKind.DEVICE_FORGOTTEN)] == [{"ended": "Firefox, Windows"}]


def test_what_is_another_accounts_and_what_is_nothing_are_not_there_alike():
    citizen()
    other = citizen(national_id="0123456789")
    device(other, browser="Firefox, Windows")
    mine = browser(PHONE)
    first, _second = browser(FOX, "0123456789"), browser(FOX, "0123456789")
    page = read(first)
    (session,), (trusted,) = references(page, "end"), references(page, "forget")
    digest = session.partition(":")[0]
    forged = ["", "x", "1", session, trusted, digest, f"{digest}:x", "\x00", "ا:ب", "x" * 5000]
    for action in ("end", "forget"):
        answers = [mine.post(f"{PAGE}/{action}", {"reference": reference}) for reference in forged]
        assert {answer.status_code for answer in answers} == {404}, action
        assert mine.post(f"{PAGE}/{action}").status_code == 404
    assert is_in(first)
    assert TrustedDevice.objects.count() == 1
    assert not AccountEvent.objects.filter(kind__in=(EventKind.SESSION_ENDED, EventKind.DEVICE_FORGOTTEN)).exists()


def test_a_reference_of_one_kind_names_nothing_of_the_other():
    account = citizen()
    device(account, browser="Firefox, Windows")
    phone, fox = browser(PHONE), browser(FOX)
    page = read(phone)
    phone.post(f"{PAGE}/forget", {"reference": references(page, "end")[0]})
    phone.post(f"{PAGE}/end", {"reference": references(page, "forget")[0]})
    assert is_in(fox)
    assert TrustedDevice.objects.count() == 1


def test_a_reference_holds_while_the_keys_are_replaced(settings):
    citizen()
    phone, fox = browser(PHONE), browser(FOX)
    (reference,) = references(read(phone), "end")
    settings.CODE_HASH_KEY_FALLBACKS, settings.CODE_HASH_KEY = [settings.CODE_HASH_KEY], "new-" + "k" * 60
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "new-" + "s" * 60
    phone.post(f"{PAGE}/end", {"reference": reference})
    assert not is_in(fox)


@pytest.mark.parametrize("action", ["end", "end-others", "forget"])
def test_nothing_is_ended_by_a_link_or_by_a_strangers_form(action):
    citizen()
    phone, fox = browser(PHONE), browser(FOX)
    assert phone.get(f"{PAGE}/{action}").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = phone.cookies
    assert strict.post(f"{PAGE}/{action}", {"reference": "x"}).status_code == 403
    assert is_in(fox)


def test_an_account_that_was_closed_meanwhile_ends_nothing_and_goes_to_the_sign_in():
    account = citizen()
    phone, fox = browser(PHONE), browser(FOX)
    User.objects.filter(pk=account.pk).update(is_active=False)
    assert phone.post(f"{PAGE}/end-others")["Location"] == "/portal/"
    assert Session.objects.filter(pk=fox.cookies["sessionid"].value).exists()


def test_ending_sessions_and_forgetting_devices_sends_no_sms():
    account = citizen()
    device(account)
    phone, _fox = browser(PHONE), browser(FOX)
    sent = Message.objects.count()
    phone.post(f"{PAGE}/forget", {"reference": references(read(phone), "forget")[0]})
    phone.post(f"{PAGE}/end-others")
    assert Message.objects.count() == sent


# "I am still here".


def test_staying_says_how_long_and_counts_as_a_page():
    citizen()
    phone = browser(PHONE)
    Session.objects.update(seen_at=timezone.now() - limits.SESSION_IDLE + timedelta(seconds=20))
    answer = phone.post(STAY)
    assert answer.json() == {"seconds": limits.SESSION_IDLE.total_seconds(), "final": False}
    assert "no-store" in answer["Cache-Control"]
    assert timezone.now() - Session.objects.get().seen_at < timedelta(seconds=20)


def test_staying_in_the_last_minutes_of_the_twelve_hours_says_that_they_are_the_last():
    citizen()
    phone = browser(PHONE)
    session = phone.session
    session["began"] -= (limits.SESSION_LONGEST - timedelta(minutes=5)).total_seconds()
    session.save()
    answer = phone.post(STAY).json()
    assert answer["final"]
    assert 280 < answer["seconds"] <= 300
    assert "data-final" in read(phone)


def test_who_is_over_cannot_stay():
    citizen()
    phone = browser(PHONE)
    Session.objects.update(seen_at=timezone.now() - limits.SESSION_IDLE)
    assert phone.post(STAY).status_code == 401
    assert Client().post(STAY).status_code == 401
    assert phone.get(STAY).status_code == 405


def test_staying_needs_the_pages_token():
    citizen()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser(PHONE).cookies
    assert strict.post(STAY).status_code == 403


@pytest.mark.parametrize(("who", "path"), [("citizen", HOME), ("citizen", PAGE), ("clerk", "/admin/")])
def test_every_page_of_who_is_signed_in_holds_the_warnings_numbers(who, path):
    client = Client()
    client.force_login(citizen() if who == "citizen" else clerk())
    page = client.get(path).content.decode()
    assert f'data-left="{int(limits.SESSION_IDLE.total_seconds())}"' in page
    assert f'data-warning="{int(limits.SESSION_WARNING.total_seconds())}"' in page
    assert f'data-stay="{STAY}"' in page
    assert f'data-leave="{"/portal/" if who == "citizen" else "/admin/login/"}"' in page
    assert "data-final" not in page
    assert "idle.js" in page


def test_pages_of_who_is_not_signed_in_have_no_warning():
    for path in ("/portal/", "/portal/registration", "/admin/login/"):
        assert "idle.js" not in Client().get(path).content.decode()
