"""The profile in Chromium: on a phone and on a desk, with a script and without."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.live import Citizen, Portal, demo, until

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("account")]
CITIZEN = demo("matches")
SMALLEST = 320  # px


def link_on(portal: Portal, address: str) -> str:
    """The path of the newest link that came to this address by e-mail."""
    letters = until(lambda: _letters(portal, address), what="the letter")
    return re.findall(r"https?://[^/\s]+(/portal/email/\S+)", letters[0]["text"])[0]


def _letters(portal: Portal, address: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(portal.home.manage("mail_inbox", "--to", address, "--json"))
    return found


def choose(visitor: Visitor, way: str, name: str, answers: dict[str, str], password: str) -> None:
    """Follow a link of the profile, look, type and press."""
    visitor.page.get_by_role("link", name="پروفایل", exact=True).first.click()
    visitor.page.get_by_role("link", name=way, exact=True).click()
    visitor.field("گذرواژه فعلی").wait_for()
    visitor.seen(name)
    visitor.fill(answers | {"گذرواژه فعلی": password})
    visitor.press()


@pytest.mark.parametrize(
    ("width", "script", "old", "new", "mobile"),
    [
        (PHONE, True, CITIZEN.password, "Chatr4mesvak!", "09360000001"),
        (DESK, True, "Chatr4mesvak!", "Fanoos5tokhm!", "09360000002"),
        (PHONE, False, "Fanoos5tokhm!", "Kolah9lahaf", "09360000003"),
    ],
    ids=["phone", "desk", "no script"],
)
def test_everything_is_changed_from_the_corner(
    chromium: Browser, portal: Portal, width: int, script: bool, old: str, new: str, mobile: str
) -> None:
    name = f"{width}" if script else "no-script"
    visitor = Visitor(chromium, portal, width=width, name=name, java_script_enabled=script)
    visitor.sign_in(Citizen(password=old))
    visitor.reads("رضا کریمی")
    visitor.go("/portal/profile")
    visitor.seen("70-profile")
    choose(visitor, "تغییر گذرواژه", "71-password", {"گذرواژه جدید": "weak", "تکرار گذرواژه جدید": "weak"}, old)
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("72-password-weak")
    visitor.fill({"گذرواژه فعلی": old, "گذرواژه جدید": new, "تکرار گذرواژه جدید": new})
    visitor.press()
    visitor.reads("گذرواژه شما تغییر کرد")
    choose(visitor, "تغییر سوال امنیتی", "73-question", {"سوال": "رنگ مورد علاقه شما چیست؟", "پاسخ": "سبز"}, new)
    visitor.reads("سوال امنیتی شما تغییر کرد")
    for way, done in (("روشن", "ورود دومرحله‌ای روشن شد"), ("خاموش", "ورود دومرحله‌ای خاموش شد")):
        choose(visitor, f"{way} کردن ورود دومرحله‌ای", f"74-two-steps-{way}", {}, new)
        visitor.reads(done)
    change_email(visitor, f"reza-{mobile}@example.com", new)
    change_mobile(visitor, mobile, new)


def change_email(visitor: Visitor, address: str, password: str) -> None:
    way = visitor.page.get_by_role("link", name=re.compile("تغییر ایمیل")).inner_text()
    choose(visitor, way, "75-email", {"آدرس ایمیل": address}, password)
    visitor.reads("ایمیلی حاوی پیوند تأیید")
    visitor.seen("76-email-asked")
    visitor.go(link_on(visitor.portal, address))
    visitor.seen("77-email-link")
    visitor.press()
    visitor.reads("آدرس ایمیل تأیید شده است")
    visitor.seen("78-email-confirmed")
    visitor.page.get_by_role("link", name="رفتن به پروفایل").click()


def change_mobile(visitor: Visitor, mobile: str, password: str) -> None:
    typed = {"اپراتور": "ایرانسل", "تلفن همراه": mobile}
    choose(visitor, "تغییر شماره تلفن همراه", "79-mobile", typed, password)
    visitor.field("کد شناسه").wait_for()
    visitor.seen("80-mobile-code")
    visitor.fill({"کد شناسه": visitor.portal.home.new_code(mobile)})
    visitor.press()
    visitor.reads("از این پس تلفن همراه شما")  # the page looks again by itself, script or not
    visitor.seen("81-mobile-changed")


def test_the_corner_fits_the_smallest_screen_with_the_longest_name(chromium: Browser, portal: Portal) -> None:
    program = "from accounts.models import User\nUser.objects.filter(national_id='{}').update(last_name='{}')"
    portal.home.manage("shell", "--no-imports", "-c", program.format(CITIZEN.national_id, "حسینی‌نژاد موسوی اصفهانی"))
    visitor = Visitor(chromium, portal, width=SMALLEST)
    visitor.sign_in(Citizen(password="Kolah9lahaf"))
    visitor.go("/portal/profile")
    visitor.seen("82-profile-long-name")
    name, way = (visitor.page.locator(f".corner {part}").first.bounding_box() for part in (".corner-name", "a"))
    assert name
    assert way
    assert way["x"] + way["width"] <= name["x"]  # beside it, on the left
