"""The life of an account in Chromium: one thread through all pages, on a phone with a script, on a desk without.

What each page does in detail is with the other tests in the browser; here it is that each leads to the next.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser

from common.persian import to_persian_digits
from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.live import Portal, demo, until

pytestmark = pytest.mark.browser
CITIZEN = demo("matches")
OWNER = "رضا کریمی"
ANSWER = {"پاسخ": "آبي  آسماني"}


@pytest.fixture(scope="module", params=[(PHONE, True), (DESK, False)], ids=["phone with script", "desk without"])
def setting(request: pytest.FixtureRequest) -> tuple[int, bool]:
    """A window's width, and whether scripts run in it."""
    width, script = request.param
    return int(width), bool(script)


@pytest.fixture(scope="module")
def portal_options(setting: tuple[int, bool]) -> dict[str, Any]:
    """A fresh demo for each setting: an account lives once."""
    return {}


class Owner:
    """The citizen, with the phone, the mailbox and up to two browsers. Knows the present password and number."""

    def __init__(self, browser: Browser, portal: Portal, width: int, script: bool) -> None:
        self.browser, self.portal, self.width, self.script = browser, portal, width, script
        self.password, self.mobile = CITIZEN.password, CITIZEN.mobile
        self.at = self.another_browser()

    def another_browser(self) -> Visitor:
        name = f"{self.width}" if self.script else "no-script"
        return Visitor(self.browser, self.portal, width=self.width, name=name, java_script_enabled=self.script)

    def sign_in(self, visitor: Visitor, remember: bool = False) -> None:
        visitor.go("/portal/")
        visitor.fill({"کد ملی": to_persian_digits(CITIZEN.national_id), "گذرواژه": self.password})
        if remember:
            visitor.field("مرا به خاطر بسپار").check()
        visitor.press()

    def follow(self, *ways: str) -> None:
        """Click from link to link, beginning with the corner."""
        for way in ways:
            self.at.page.get_by_role("link", name=way, exact=True).first.click()

    def phone(self) -> int:
        """Another code may be sent now; how many the phone has got so far."""
        self.portal.minute_passes()
        return len(self.portal.home.codes(self.mobile))

    def type_code(self, visitor: Visitor, before: int) -> None:
        visitor.field("کد شناسه").wait_for()
        visitor.fill({"کد شناسه": self.portal.home.new_code(self.mobile, before)})
        visitor.press()

    def tip(self, sentence: str) -> str:
        """The newest SMS that says this, once it has come."""

        def newest() -> str:
            return next((sms["text"] for sms in self.portal.home.sms(self.mobile) if sentence in sms["text"]), "")

        text: str = until(newest, what=sentence)
        return text


@pytest.mark.usefixtures("account")
def test_the_life_of_an_account(chromium: Browser, portal: Portal, setting: tuple[int, bool]) -> None:
    owner = Owner(chromium, portal, *setting)
    comes_in(owner)
    changes_the_password(owner, "Divan6jaroo#")
    confirms_an_address(owner, "reza@example.com")
    asks_for_two_steps(owner)
    uses_another_browser(owner)
    changes_the_number(owner, "09360000101")
    reads_the_history(owner)
    forgets_the_password(owner, "Boshqab3nakh!")
    says_it_was_not_me(owner)
    is_let_in_again(owner, "Kabk3laklak!")


def comes_in(owner: Owner) -> None:
    owner.sign_in(owner.at, remember=True)
    owner.at.reads(OWNER)
    owner.at.reads("سوابق بیمه")
    owner.at.seen("life-01-services")
    owner.follow("پروفایل")
    owner.at.seen("life-02-profile")


def changes_the_password(owner: Owner, new: str) -> None:
    """First by a weak one: the rule is said, and no password is kept on the page."""
    owner.follow("تغییر گذرواژه")
    owner.at.fill({"گذرواژه فعلی": owner.password, "گذرواژه جدید": "weak", "تکرار گذرواژه جدید": "weak"})
    owner.at.press()
    owner.at.page.locator("#error-summary").wait_for()
    owner.at.reads("گذرواژه باید حداقل")
    owner.at.seen("life-03-password-weak")
    owner.at.fill({"گذرواژه فعلی": owner.password, "گذرواژه جدید": new, "تکرار گذرواژه جدید": new})
    owner.at.press()
    owner.at.reads("گذرواژه شما تغییر کرد")
    owner.password = new
    owner.tip("گذرواژه حساب کاربری شما تغییر کرد")
    signs_out(owner.at)
    owner.sign_in(owner.at, remember=True)  # a new password forgets the devices of before
    owner.at.reads(OWNER)
    owner.follow("پروفایل")


def signs_out(visitor: Visitor) -> None:
    visitor.page.get_by_role("button", name="خروج", exact=True).click()
    visitor.field("گذرواژه").wait_for()


def confirms_an_address(owner: Owner, address: str) -> None:
    """First with a wrong password: the address that was typed is still there."""
    owner.at.page.locator('a[href="/portal/profile/email"]').click()
    owner.at.fill({"آدرس ایمیل": address, "گذرواژه فعلی": "Wrong1234!"})
    owner.at.press()
    owner.at.reads("گذرواژه فعلی درست نیست")
    assert owner.at.field("آدرس ایمیل").input_value() == address
    owner.at.seen("life-04-email-wrong-password")
    owner.at.fill({"گذرواژه فعلی": owner.password})
    owner.at.press()
    owner.at.reads("ایمیلی حاوی پیوند تأیید")
    owner.at.go(link_to(owner.portal, address))
    owner.at.press()
    owner.at.reads("آدرس ایمیل تأیید شده است")
    owner.at.seen("life-05-email-confirmed")


