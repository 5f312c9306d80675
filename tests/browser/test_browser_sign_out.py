"""A sign-out in Chromium clears what it keeps, but no cookie; and a search at the desk leaves no trace there."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import DESK, Visitor
from tests.support.live import Citizen, Portal, demo

pytestmark = pytest.mark.browser
PEOPLE = """
from registration.states import State
from tests.support.journeys import CITIZENS, account_of, registration_in
account_of(CITIZENS[0])
for person in CITIZENS[1:3]:
    registration_in(State.REFERRED, person=person)
registration_in(State.EXPIRED, person=CITIZENS[1], mobile="09351112233")
"""
ENDS = "localStorage.getItem('session-ends')"
ADDRESSES = "[location.href, document.referrer, ...performance.getEntries().map(each => each.name)]"


@pytest.fixture(scope="module", autouse=True)
def people(portal: Portal) -> None:
    portal.home.manage("shell", "--no-imports", "-c", PEOPLE)


def sign_in_here(visitor: Visitor, citizen: Citizen) -> None:
    visitor.go("/portal/")
    visitor.fill({"کد ملی": citizen.national_id, "گذرواژه": citizen.password})
    visitor.page.locator("[name=remember]").check()
    visitor.press()
    visitor.page.get_by_role("button", name="خروج").first.wait_for()


def cookies_of(visitor: Visitor) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in visitor.context.cookies()}


def test_signing_out_clears_storage_and_pages_and_leaves_the_trusted_device(chromium: Browser, portal: Portal) -> None:
    citizen, visitor = demo("matches"), Visitor(chromium, portal, width=DESK)
    sign_in_here(visitor, citizen)
    trusted = cookies_of(visitor)["trusted"]
    visitor.context.add_cookies([{"name": "theirs", "value": "1", "url": portal.url}])  # another service's
    visitor.go("/portal/profile")
    assert visitor.page.evaluate(ENDS)
    with visitor.page.expect_response(re.compile("/portal/sign-out$")) as answer:
        visitor.press("خروج")
    assert answer.value.header_value("clear-site-data") == '"cache", "storage"'
    visitor.field("گذرواژه").wait_for()
    assert visitor.page.evaluate("localStorage.length") == 0
    assert cookies_of(visitor)["trusted"] == trusted
    assert cookies_of(visitor)["theirs"] == "1"
    visitor.page.go_back()
    visitor.field("گذرواژه").wait_for()  # not the profile
    assert "کریمی" not in visitor.page.inner_text("body")
    visitor.seen("70-after-sign-out")
    sign_in_here(visitor, citizen)
    visitor.reads("کریمی")


def test_a_clerk_signs_out_and_in_again(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=DESK)
    clerk_signs_in(visitor)
    device = cookies_of(visitor)["device"]
    with visitor.page.expect_response(re.compile("/admin/logout/$")) as answer:
        visitor.page.get_by_role("button", name="خروج").click()
    assert answer.value.header_value("clear-site-data") == '"cache", "storage"'
    visitor.page.wait_for_load_state()
    assert visitor.page.evaluate("localStorage.getItem('session-ends')") is None
    assert cookies_of(visitor)["device"] == device
    clerk_signs_in(visitor)


def test_a_search_at_the_desk_goes_back_and_forth_and_leaves_no_number_in_any_address(
    chromium: Browser, portal: Portal
) -> None:
    visitor, twice = Visitor(chromium, portal, width=DESK), demo("other_family_name")
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.extend([request.url, request.headers.get("referer", "")]))
    clerk_signs_in(visitor)
    visitor.go("/admin/registration/registration/")
    search(visitor, twice.national_id)
    visitor.reads("۲ مورد پیدا شد")
    visitor.seen("71-desk-found")
    found = visitor.page.url
    visitor.page.reload()
    visitor.reads("۲ مورد پیدا شد")
    visitor.page.locator("#result_list tbody a").first.click()
    visitor.page.locator(".desk-list").first.wait_for()
    seen: list[str] = visitor.page.evaluate(ADDRESSES)
    visitor.page.go_back()
    visitor.reads("۲ مورد پیدا شد")
    assert visitor.page.url == found
    assert visitor.page.locator("#searchbar").input_value() == twice.national_id
    visitor.page.go_back()
    visitor.reads("در انتظار شعبه")
    visitor.page.go_forward()
    visitor.reads("۲ مورد پیدا شد")
    seen += visitor.page.evaluate(ADDRESSES)
    search(visitor, twice.mobile)
    visitor.page.locator(".desk-list").first.wait_for()  # the only one: straight to it
    assert len(asked) > 10
    for address in [*asked, *seen]:
        assert twice.national_id not in unquote(address)
        assert twice.mobile[1:] not in unquote(address)
    for log in (portal.folder / "logs").glob("web.log*"):
        assert twice.national_id not in log.read_text()


def clerk_signs_in(visitor: Visitor) -> None:
    name, _, password = (visitor.portal.folder / "staff.txt").read_text().splitlines()[0].partition(" ")
    visitor.go("/admin/")
    visitor.page.locator("#id_username").fill(name)
    visitor.page.locator("#id_password").fill(password)
    visitor.page.locator("input[type=submit], button[type=submit]").first.click()
    visitor.page.get_by_role("button", name="خروج").wait_for()


def search(visitor: Visitor, typed: str) -> None:
    visitor.page.locator("#searchbar").fill(typed)
    visitor.page.locator("#searchbar").press("Enter")
