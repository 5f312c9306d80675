"""From a service over the registration back to the service: the same hour, days later, and with anybody in between."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from common import limits
from openid.ways_back import key_of
from registration.models import Registration
from registration.services import decisions, matching
from registration.states import State
from tests.support import openid, session_rows
from tests.support.journeys import (
    CITIZENS,
    DONE,
    MATCHES,
    OTHER_NAME,
    PASSWORD,
    URL,
    Browser,
    account_of,
    code_on,
    let_pass,
    registration_in,
    row_of,
    step_shown,
    texts_on,
)
from tests.support.openid_browser import AUTHORIZE, ask, handed_over, let_requests_pass, suspend
from tests.support.pages import main_ways, text_of
from tests.support.second_chances import CHANCE, NEW_NUMBER, NUMBER, correct, referred
from tests.support.second_chances import CODE as NUMBER_CODE

pytestmark = pytest.mark.django_db(transaction=True)
START = "https://service.example.ir/start"
NAME = "سوابق بیمه"
GO_ON = f"ادامه در سامانه «{NAME}»"


@pytest.fixture
def service(db: None) -> openid.Service:
    return openid.service(name=NAME, initiate_login_uri=START)


def address_of(service: openid.Service) -> str:
    return f"{AUTHORIZE}/{key_of(service.row)}"


def links(page: str, to: str) -> list[str]:
    """Every address of our page `to` on this page, in links and forms."""
    found = re.findall(r'(?:href|action|data-leave)="([^"]+)"', page)
    return [unescape(address) for address in found if urlsplit(unescape(address)).path == to]


def comes_from(service: openid.Service, browser: Browser) -> None:
    """The service sends its citizen, who has no account and follows the link to the registration."""
    sign_in = browser.get(ask(browser, service)["Location"]).content.decode()
    (link,) = links(sign_in, URL)
    page = browser.get(link).content.decode()
    assert f"«{NAME}»" in text_of(page) or step_shown(browser.get(link)) != "mobile"
    assert set(links(page, URL)) <= {link, URL}
    browser.query = "?" + urlsplit(link).query


def approved() -> None:
    """The registries have answered, and the guide's words have been read."""
    matching.match_due()
    Registration.objects.update(submitted_at=F("submitted_at") - limits.SYSTEM_MESSAGE_FIRST)


def goes_on(page: Any, service: openid.Service) -> str:
    """The page's one main way leads to the service; where."""
    html = page.content.decode()
    assert main_ways(html) == [(GO_ON, address_of(service))]
    return address_of(service)


def begins_anew(page: Any) -> bool:
    assert "state-1" not in page.content.decode() + page["Refresh"]
    return page.status_code == 200 and page["Refresh"].startswith(f"0;url={START}?iss=http")


def status_of(row: Registration, browser: Client | None = None) -> Any:
    """The status page, in a browser of somebody who has the tracking code."""
    browser = browser or Client()
    browser.post(URL + "/status", {"national_id": row.national_id, "tracking_code": row.tracking_code or ""})
    return browser.get(URL + "/status")


def test_within_its_hour_the_request_itself_is_answered(browser: Browser, service: openid.Service):
    comes_from(service, browser)
    browser.register()
    assert f"شما از «{NAME}» آمده‌اید" in text_of(browser.get(DONE).content.decode())
    approved()

    to_sign_in = browser.get(goes_on(browser.get(DONE), service))["Location"]

    assert f"برای ادامه در «{NAME}» وارد شوید" in text_of(browser.get(to_sign_in).content.decode())
    after = browser.post(to_sign_in, {"national_id": MATCHES.national_id, "password": PASSWORD})
    answer = handed_over(browser.get(after["Location"]))
    assert answer["state"] == "state-1"
    assert service.exchange(answer["code"]).status_code == 200


def test_past_its_hour_the_service_begins_anew(browser: Browser, service: openid.Service):
    comes_from(service, browser)
    browser.register()
    approved()
    let_requests_pass(limits.OPENID_REQUEST)

    assert begins_anew(browser.get(goes_on(browser.get(DONE), service)))


