"""Fields that say "right" when they are left: seen, heard once, and nothing of what is typed is sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browsers import PHONE, Visitor
from tests.support.live import Citizen, Portal, somebody

pytestmark = pytest.mark.browser
RIGHT = "درست نوشته شده است"


@pytest.fixture
def visitor(chromium: Browser, portal: Portal) -> Iterator[Visitor]:
    visitor = Visitor(chromium, portal, width=PHONE)
    yield visitor
    visitor.context.close()


def test_step_one_confirms_what_is_right_and_says_at_once_what_is_wrong(visitor: Visitor) -> None:
    page = visitor.page
    visitor.go("/portal/registration")
    sent: list[str] = []
    page.wait_for_load_state("networkidle")  # the icon comes last
    page.on("request", lambda request: sent.append(request.url))
    national_id, mobile, operator = (visitor.field(name) for name in ("کد ملی", "تلفن همراه", "اپراتور"))
    region = page.locator("main > [role=status].visually-hidden")

    national_id.fill("0012345678")
    mobile.focus()
    expect(page.locator("#id_mobile-national_id-error")).to_contain_text("کد ملی درست نیست")
    expect(national_id).to_have_attribute("aria-invalid", "true")
    expect(region).to_contain_text("کد ملی درست نیست")
    national_id.fill("کد ملی: ۰۰۱۲۳۴۵۶۷۹")
    mobile.focus()
    expect(page.locator("#id_mobile-national_id-error")).to_have_count(0)
    expect(page.locator("#id_mobile-national_id-right")).to_have_text(RIGHT)
    expect(region).to_have_text(f"کد ملی: {RIGHT}")
    expect(national_id).to_have_attribute("aria-describedby", "id_mobile-national_id-hint id_mobile-national_id-right")

    mobile.fill("0935 123 45 67")
    national_id.focus()
    expect(page.locator("#id_mobile-mobile-right")).to_have_text(RIGHT)
    assert operator.input_value() == "irancell"
    operator.select_option("mci")
    mobile.fill("09201234567")
    national_id.focus()
    assert operator.input_value() == "mci"  # the person's choice stays
    visitor.seen("93-ticks-step-one")
    assert sent == []


def test_a_press_right_after_typing_is_never_lost(visitor: Visitor) -> None:
    visitor.go("/portal/registration")
    visitor.field("تلفن همراه").fill("0912")
    visitor.field("کد ملی").press_sequentially("0012345678")
    visitor.page.locator("main form button.btn-main").click(delay=300)  # a slow finger
    expect(visitor.page.locator("#error-summary")).to_be_visible()


def test_the_rules_of_the_password_tick_off_and_the_keyboard_is_told_of(visitor: Visitor) -> None:
    page = visitor.page
    citizen = somebody(4300)
    visitor.step_one(citizen)
    visitor.step_two(citizen)
    to_the_password(visitor, citizen)
    password = page.locator('input[autocomplete="new-password"]').first
    region = page.locator("main > [role=status].visually-hidden")
    password.press_sequentially("رمز")
    expect(region).to_contain_text("صفحه کلید شما فارسی است")
    password.fill("")
    password.press_sequentially("Abc")
    expect(page.locator("#password-rules .rule-right")).to_have_count(3)
    expect(region).to_contain_text("رعایت شد")
    password.press_sequentially("1zitoon")
    # The rule about the person is judged by the server, which knows the names.
    expect(page.locator("#password-rules .rule-right")).to_have_count(5)
    again = page.locator('input[autocomplete="new-password"]').nth(1)
    again.fill("Abc1zitoon")
    password.focus()
    expect(page.get_by_text(RIGHT).last).to_be_visible()
    assert page.locator("form:has(#password-rules) [autocomplete=username]").input_value() == citizen.national_id
    visitor.seen("94-ticks-password")


def to_the_password(visitor: Visitor, citizen: Citizen) -> None:
    """Step three's parts, up to the one with the password."""
    visitor.field("نام خانوادگی").wait_for()
    visitor.fill({"نام": "رضا", "نام خانوادگی": "کریمی"})
    expect(visitor.page.locator(".field .right").first).to_have_text(RIGHT)
    visitor.part(citizen.step_three())
    visitor.field("آدرس ایمیل").wait_for()
    visitor.part(citizen.step_three())
    visitor.field("گذرواژه").wait_for()


def test_what_nobody_sees_in_a_password_is_said_before_it_is_sent(visitor: Visitor) -> None:
    page = visitor.page
    region = page.locator("main > [role=status].visually-hidden")
    for path, name in (("/portal/", "95-odd-password"), ("/admin/login/", "96-odd-password-staff")):
        visitor.go(path)
        password = page.locator("#id_password")
        password.fill("Abcdefg1 ")
        password.blur()
        expect(page.locator("#id_password-odd")).to_have_text("گذرواژه با فاصله تمام شده است.")
        expect(region).to_contain_text("گذرواژه با فاصله تمام شده است.")
        password.fill("Abcdefg1")
        password.blur()
        expect(page.locator("#id_password-odd")).to_have_count(0)
        for caps in ("true", "false"):
            password.evaluate(f"box => box.dispatchEvent(new KeyboardEvent('keyup', {{modifierCapsLock: {caps}}}))")
            expect(page.locator("#id_password-caps")).to_have_count(1 if caps == "true" else 0)
        password.fill("Abcdefg۱ ")
        password.blur()
        visitor.seen(name)


def test_an_odd_password_is_told_of_and_corrected_without_script(chromium: Browser, portal: Portal) -> None:
    citizen = somebody(4301)
    visitor = Visitor(chromium, portal, width=PHONE, java_script_enabled=False)
    page = visitor.page
    visitor.go("/portal/")
    visitor.fill({"کد ملی": citizen.national_id, "گذرواژه": "Abcdefg1 "})
    visitor.press("ورود")
    visitor.reads("گذرواژه با فاصله تمام شده است.")
    assert page.locator("#id_password").input_value() == ""
    visitor.seen("97-odd-password-without-script")
    visitor.fill({"گذرواژه": "Abcdefg1 "})
    visitor.press("ورود")
    expect(page.locator("#error-summary")).not_to_contain_text("فاصله")
    visitor.context.close()
