"""What every answer says to a browser beside its page, whatever was asked and however it went."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.core.checks import run_checks
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.utils import timezone

from accounts.codes import challenges
from common import limits
from tamin_portal import urls as portal
from tests.support.accounts import PASSWORD, REZA, administrator, citizen, clerk
from tests.support.entrances import HOME, OUT, PAGE, sign_in
from tests.support.journeys import MATCHES, URL, Browser, code_on
from tests.support.production import production_settings

pytestmark = pytest.mark.django_db
CONTACT = "/.well-known/security.txt"
ALWAYS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
SHEET = "/static/admin/css/base.css"
CLEARS = '"cache", "storage"'


def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken")


def waits(request: HttpRequest) -> HttpResponse:
    held = sqlite3.OperationalError("database is locked")
    held.sqlite_errorcode = sqlite3.SQLITE_BUSY
    raise OperationalError("database is locked") from held


# The portal's own addresses and two that fail.
urlpatterns = [*portal.urlpatterns, path("breaks", breaks), path("waits", waits)]
handler400, handler500 = portal.handler400, portal.handler500


def too_many(client: Client) -> Any:
    with mock.patch.object(limits, "POSTS_PER_ADDRESS", 0):  # six hundred posts may not fit in one minute
        return client.post("/nowhere")


def signed_in(client: Client, page: str) -> Any:
    client.force_login(administrator())
    return client.get(page)


def unchanged(client: Client) -> Any:
    first = client.get(SHEET)
    first.close()
    return client.get(SHEET, HTTP_IF_NONE_MATCH=first["ETag"])


ANSWERS: dict[str, tuple[int, Callable[[Client], Any]]] = {
    "a page": (200, lambda client: client.get(URL)),
    "another page": (200, lambda client: client.get(PAGE)),
    "a redirect": (302, lambda client: client.get("/")),
    "a page of the admin": (200, lambda client: signed_in(client, "/admin/")),
    "a list of the admin": (200, lambda client: signed_in(client, "/admin/sms/message/")),
    "a script of the admin": (200, lambda client: signed_in(client, "/admin/jsi18n/")),
    "a file": (200, lambda client: client.get(SHEET)),
    "a file that was not changed": (304, unchanged),
    "no such file": (404, lambda client: client.get("/static/nothing.css")),
    "health": (200, lambda client: client.get("/healthz")),
    "readiness": (200, lambda client: client.get("/readyz")),
    "a foreign host": (400, lambda client: client.get(URL, HTTP_HOST="evil.example")),
    "a foreign charset": (400, lambda client: client.get(URL, **{"portal.refused_charset": "1"})),
    "a form from elsewhere": (403, lambda client: Client(enforce_csrf_checks=True).post(URL)),
    "no such page": (404, lambda client: client.get("/nowhere")),
    "no icon": (404, lambda client: client.get("/favicon.ico")),
    "no such receipt": (404, lambda client: client.post("/sms/receipts/nobody/token/")),
    "another method": (405, lambda client: client.generic("TRACE", URL)),
    "a method of nobody": (405, lambda client: client.generic("KARIMI", URL)),
    "no form there": (405, lambda client: client.get(OUT)),
    "too large": (413, lambda client: client.post(URL, {"first_name": "x" * 300_000})),
    "too many": (429, too_many),
    "broken": (500, lambda client: client.get("/breaks")),
    "locked": (503, lambda client: client.get("/waits")),
}


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("case", ANSWERS)
def test_every_answer_is_for_our_own_pages_only(settings, case):
    settings.ALLOWED_HOSTS, settings.WHITENOISE_USE_FINDERS = ["testserver"], True
    status, ask = ANSWERS[case]
    answer = ask(Client(raise_request_exception=False))
    answer.close()
    assert answer.status_code == status
    for name, value in ALWAYS.items():
        assert answer[name] == value, name
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "camera=()" in answer["Permissions-Policy"]
    assert answer["Cache-Control"]
    assert not answer.has_header("Access-Control-Allow-Origin")
    assert not [name for name in answer.headers if name.startswith(("X-Powered", "Server"))]


def test_a_refusal_before_anything_else_has_the_headers_too(settings):
    """With HTTPS Django asks for the host's name in its very first step."""
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["portal.example"]
    for answer in (Client().get(URL, HTTP_HOST="evil.example"), Client().get(URL, HTTP_HOST="portal.example")):
        assert answer.status_code in (400, 301)
        assert {name: answer[name] for name in ALWAYS} == ALWAYS


# Caches.


def test_an_empty_step_one_is_asked_for_again_before_a_kept_copy_is_shown(client):
    answer = client.get(URL)
    assert answer["Cache-Control"] == "no-cache"
    assert "Cookie" in answer["Vary"]