def test_days_later_the_status_page_and_the_sms_lead_there_from_any_browser(browser: Browser, service: openid.Service):
    comes_from(service, browser)
    row = browser.register()
    assert GO_ON not in status_of(row).content.decode()
    approved()
    line, address = texts_on(MATCHES.mobile)[0].splitlines()[-2:]
    let_pass(timedelta(days=5))

    assert begins_anew(Client().get(goes_on(status_of(row), service)))
    assert line == GO_ON
    assert address == f"{settings.PUBLIC_HOST}/to/{key_of(service.row)}"
    assert Client().get(address.removeprefix(settings.PUBLIC_HOST))["Location"] == address_of(service)


def test_it_survives_a_sign_out_by_idleness_before_the_code(browser: Browser, service: openid.Service):
    comes_from(service, browser)
    browser.step_one()
    browser.query = ""
    code_page = browser.get(URL).content.decode()  # its address says nothing; its forms and its end by idleness do
    onward = {address for address in links(code_page, URL) if "next=" in address}
    session_rows.let_pass(limits.SESSION_IDLE + timedelta(seconds=1))

    (address,) = onward
    browser.query = "?" + urlsplit(address).query
    late = browser.post_step("code", {"code": "000000", "draft": "x"})

    assert late["Location"] == address
    assert f"در «{NAME}» ادامه می‌دهید" in text_of(browser.get(address).content.decode())
    let_pass(limits.CODE_GAP)
    browser.confirm()
    assert row_of(MATCHES).came_from == service.client_id


def test_it_goes_where_the_request_goes(browser: Browser, service: openid.Service):
    """Another device, idleness, a correction, a branch."""
    comes_from(service, browser)
    browser.confirm(OTHER_NAME)
    session_rows.let_pass(limits.SESSION_IDLE + timedelta(seconds=1))
    let_pass(limits.CODE_GAP)

    elsewhere = Browser()
    row = referred(elsewhere)
    assert NAME not in text_of(elsewhere.get(CHANCE).content.decode())
    correct(elsewhere, first_name="نادرست")
    matching.match_due()
    row.refresh_from_db()
    assert (row.state, row.revision, row.came_from) == (State.REFERRED, 1, service.client_id)
    decisions.approve(row, actor="maryam", why="papers", papers=["card"])

    assert texts_on(OTHER_NAME.mobile)[0].splitlines()[-2] == GO_ON
    goes_on(status_of(row), service)


def test_another_number_takes_it_over(browser: Browser, service: openid.Service):
    comes_from(service, browser)
    registration_in(State.REFERRED, verdict="mismatch", verdict_kind="owner")
    browser.confirm()
    theirs = registration_in(State.REFERRED, mobile=NEW_NUMBER, verdict="mismatch", verdict_kind="identity")
    browser.post(NUMBER, {"draft": browser.draft(), "operator": "mci", "mobile": NEW_NUMBER})

    browser.post(NUMBER_CODE, {"draft": browser.draft(), "code": code_on(NEW_NUMBER)})

    theirs.refresh_from_db()
    assert theirs.came_from == service.client_id


def test_where_a_branch_activates_it_leads_on_after_that(browser: Browser, service: openid.Service, settings: Any):
    settings.ACTIVATION_POLICY = "branch"
    comes_from(service, browser)
    row = browser.register()
    approved()
    assert GO_ON not in browser.get(DONE).content.decode() + texts_on(MATCHES.mobile)[0]

    row.refresh_from_db()
    decisions.approve(row, actor="maryam", why="papers", papers=["card"])

    goes_on(browser.get(DONE), service)
    assert f"/to/{key_of(service.row)}" in texts_on(MATCHES.mobile)[0]


