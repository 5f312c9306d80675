"""The two journeys of the demo in Chromium, on a phone and on a desk: who matches, and who a branch has to see."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.live import Citizen, Portal, demo, somebody, until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=[PHONE, DESK])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def portal_options(width: int) -> dict[str, Any]:
    """A fresh demo for each width: its citizens register once."""
    return {}


def test_who_matches_registers_and_opens_another_service_until_the_sign_out(
    chromium: Browser, portal: Portal, width: int
) -> None:
    citizen, visitor = demo("matches"), Visitor(chromium, portal, width=width)
    visitor.go("/portal/")
    visitor.seen("01-sign-in")
    visitor.page.get_by_role("link", name="ثبت نام", exact=True).click()
    visitor.seen("02-step-one")
    visitor.fill(citizen.step_one())
    visitor.press()
    visitor.field("کد شناسه").wait_for()
    visitor.seen("03-step-two")
    visitor.step_two(citizen)
    visitor.field("نام خانوادگی").wait_for()
    visitor.seen("04-step-three")
    for number, part in enumerate(("نام خانوادگی", "آدرس ایمیل", "گذرواژه"), start=1):
        visitor.field(part).wait_for()
        visitor.fill(visitor.asked(citizen.step_three()))
        visitor.seen(f"05-step-three-part-{number}")
        visitor.press()
    assert len(visitor.tracking_code()) == 10
    visitor.reads("درخواست شما با موفقیت ثبت گردید")
    visitor.seen("06-system-message")
    assert "خوش آمدید" in visitor.result(citizen)
    visitor.go(f"/portal/inbox/?to={citizen.mobile}")
    visitor.seen("07-inbox")
    visitor.sign_in(citizen)
    visitor.reads("رضا کریمی")
    visitor.seen("08-home")
    the_account_opens_another_service(visitor, citizen)
    visitor.go("/portal/home")
    visitor.press("خروج")
    visitor.field("گذرواژه").wait_for()
    visitor.seen("09-signed-out")
    until(lambda: "از سامانه ثبت نام خارج شدید" in shown(visitor, portal.service()), what="the end there", seconds=5)
    visitor.seen("10-service-signed-out")
    visitor.go("/portal/home")
    assert visitor.page.url.startswith(f"{portal.url}/portal/?")


def shown(visitor: Visitor, address: str) -> str:
    """What stands on this page of another site."""
    visitor.page.goto(address)
    return visitor.page.locator("body").inner_text()


def the_account_opens_another_service(visitor: Visitor, citizen: Citizen) -> None:
    """The demo's own: from the home page, and with a code where it wants one."""
    visitor.page.get_by_role("link", name="سوابق بیمه (نمونه)").click()
    visitor.reads("سلام رضا کریمی")
    visitor.seen("08-service-home")
    visitor.portal.minute_passes()
    before = len(visitor.portal.home.codes(citizen.mobile))
    visitor.page.get_by_role("link", name="دیدن ریز سوابق").click()
    visitor.press()
    visitor.step_two(citizen, before)
    visitor.reads("کارگاه نمونه")
    visitor.seen("08-service-records")


def test_who_does_not_match_is_activated_by_a_clerk_and_signs_in(chromium: Browser, portal: Portal, width: int) -> None:
    citizen, visitor = demo("other_family_name"), Visitor(chromium, portal, width=width)
    visitor.step_one(citizen)
    visitor.step_two(citizen)
    tracking_code = visitor.step_three(citizen)
    assert "نزدیکترین شعبه" in visitor.result(citizen)
    portal.minute_passes()
    clerk_activates(Visitor(chromium, portal, width=width), citizen, tracking_code)
    assert "کاربری" in visitor.result(citizen)
    visitor.sign_in(citizen)
    visitor.reads("زهرا محمدی")


def clerk_activates(clerk: Visitor, citizen: Citizen, tracking_code: str) -> None:
    """Signs in at the desk, finds the registration, checks the papers, and types the code that is read out."""
    name, _, password = (clerk.portal.folder / "staff.txt").read_text().splitlines()[0].partition(" ")
    clerk.go("/admin/")
    clerk.seen("20-desk-sign-in")
    clerk.page.locator("#id_username").fill(name)
    clerk.page.locator("#id_password").fill(password)
    clerk.page.locator("input[type=submit], button[type=submit]").first.click()
    clerk.page.get_by_role("button", name="خروج").wait_for()
    clerk.seen("21-desk-index")
    clerk.go("/admin/registration/registration/")
    clerk.seen("22-desk-queue")
    clerk.page.locator("#searchbar").fill(tracking_code)
    clerk.page.locator("#searchbar").press("Enter")
    clerk.reads("احمدی")
    clerk.seen("23-desk-registration")
    clerk.page.locator(".desk-work .submit-row button").first.click()
    clerk.reads("کدی را")
    clerk.seen("24-desk-errors")
    clerk.field("اصل کارت ملی").check()
    clerk.field("اصل شناسنامه").check()
    clerk.field("یادداشت پرونده").fill("کارت ملی و شناسنامه را دیدم؛ نام خانوادگی تغییر کرده است.")
    before = len(clerk.portal.home.codes(citizen.mobile))
    clerk.page.locator(".desk-send button").click()
    clerk.page.locator(".messagelist").wait_for()
    clerk.seen("25-desk-code-sent")
    assert clerk.field("اصل کارت ملی").is_checked()
    code = clerk.portal.home.new_code(citizen.mobile, before)
    clerk.field("کدی که متقاضی می‌خواند").fill(code)
    clerk.page.locator(".desk-work .submit-row button").first.click()
    clerk.page.locator(".messagelist .success").wait_for()
    clerk.seen("26-desk-activated")


def test_without_javascript_the_whole_journey_works(chromium: Browser, portal: Portal, width: int) -> None:
    citizen = demo("down_twice") if width == DESK else somebody(3001)
    visitor = Visitor(chromium, portal, width=width, name=f"{width}-no-script", java_script_enabled=False)
    visitor.step_one(citizen)
    visitor.seen("03-step-two")
    visitor.fill({"کد شناسه": "000000"})
    visitor.press()
    visitor.reads("کد وارد شده معتبر نمیباشد")
    visitor.step_two(citizen)
    visitor.field("نام خانوادگی").wait_for()
    visitor.seen("04-step-three")
    tracking_code = visitor.step_three(citizen)
    assert portal.home.status(citizen.national_id)["tracking_code"] == tracking_code
    visitor.result(citizen)
    visitor.sign_in(citizen)
    if width == DESK:
        visitor.reads("مریم رضایی")
        visitor.press("خروج")
    visitor.field("گذرواژه").wait_for()
