"""A lost password in Chromium: on a phone and on a desk, with a script and without; and who has to go to a branch."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.live import Citizen, Portal, demo

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("account")]
CITIZEN = demo("matches")
ANSWER = {"پاسخ": "آبي  آسماني"}


def ask(visitor: Visitor, citizen: Citizen) -> str:
    """Step one, from the sign-in page; the code that the phone gets."""
    visitor.portal.minute_passes()
    before = len(visitor.portal.home.codes(citizen.mobile))
    visitor.go("/portal/")
    visitor.page.get_by_role("link", name="گذرواژه خود را فراموش کرده‌ام").click()
    visitor.field("کد ملی").wait_for()
    visitor.seen("60-recovery")
    visitor.fill({"کد ملی": citizen.national_id})
    visitor.press()
    visitor.field("کد شناسه").wait_for()
    return visitor.portal.home.new_code(citizen.mobile, before)


@pytest.mark.parametrize(
    ("width", "script", "password"),
    [(PHONE, True, "Chatr4mesvak!"), (DESK, True, "Fanoos5tokhm!"), (PHONE, False, "Kolah9lahaf")],
    ids=["phone", "desk", "no script"],
)
def test_the_whole_way(chromium: Browser, portal: Portal, width: int, script: bool, password: str) -> None:
    name = f"{width}" if script else "no-script"
    visitor = Visitor(chromium, portal, width=width, name=name, java_script_enabled=script)
    code = ask(visitor, CITIZEN)
    visitor.fill({"کد شناسه": "000000" if code != "000000" else "111111"})
    visitor.press()
    visitor.reads("کد وارد شده معتبر نمیباشد")
    visitor.seen("61-recovery-code-wrong")
    visitor.fill({"کد شناسه": code})
    visitor.press()
    visitor.reads("رنگ مورد علاقه شما چیست؟")
    visitor.seen("62-recovery-answer")
    visitor.fill(ANSWER)
    visitor.press()
    visitor.seen("63-recovery-wait")
    to_the_password(visitor)
    visitor.fill({"گذرواژه": "weak", "تکرار گذرواژه": "weak"})
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("64-recovery-password-weak")
    visitor.fill({"گذرواژه": password, "تکرار گذرواژه": password})
    visitor.press()
    visitor.reads("گذرواژه جدید شما ثبت شد")
    visitor.seen("65-recovered")
    visitor.fill({"کد ملی": CITIZEN.national_id, "گذرواژه": password})
    visitor.press()
    visitor.reads("رضا کریمی")


def to_the_password(visitor: Visitor) -> None:
    """The page comes by itself without a script, and offers the way with one."""
    if visitor.scripts and not visitor.page.url.endswith("/password"):
        visitor.page.get_by_role("link", name="انتخاب گذرواژه جدید").click()
    visitor.field("تکرار گذرواژه").wait_for()


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_who_forgot_the_answer_finds_the_branch_of_the_city(chromium: Browser, portal: Portal, width: int) -> None:
    visitor = Visitor(chromium, portal, width=width)
    visitor.go("/portal/recovery/branch")
    visitor.seen("66-branch-way-stranger")
    visitor.fill({"شهر": "تهران"})
    visitor.press("نمایش شعب")
    visitor.reads("شعبه نمونه")
    visitor.go("/portal/branches")
    visitor.seen("67-branches")


def test_three_wrong_answers_lead_to_the_branch_of_ones_own_city(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.fill({"کد شناسه": ask(visitor, CITIZEN)})
    visitor.press()
    for left in ("۲", "۱", ""):
        visitor.fill({"پاسخ": "سبز"})
        visitor.press()
        visitor.reads(f"دفعات باقی‌مانده: {left}" if left else "پاسخ سوال امنیتی سه بار نادرست بود")
    visitor.reads("شعبه نمونه")
    visitor.seen("68-branch-way-answers")