def test_who_has_an_account_already_is_led_on_through_sign_in_and_recovery(browser: Browser, service: openid.Service):
    account_of(MATCHES)
    comes_from(service, browser)
    browser.confirm()

    page = browser.get(DONE)

    assert browser.get(goes_on(page, service))["Location"].startswith("/portal/?next=")
    (recovery,) = links(page.content.decode(), "/portal/recovery")
    assert address_of(service) in links(browser.get(recovery).content.decode(), "/portal/")[0].replace("%2F", "/")


def test_who_comes_from_a_service_in_the_middle_of_a_registration_goes_back_there(
    browser: Browser, service: openid.Service
):
    browser.confirm()
    assert row_of(MATCHES).came_from == ""

    comes_from(service, browser)

    assert row_of(MATCHES).came_from == service.client_id


def test_the_next_person_at_the_browser_begins_from_nothing(browser: Browser, service: openid.Service):
    comes_from(service, browser)
    browser.register()
    browser.query = ""
    for leave in (None, URL + "/restart"):
        if leave:
            browser.post(leave)
        assert NAME not in browser.get(URL).content.decode()
    browser.confirm(CITIZENS[2])

    assert row_of(CITIZENS[2]).came_from == ""


def test_before_the_code_the_next_person_also_begins_from_nothing(browser: Browser, service: openid.Service):
    comes_from(service, browser)
    browser.step_one()
    browser.query = ""
    browser.post(URL + "/change")
    assert NAME in browser.get(URL).content.decode()  # the same person corrects the number
    browser.post(URL + "/restart")
    browser.confirm(CITIZENS[2])

    assert row_of(CITIZENS[2]).came_from == ""


def test_a_stranger_plants_no_way(browser: Browser, service: openid.Service):
    """Neither by a step one with the victim's numbers, nor by a link for the victim."""
    stranger = Browser()
    comes_from(service, stranger)
    stranger.step_one()
    let_pass(limits.CODE_GAP)
    for planted in (
        stranger.query,
        "?next=https%3A%2F%2Fevil.example%2F",
        f"?next={address_of(service)}",
        "?next=%2Fx",
    ):
        browser.query = planted
        page = browser.get(URL + planted).content.decode()
        assert "evil" not in page
        browser.step_one()
        assert "next" not in {name for name, value in browser.session["registration"].items() if value}
        browser.get(URL + planted)
    browser.step_two(code_on(MATCHES.mobile))
    browser.get(URL + stranger.query)

    assert row_of(MATCHES).came_from == ""
    assert step_shown(browser.get(URL)) == "identity"


@pytest.mark.parametrize("gone", ["suspended", "deleted", "without an address"])
def test_a_service_that_is_gone_leads_nowhere(browser: Browser, service: openid.Service, gone: str):
    comes_from(service, browser)
    row = browser.register()
    if gone == "suspended":
        suspend(service)
    elif gone == "deleted":
        service.row.delete()
    else:
        type(service.row).objects.update(initiate_login_uri="")
    approved()

    assert main_ways(status_of(row).content.decode())[0][1] == "/portal/"
    assert "/to/" not in texts_on(MATCHES.mobile)[0]
    if gone == "without an address":  # but here its request waits
        assert handed_over_to_sign_in(browser.get(goes_on(browser.get(DONE), service)))
    else:
        assert NAME not in browser.get(DONE).content.decode()


def handed_over_to_sign_in(response: Any) -> bool:
    return response.status_code == 302 and response["Location"].startswith("/portal/?next=")


def test_approvals_of_many_ask_for_the_services_once(service: openid.Service, hashing_costs_nothing: None):
    for person in CITIZENS[:3]:
        registration_in(State.SUBMITTED, person=person, came_from=service.client_id)
    rows = list(Registration.objects.all())
    found = [decisions.Found(row=row, outcome="match", kind="", fields={}, traces=[]) for row in rows]
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        decisions.conclude(matched=found, unmatched=[])

    assert sum("openid_connectedservice" in query["sql"] for query in queries) == 1
    assert User.objects.count() == 3