def test_step_one_with_what_somebody_typed_is_not_kept():
    browser = Browser()
    assert browser.post(URL, {"registration-current_step": "mobile"})["Cache-Control"] == "no-store"
    browser.step_one()
    browser.post(URL + "/change")
    page = browser.get(URL)
    assert MATCHES.national_id in page.content.decode()
    assert page["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_after_a_whole_journey_step_one_is_empty_and_asked_for_again():
    browser = Browser()
    browser.step_one()
    browser.step_two(code_on(MATCHES.mobile))
    browser.post(URL + "/restart")
    assert browser.get(URL)["Cache-Control"] == "no-cache"


# Sign-out.


def test_a_citizens_sign_out_clears_pages_and_storage_and_never_cookies(client):
    citizen()
    sign_in(client, remember="on")
    trusted = client.cookies["trusted"].value
    answer = client.post(OUT)
    assert answer["Clear-Site-Data"] == CLEARS
    assert "trusted" not in answer.cookies
    assert client.cookies["trusted"].value == trusted


def test_a_sign_out_of_staff_clears_pages_and_storage(client):
    clerk()
    client.post("/admin/login/", {"username": "maryam", "password": PASSWORD})
    answer = client.post("/admin/logout/")
    assert answer["Clear-Site-Data"] == CLEARS
    assert "device" not in answer.cookies


@pytest.mark.django_db(transaction=True)
def test_a_recovery_that_ends_the_session_of_who_was_signed_in_clears_too(client):
    citizen(national_id="0123456789", mobile="+989121234568")
    client.force_login(citizen())
    client.post("/portal/recovery", {"national_id": "0123456789", "mobile": "09121234568"})
    challenges.send_due()
    answer = client.post("/portal/recovery/code", {"code": code_on("+989121234568")})
    assert answer.status_code == 302
    assert answer["Clear-Site-Data"] == CLEARS


def test_a_sign_out_from_two_tabs_clears_in_both(client):
    citizen()
    sign_in(client)
    tabs = [Client(), Client()]
    for tab in tabs:
        tab.cookies = client.cookies.copy()
    assert [tab.post(OUT).get("Clear-Site-Data") for tab in tabs] == [CLEARS] * 2


@pytest.mark.parametrize("page", [URL, PAGE, "/admin/login/", HOME])
def test_nothing_else_clears_anything(client, page):
    assert not client.get(page).has_header("Clear-Site-Data")
    citizen()
    assert not sign_in(client, REZA, "Wrong1234").has_header("Clear-Site-Data")
    assert not sign_in(client).has_header("Clear-Site-Data")
    assert not client.get(HOME).has_header("Clear-Site-Data")


# HTTPS.


@pytest.mark.parametrize(
    ("written", "header"),
    [({}, "max-age=31536000"), ({"HSTS_SUBDOMAINS": "on"}, "max-age=31536000; includeSubDomains")],
)
def test_hsts_takes_other_hosts_of_the_domain_only_where_a_setting_says_so(settings, written, header):
    for name, value in production_settings(**written).items():
        setattr(settings, name, value)
    assert Client().get(PAGE, secure=True)["Strict-Transport-Security"] == header


def test_without_https_no_browser_is_told_to_insist_on_it(client):
    assert not client.get(PAGE, secure=True).has_header("Strict-Transport-Security")


# Whom to tell of a hole.


def test_without_a_contact_there_is_no_security_txt(client, settings):
    settings.SECURITY_CONTACT = []
    assert client.get(CONTACT).status_code == 404


def test_security_txt_says_whom_to_tell_until_when_and_where_it_stands(client, settings):
    settings.SECURITY_CONTACT = ["mailto:security@tamin.example", "https://tamin.example/security"]
    settings.PUBLIC_HOST, settings.HTTPS = "portal.tamin.example", True
    answer = client.get(CONTACT)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    lines = [line.split(": ", 1) for line in answer.content.decode().splitlines()]
    assert [value for name, value in lines if name == "Contact"] == settings.SECURITY_CONTACT
    said = dict(lines)
    assert said["Preferred-Languages"] == "fa, en"
    assert said["Canonical"] == "https://portal.tamin.example/.well-known/security.txt"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said["Expires"])
    until = datetime.strptime(said["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) - timezone.now()
    assert timedelta(days=90) < until < timedelta(days=365)
    assert client.post(CONTACT).status_code == 405
    assert client.head(CONTACT).status_code == 200


def test_contacts_come_from_the_environment():
    written = "mailto:a@tamin.example,tel:+98-21-1"
    assert production_settings(SECURITY_CONTACT=written)["SECURITY_CONTACT"] == written.split(",")
    assert production_settings()["SECURITY_CONTACT"] == []


@pytest.mark.parametrize("contact", ["security@tamin.example", "http://tamin.example", "mailto:", "mailto:a@b\nX: y"])
def test_a_contact_that_is_no_address_is_refused(settings, contact):
    settings.SECURITY_CONTACT = [contact]
    assert "portal.E070" in [found.id for found in run_checks()]


def test_a_contact_that_is_an_address_is_fine(settings):
    settings.SECURITY_CONTACT = ["mailto:security@tamin.example", "https://tamin.example/security", "tel:+98-21-64500"]
    assert "portal.E070" not in [found.id for found in run_checks()]
