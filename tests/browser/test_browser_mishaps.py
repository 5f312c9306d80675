"""What people do to pages: double clicks, back, refresh, two tabs. Nobody gets stuck, nothing happens twice."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import PHONE, SUBMIT, Visitor
from tests.support.live import Citizen, Portal, somebody

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False], ids=["with script", "without script"])
def test_a_double_click_on_every_main_button_is_one_registration(
    chromium: Browser, portal: Portal, scripts: bool
) -> None:
    citizen = somebody(3201 + scripts)
    visitor = Visitor(chromium, portal, java_script_enabled=scripts)
    visitor.go("/portal/registration")
    visitor.fill(citizen.step_one())
    visitor.page.locator(SUBMIT).dblclick()
    visitor.field("کد شناسه").wait_for()
    visitor.fill({"کد شناسه": portal.home.new_code(citizen.mobile)})
    visitor.page.locator(SUBMIT).dblclick()
    visitor.field("نام خانوادگی").wait_for()
    for part in ("نام خانوادگی", "آدرس ایمیل", "گذرواژه"):
        visitor.field(part).wait_for()
        visitor.fill(visitor.asked(citizen.step_three()))
        visitor.page.locator(SUBMIT).dblclick()
    assert visitor.tracking_code() == portal.home.status(citizen.national_id)["tracking_code"]
    assert rows_of(portal, citizen) == 1
    assert len(portal.home.codes(citizen.mobile)) == 1
    visitor.result(citizen)
    assert len(portal.home.results(citizen.mobile)) == 1


def rows_of(portal: Portal, citizen: Citizen) -> int:
    count: int = portal.ask(f"Registration.objects.filter(national_id='{citizen.national_id}').count()")
    return count


def test_back_and_refresh_on_every_page_lose_nothing(chromium: Browser, portal: Portal) -> None:
    citizen, visitor = somebody(3210), Visitor(chromium, portal, width=PHONE)
    visitor.go("/portal/")
    visitor.page.get_by_role("link", name="ثبت نام", exact=True).click()
    visitor.field("تلفن همراه").wait_for()
    visitor.page.reload()
    visitor.fill(citizen.step_one())
    visitor.press()
    visitor.field("کد شناسه").wait_for()
    stays_after_refresh(visitor)
    visitor.step_two(citizen)
    visitor.field("نام خانوادگی").wait_for()
    stays_after_refresh(visitor)
    visitor.fill({"نام": "نرگس"})
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    visitor.page.go_back()
    visitor.seen("60-back-from-step-three")
    visitor.go("/portal/registration")
    assert visitor.field("نام").input_value() == "نرگس"  # what was typed came back
    visitor.step_three(citizen)
    stays_after_refresh(visitor)
    visitor.page.go_back()
    assert visitor.heading()
    visitor.seen("61-back-from-the-end")
    assert rows_of(portal, citizen) == 1
    assert len(portal.home.codes(citizen.mobile)) == 1


def test_back_after_a_mended_mistake_leads_to_the_portal_not_to_the_browsers_error(
    chromium: Browser, portal: Portal
) -> None:
    citizen, visitor = somebody(3216), Visitor(chromium, portal, width=PHONE)
    visitor.go("/portal/registration")
    visitor.step_one(citizen)
    visitor.fill({"کد شناسه": "000000"})
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    visitor.step_two(citizen)
    visitor.field("نام خانوادگی").wait_for()
    visitor.page.go_back()
    visitor.field("نام خانوادگی").wait_for()  # the journey is where it was
    visitor.fill({"نام": "نرگس"})
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    visitor.page.reload()
    assert visitor.field("نام").input_value() == "نرگس"


def stays_after_refresh(visitor: Visitor) -> None:
    before = visitor.heading()
    visitor.page.reload()
    assert visitor.heading() == before


def test_back_to_an_old_step_and_its_button_again_goes_on(chromium: Browser, portal: Portal) -> None:
    citizen, visitor = somebody(3211), Visitor(chromium, portal)
    visitor.go("/portal/registration")
    old = visitor.page
    visitor.step_one(citizen)
    visitor.page = visitor.tab()  # a second tab at step two, while the first still shows it
    visitor.go("/portal/registration")
    visitor.step_two(citizen)
    visitor.field("نام خانوادگی").wait_for()
    visitor.page = old
    visitor.fill({"کد شناسه": "000000"})
    visitor.press()
    visitor.field("نام خانوادگی").wait_for()
    visitor.seen("62-old-tab-goes-on", allowed=("status of 404",))  # its last look at where the SMS is
    assert len(visitor.step_three(citizen)) == 10


def test_two_tabs_with_two_people_are_told_apart(chromium: Browser, portal: Portal) -> None:
    first, second = somebody(3212), somebody(3213)
    visitor = Visitor(chromium, portal)
    visitor.go("/portal/registration")
    old, visitor.page = visitor.page, visitor.tab()
    visitor.go("/portal/registration")  # both tabs show step one
    visitor.fill(second.step_one())
    new, visitor.page = visitor.page, old
    visitor.step_one(first)
    visitor.page = new
    visitor.press()
    visitor.field("کد شناسه").wait_for()
    visitor.page = old
    visitor.fill({"کد شناسه": portal.home.new_code(first.mobile)})
    visitor.press()
    visitor.page.locator(".message").first.wait_for()
    visitor.seen("63-other-tab")
    visitor.step_two(second)
    visitor.field("نام خانوادگی").wait_for()
    visitor.step_three(second)
    assert portal.home.status(first.national_id)["state"] == "started"
    assert portal.home.status(second.national_id)["tracking_code"]


def test_a_family_registers_one_after_another(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.go("/portal/registration")
    for citizen in (somebody(3220), somebody(3221)):
        assert visitor.field("کد ملی").input_value() == ""
        visitor.fill(citizen.step_one())
        visitor.press()
        visitor.field("کد شناسه").wait_for()
        visitor.step_two(citizen)
        visitor.field("نام خانوادگی").wait_for()
        assert visitor.step_three(citizen) == portal.home.status(citizen.national_id)["tracking_code"]
        visitor.page.get_by_role("link", name="ثبت نام شخص دیگر").click()


def test_the_same_person_on_a_second_device_goes_on_there(chromium: Browser, portal: Portal) -> None:
    citizen, phone, desk = somebody(3230), Visitor(chromium, portal, width=PHONE), Visitor(chromium, portal)
    phone.step_one(citizen)
    phone.step_two(citizen)
    phone.field("نام خانوادگی").wait_for()
    phone.fill({"نام": "نرگس"})
    phone.press()
    phone.page.locator("#error-summary").wait_for()
    portal.minute_passes()
    desk.step_one(citizen)
    desk.seen("64-request-exists")
    desk.step_two(citizen, before=1)
    desk.field("نام خانوادگی").wait_for()
    assert desk.field("نام").input_value() == "نرگس"
    desk.seen("65-resumed")
    phone.page.reload()
    phone.reads("در دستگاه دیگری ادامه یافت")
    phone.seen("66-continued-elsewhere")
    desk.step_three(citizen)
    assert rows_of(portal, citizen) == 1
