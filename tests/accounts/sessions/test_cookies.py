"""Every cookie of ours is for this host alone where HTTPS is on. Device cookies from before are read and renamed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import signing
from django.test import Client

from accounts.sessions import devices
from tests.support.accounts import PASSWORD, REZA, citizen, clerk
from tests.support.entrances import HOME, OUT, PAGE, pause_everybody, sign_in
from tests.support.production import production_settings

pytestmark = pytest.mark.django_db
NEW, OLD = "__Host-trusted", "trusted"
STAFF_NEW, STAFF_OLD = "__Host-device", "device"


class Https(Client):
    """A browser at a portal that is reached by HTTPS."""

    def request(self, **request: Any) -> Any:
        return super().request(**{**request, "wsgi.url_scheme": "https", "SERVER_PORT": "443"})


@pytest.fixture
def https(settings):
    """From here on the portal has a real installation's settings for cookies."""

    def begin() -> Https:
        for name, value in production_settings().items():
            setattr(settings, name, value)
        return Https()

    return begin


def remembered_before(browser: Client) -> str:
    """The owner has ticked "remember me" while the cookie had its old name; its value."""
    assert sign_in(browser, remember="on").status_code == 302
    return browser.cookies[OLD].value


def test_all_cookies_of_a_journey_are_for_this_host_only(https):
    citizen()
    clerk()
    browser, desk = https(), Https()
    sign_in(browser, remember="on")
    browser.post("/portal/registration/resend")  # a sentence for the next page
    desk.post("/admin/login/", {"username": "maryam", "password": PASSWORD})
    for client, names in (
        (browser, {NEW, "__Host-sessionid", "__Host-csrftoken", "__Host-messages"}),
        (desk, {STAFF_NEW, "__Host-sessionid", "__Host-csrftoken"}),
    ):
        assert set(client.cookies) == names
        for name in names:
            cookie = client.cookies[name]
            assert (cookie["path"], cookie["domain"], cookie["secure"]) == ("/", "", True), name
            assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax"), name


def test_a_sentence_for_the_next_page_is_shown_once(https):
    browser = https()
    browser.post("/portal/registration/resend")
    said = browser.cookies["__Host-messages"].value
    assert said
    assert browser.get("/portal/registration").context["messages"]
    assert browser.cookies["__Host-messages"].value == ""
    planted = Https()
    planted.cookies["messages"] = said
    assert not list(planted.get("/portal/registration").context["messages"])


def test_a_trusted_device_from_before_is_still_trusted_and_its_cookie_is_renamed(https):
    citizen()
    value = remembered_before(Client())
    pause_everybody()
    browser = https()
    browser.cookies[OLD] = value
    answer = browser.get(PAGE)
    assert answer.cookies[NEW].value == value
    assert (answer.cookies[NEW]["secure"], answer.cookies[NEW]["domain"]) == (True, "")
    assert (answer.cookies[OLD].value, answer.cookies[OLD]["max-age"]) == ("", 0)
    assert sign_in(browser).status_code == 302  # through the pause: it is the owner's own device


def test_a_trusted_device_from_before_is_known_at_its_very_first_request(https):
    citizen()
    value = remembered_before(Client())
    pause_everybody()
    browser = https()
    browser.cookies[OLD] = value
    assert sign_in(browser, remember="on")["Location"] == HOME
    assert browser.cookies[OLD].value == ""
    assert browser.cookies[NEW].value


def test_a_known_device_of_staff_from_before_is_still_known_and_its_cookie_is_renamed(https):
    clerk()
    before = Client()
    before.post("/admin/login/", {"username": "maryam", "password": PASSWORD})
    browser = https()
    browser.cookies[STAFF_OLD] = before.cookies[STAFF_OLD].value
    for _ in range(5):
        Https().post("/admin/login/", {"username": "maryam", "password": "Wrong1234"})
    assert Https().post("/admin/login/", {"username": "maryam", "password": PASSWORD}).status_code == 429
    answer = browser.get("/admin/login/")
    assert answer.cookies[STAFF_NEW].value == before.cookies[STAFF_OLD].value
    assert answer.cookies[STAFF_OLD]["max-age"] == 0
    assert browser.post("/admin/login/", {"username": "maryam", "password": PASSWORD}).status_code == 302


@pytest.mark.parametrize(("old", "new"), [(OLD, NEW), (STAFF_OLD, STAFF_NEW)])
def test_a_cookie_with_the_old_name_never_wins_over_the_new_one(https, old, new):
    browser = https()
    browser.cookies[new] = "the browser's own"
    browser.cookies[old] = signing.dumps(["planted"], salt=devices._SALTS[old])
    answer = browser.get(PAGE)
    assert new not in answer.cookies
    assert answer.wsgi_request.COOKIES[new] == "the browser's own"
    assert answer.cookies[old]["max-age"] == 0


@pytest.mark.parametrize("value", ["", "rubbish", "a:b:c", "é"])
def test_an_old_cookie_that_is_not_ours_is_deleted_and_not_renamed(https, value):
    browser = https()
    browser.cookies[OLD] = value
    answer = browser.get(PAGE)
    assert NEW not in answer.cookies
    assert answer.cookies[OLD]["max-age"] == 0


def test_without_https_the_names_stay_as_they_were():
    citizen()
    browser = Client()
    sign_in(browser, remember="on")
    browser.post(OUT)
    assert OLD in browser.cookies
    assert OLD not in browser.get(PAGE).cookies


@pytest.mark.parametrize("space", ["\u2000", "\u00a0", "\u0085", "\u3000", "\u1680", "\x1c", "\x0b"])
def test_a_name_that_only_looks_like_ours_is_no_session(https, space):
    """A browser takes such a name from another host of the domain: it does not begin with __Host-."""
    citizen()
    thief = https()
    sign_in(thief)
    stolen = thief.cookies["__Host-sessionid"].value
    planted = f"{space}__Host-sessionid={stolen}".encode().decode("latin-1")  # as WSGI has it
    assert Https().get(HOME, HTTP_COOKIE=f"__Host-sessionid={stolen}").status_code == 200
    assert Https().get(HOME, HTTP_COOKIE=planted).status_code == 302
    both = Https().get(HOME, HTTP_COOKIE=f"__Host-sessionid={'a' * 32}; {planted}")
    assert both.status_code == 302


def test_a_persian_value_of_a_foreign_cookie_is_left_alone():
    citizen()
    browser = Client()
    sign_in(browser)
    key = browser.cookies["sessionid"].value
    theirs = "theirs=سلام".encode().decode("latin-1")
    assert Client().get(HOME, HTTP_COOKIE=f"{theirs}; sessionid={key}").status_code == 200


def test_the_brake_of_a_stranger_is_not_lifted_by_a_planted_cookie(https):
    """Somebody else's trusted device opens nothing of this account."""
    citizen()
    citizen(national_id="0123456789", mobile="+989121234568")
    other = Client()
    sign_in(other, "0123456789", remember="on")
    pause_everybody()
    browser = https()
    browser.cookies[OLD] = other.cookies[OLD].value
    browser.get(PAGE)
    assert sign_in(browser, REZA).status_code == 429