def link_to(portal: Portal, address: str) -> str:
    """The path of the newest link that came to this address."""

    def letters() -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(portal.home.manage("mail_inbox", "--to", address, "--json"))
        return found

    text = until(letters, what=f"a letter to {address}")[0]["text"]
    return re.findall(r"https?://[^/\s]+(/portal/email/\S+)", text)[0]


def asks_for_two_steps(owner: Owner) -> None:
    owner.follow("رفتن به پروفایل")
    owner.follow("روشن کردن ورود دومرحله‌ای")
    owner.at.fill({"گذرواژه فعلی": owner.password})
    owner.at.press()
    owner.at.reads("ورود دومرحله‌ای روشن شد")
    owner.at.seen("life-06-two-steps")


def uses_another_browser(owner: Owner) -> None:
    """There a code is asked for; in the remembered one it is not; and the one can end the other."""
    first, second = owner.at, owner.another_browser()
    signs_out(first)
    before = owner.phone()
    owner.sign_in(second)
    second.field("کد شناسه").wait_for()
    second.seen("life-07-code")
    owner.type_code(second, before)
    second.reads(OWNER)
    owner.sign_in(first)
    first.reads(OWNER)
    owner.at = second
    owner.follow("پروفایل", "دستگاه‌ها")
    second.seen("life-08-devices")
    second.press("خروج از آن مرورگر")
    second.reads("در جای دیگری وارد حساب خود نیستید")
    second.seen("life-09-devices-alone")
    first.go("/portal/home")
    first.field("گذرواژه").wait_for()
    first.seen("life-10-signed-out")
    first.context.close()


def changes_the_number(owner: Owner, mobile: str) -> None:
    """To one that is the owner's too, as the demo registry says."""
    owner.follow("پروفایل", "تغییر شماره تلفن همراه")
    owner.at.fill({"اپراتور": "ایرانسل", "تلفن همراه": mobile, "گذرواژه فعلی": owner.password})
    owner.at.press()
    owner.mobile = mobile
    owner.type_code(owner.at, 0)
    owner.at.reads("از این پس تلفن همراه شما")
    owner.at.seen("life-11-mobile-changed")


def reads_the_history(owner: Owner) -> None:
    owner.follow("پروفایل", "تاریخچه حساب کاربری")
    for happened in ("شماره تلفن همراه تغییر کرد", "آدرس ایمیل تأیید شد", "گذرواژه تغییر کرد", "ورود به حساب"):
        owner.at.reads(happened)
    owner.at.seen("life-12-history")


def forgets_the_password(owner: Owner, new: str) -> None:
    """In a browser that the portal does not know."""
    signs_out(owner.at)
    owner.at.context.close()
    owner.at = owner.another_browser()
    recovers(owner, new)


def recovers(owner: Owner, new: str) -> None:
    before = owner.phone()
    owner.at.go("/portal/")
    owner.follow("گذرواژه خود را فراموش کرده‌ام")
    owner.at.fill({"کد ملی": to_persian_digits(CITIZEN.national_id)})
    owner.at.press()
    owner.type_code(owner.at, before)
    owner.at.fill(ANSWER)
    owner.at.press()
    to_the_password(owner.at)
    owner.at.seen("life-13-new-password")
    owner.at.fill({"گذرواژه": new, "تکرار گذرواژه": new})
    owner.at.press()
    owner.at.reads("گذرواژه جدید شما ثبت شد")
    owner.password = new


def to_the_password(visitor: Visitor) -> None:
    """The page comes by itself without a script, and offers the way with one."""
    if visitor.scripts and not visitor.page.url.endswith("/password"):
        visitor.page.get_by_role("link", name="انتخاب گذرواژه جدید").click()
    visitor.field("تکرار گذرواژه").wait_for()


def says_it_was_not_me(owner: Owner) -> None:
    found = re.search(r"/portal/not-me/\S+", owner.tip("بازیابی و گذرواژه جدیدی ثبت شد"))
    assert found
    owner.at.go(found[0])
    owner.at.seen("life-14-not-me")
    owner.at.press()
    owner.at.reads("حساب مسدود است")
    owner.at.seen("life-15-frozen")
    owner.sign_in(owner.at)
    owner.at.page.locator("#error-summary").wait_for()
    owner.at.seen("life-16-no-way-in", allowed=("status of 4",))


def is_let_in_again(owner: Owner, new: str) -> None:
    """By an administrator, and then by a recovery: the password of before the freeze is worth nothing."""
    reason = ("--by", "boss", "--reason", "papers seen at the branch")
    owner.portal.home.manage("reactivate_account", CITIZEN.national_id, *reason)
    owner.tip("حساب کاربری شما دوباره باز شد")
    recovers(owner, new)
    before = owner.phone()
    owner.sign_in(owner.at)
    owner.type_code(owner.at, before)
    owner.at.reads(OWNER)
