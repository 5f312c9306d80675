"""After submitting, in Chromium: where the request is, the page for the branch, and the second chance."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.live import Citizen, Portal, demo, somebody, until

pytestmark = pytest.mark.browser
STATUS = "/portal/registration/status"
NEW_NUMBER = "09351234567"


@pytest.fixture(scope="module", params=[(PHONE, True), (DESK, True), (PHONE, False), (DESK, False)])
def setting(request: pytest.FixtureRequest) -> tuple[int, bool]:
    """A window's width, and whether scripts run in it."""
    width, scripts = request.param
    return int(width), bool(scripts)


@pytest.fixture(scope="module")
def portal_options(setting: tuple[int, bool]) -> dict[str, Any]:
    """A fresh demo for each setting: its citizens register once."""
    return {}


@pytest.fixture
def visitor(chromium: Browser, portal: Portal, setting: tuple[int, bool]) -> Visitor:
    width, scripts = setting
    name = f"{width}" if scripts else f"{width}-no-script"
    return Visitor(chromium, portal, width=width, name=name, java_script_enabled=scripts)


def registered(visitor: Visitor, citizen: Citizen) -> str:
    visitor.step_one(citizen)
    visitor.step_two(citizen)
    code = visitor.step_three(citizen)
    visitor.page.get_by_role("link", name="پیگیری درخواست").first.click()
    visitor.reads("درخواست دریافت شد")
    visitor.result(citizen)
    return code


def comes_back(visitor: Visitor, citizen: Citizen) -> None:
    """Step one and a code again, a minute later."""
    visitor.portal.minute_passes()
    before = len(visitor.portal.home.codes(citizen.mobile))
    visitor.page.context.clear_cookies()
    visitor.step_one(citizen)
    visitor.step_two(citizen, before)


def asks(visitor: Visitor, citizen: Citizen, code: str) -> None:
    visitor.page.context.clear_cookies()
    visitor.go(STATUS)
    visitor.fill({"کد ملی": citizen.national_id, "کد پیگیری": code})
    visitor.press()


def test_a_mistyped_name_is_corrected_on_the_page(visitor: Visitor) -> None:
    citizen = demo("other_family_name")
    code = registered(visitor, citizen)
    visitor.go(STATUS)
    visitor.reads("تأیید اطلاعات شما با مشکل مواجه شد")
    visitor.seen("60-status-referred")
    visitor.page.get_by_role("link", name="برگه مراجعه به شعبه").click()
    visitor.reads("مهلت مراجعه")
    assert visitor.tracking_code() == code
    visitor.seen("61-branch-pass")
    asks(visitor, citizen, "1234567890")
    visitor.reads("درخواستی با این کد ملی و این کد پیگیری پیدا نشد")
    visitor.seen("62-status-wrong")
    asks(visitor, citizen, code)
    visitor.reads("درخواست دریافت شد")
    comes_back(visitor, citizen)
    visitor.reads("بار دیگر")
    visitor.seen("63-second-chance-identity")
    visitor.page.get_by_role("link", name="اصلاح اطلاعات من").click()
    assert visitor.field("نام خانوادگی").input_value() == citizen.last_name
    visitor.seen("64-correct")
    visitor.fill({"نام خانوادگی": "احمدی", "سال": "1991"})
    visitor.press()
    visitor.reads("سال")
    visitor.page.locator("#error-summary").wait_for()
    assert visitor.field("نام خانوادگی").input_value() == "احمدی"
    visitor.seen("65-correct-errors")
    visitor.fill({"سال": "1365"})
    visitor.press()
    assert visitor.tracking_code() == code
    visitor.seen("66-corrected")
    home = visitor.portal.home
    until(lambda: home.status(citizen.national_id)["state"] == "approved", what="the approval")
    asks(visitor, citizen, code)
    visitor.reads("اصلاح و دوباره ارسال شد")
    visitor.reads("حساب کاربری فعال شده است")
    visitor.seen("67-status-approved")


def test_another_number_is_proven_on_the_page(visitor: Visitor) -> None:
    citizen = demo("other_owner")
    code = registered(visitor, citizen)
    comes_back(visitor, citizen)
    visitor.reads("تأیید نشد که شماره تلفن همراه به نام شماست")
    visitor.seen("70-second-chance-owner")
    visitor.page.get_by_role("link", name="وارد کردن شماره دیگر").click()
    visitor.fill({"اپراتور": "ایرانسل", "تلفن همراه": citizen.mobile})
    visitor.press()
    visitor.reads("همان شماره‌ای است")
    visitor.seen("71-number-errors")
    visitor.fill({"تلفن همراه": NEW_NUMBER})
    before = len(visitor.portal.home.codes(NEW_NUMBER))
    visitor.press()
    visitor.field("کد شناسه").wait_for()
    visitor.seen("72-number-code")
    visitor.fill({"کد شناسه": visitor.portal.home.new_code(NEW_NUMBER, before)})
    visitor.press()
    assert visitor.tracking_code() == code
    visitor.seen("73-number-done")


def test_the_status_while_it_is_checked_renews_itself(visitor: Visitor) -> None:
    citizen = demo("down_for_good")
    visitor.step_one(citizen)
    visitor.step_two(citizen)
    code = visitor.step_three(citizen)
    asks(visitor, citizen, code)
    visitor.reads("در حال بررسی")
    visitor.seen("74-status-checking")
    renewed = visitor.page.locator("[data-renew]").get_attribute("data-every")
    assert int(renewed or 0) >= 30
    assert ('http-equiv="refresh"' in visitor.page.content()) or visitor.scripts
    visitor.press("پیگیری درخواست دیگر")
    visitor.field("کد پیگیری").wait_for()
    visitor.seen("75-status-form")


def test_the_pass_on_paper_is_black_on_white(visitor: Visitor) -> None:
    citizen = somebody(3900 + visitor.width + visitor.scripts)
    registered(visitor, citizen)
    visitor.go("/portal/registration/pass")
    visitor.page.emulate_media(media="print")
    assert visitor.page.locator(".page-footer").is_hidden()
    assert visitor.page.locator(".qr").is_visible()
    heading = visitor.page.locator(".organisation")
    assert heading.evaluate("node => getComputedStyle(node).color") == "rgb(0, 0, 0)"
    pages = visitor.page.pdf(format="A5").count(b"/Type /Page\n")
    assert pages <= 1
    visitor.seen("76-pass-printed")
