"""Signing in with Chromium: held up and let through by a code, a second step, and a device that is remembered."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.live import Citizen, Portal, demo

pytestmark = pytest.mark.browser
BY_CODE = 'a[href^="/portal/sign-in/by-code"]'


@pytest.fixture(scope="module")
def citizen(chromium: Browser, portal: Portal) -> Citizen:
    """Who has an account."""
    somebody, visitor = demo("matches"), Visitor(chromium, portal)
    visitor.step_one(somebody)
    visitor.step_two(somebody)
    visitor.step_three(somebody)
    visitor.result(somebody)
    return somebody


def type_new_code(visitor: Visitor, citizen: Citizen, before: int) -> None:
    visitor.fill({"کد شناسه": visitor.portal.home.new_code(citizen.mobile, before)})
    visitor.press()


def test_a_held_up_owner_gets_in_by_code_and_password(chromium: Browser, portal: Portal, citizen: Citizen) -> None:
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.go("/portal/")
    visitor.seen("60-sign-in")
    for _ in range(5):
        visitor.fill({"کد ملی": citizen.national_id, "گذرواژه": "Wrong1234"})
        visitor.page.locator("form button", has_text="ورود").last.click()
        visitor.page.locator("#error-summary").wait_for()
    visitor.seen("61-sign-in-pause", allowed=("status of 429",))
    portal.minute_passes()
    before = len(portal.home.codes(citizen.mobile))
    visitor.page.locator('form[action="/portal/sign-in/by-code"] button').click()
    visitor.field("کد شناسه").wait_for()
    visitor.seen("62-sign-in-by-code", allowed=("status of 429",))
    type_new_code(visitor, citizen, before)
    visitor.field("گذرواژه").wait_for()
    assert visitor.field("کد ملی").input_value() == citizen.national_id
    visitor.seen("63-sign-in-proven")
    visitor.fill({"گذرواژه": citizen.password})
    visitor.press()
    visitor.page.wait_for_url("**/portal/home")


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no script"])
def test_the_second_step_and_a_device_that_is_remembered(
    chromium: Browser, portal: Portal, citizen: Citizen, scripts: bool
) -> None:
    visitor = Visitor(chromium, portal, width=DESK, name=f"script-{scripts}", java_script_enabled=scripts)
    wish = f"User.objects.filter(national_id='{citizen.national_id}').update(code_at_sign_in=True)"
    assert portal.ask(wish) == 1
    portal.minute_passes()
    before = len(portal.home.codes(citizen.mobile))
    visitor.go("/portal/")
    visitor.fill({"کد ملی": citizen.national_id, "گذرواژه": citizen.password})
    visitor.page.locator("#id_remember").check()
    visitor.press()
    visitor.field("کد شناسه").wait_for()
    visitor.fill({"کد شناسه": "12"})
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("64-second-step-wrong")
    type_new_code(visitor, citizen, before)
    visitor.page.wait_for_url("**/portal/home")
    visitor.page.locator('form[action="/portal/sign-out"] button').first.click()
    visitor.field("گذرواژه").wait_for()
    visitor.sign_in(citizen)
    visitor.page.wait_for_url("**/portal/home")  # no code: the device is trusted


def test_the_quiet_way_asks_whose_mobile_it_is(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.go("/portal/?next=/portal/home")
    visitor.page.locator(BY_CODE).click()
    visitor.field("کد ملی").wait_for()
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("65-by-code-empty")
