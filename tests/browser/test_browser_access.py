"""Everybody can use the pages: by keyboard, on a narrow phone, enlarged, on a slow network, with wrong input."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import PHONE, SUBMIT, Visitor
from tests.support.live import Portal, somebody

pytestmark = pytest.mark.browser
LARGEST_FIRST_LOAD = 100_000  # bytes on the wire, font and script included
MOST_BLOCKING = 3  # requests before the page can be read
MOST_TABS, MOST_CHOICES = 45, 600


def test_the_first_load_of_step_one_is_small(chromium: Browser, portal: Portal, record_property) -> None:
    visitor = Visitor(chromium, portal, width=PHONE)
    network = visitor.context.new_cdp_session(visitor.page)
    network.send("Network.enable")
    bytes_of: dict[str, float] = {}
    urls: dict[str, str] = {}
    network.on("Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]}))
    network.on(
        "Network.loadingFinished", lambda event: bytes_of.update({event["requestId"]: event["encodedDataLength"]})
    )
    visitor.page.goto(f"{portal.url}/portal/registration", wait_until="networkidle")
    blocking = visitor.page.evaluate(
        "performance.getEntriesByType('resource').filter(each => each.renderBlockingStatus === 'blocking').length + 1"
    )
    parts = {urls[request].rpartition("/")[2]: int(size) for request, size in bytes_of.items() if request in urls}
    print(f"\nfirst load of step one: {sum(parts.values())} bytes, {blocking} blocking requests, {parts}")  # noqa: T201
    assert any(name.endswith(".woff2") for name in parts)
    assert sum(parts.values()) <= LARGEST_FIRST_LOAD, parts
    assert blocking <= MOST_BLOCKING


def test_the_whole_registration_by_keyboard_alone(chromium: Browser, portal: Portal) -> None:
    citizen, visitor = somebody(3101), Visitor(chromium, portal)
    keyboard = visitor.page.keyboard
    visitor.go("/portal/registration")
    keyboard.press("Tab")
    assert visitor.page.evaluate("document.activeElement.className") == "skip-link"
    visitor.seen("30-skip-link")
    writes(visitor, "کد ملی", citizen.national_id)
    chooses(visitor, "اپراتور", "irancell")
    writes(visitor, "تلفن همراه", citizen.mobile)
    visitor.seen("31-keyboard-focus")
    keyboard.press("Enter")
    visitor.field("کد شناسه").wait_for()
    operator = f"Registration.objects.get(national_id='{citizen.national_id}').operator"
    assert portal.ask(operator) == "irancell"
    writes(visitor, "کد شناسه", portal.home.new_code(citizen.mobile))
    keyboard.press("Enter")
    for part in ("نام خانوادگی", "آدرس ایمیل", "گذرواژه"):
        visitor.field(part).wait_for()
        for label, text in visitor.asked(citizen.step_three()).items():
            if visitor.field(label).evaluate("node => node.tagName") == "SELECT":
                chooses(visitor, label, text)
            else:
                writes(visitor, label, text)
        if part == "نام خانوادگی":
            opens_a_drawing(visitor)
        tab_to_button(visitor)
        keyboard.press("Space")
    assert visitor.tracking_code() == portal.home.status(citizen.national_id)["tracking_code"]


def writes(visitor: Visitor, label: str, text: str) -> None:
    tab_to(visitor, label)
    visitor.page.keyboard.type(text)


def chooses(visitor: Visitor, label: str, wanted: str) -> None:
    """With the arrows: the choice of this value or these words."""
    tab_to(visitor, label)
    said = "node => [node.value, node.selectedOptions[0].text.trim()]"
    for key in ("Home", *["ArrowDown"] * MOST_CHOICES):
        if wanted in visitor.field(label).evaluate(said):
            return
        visitor.page.keyboard.press(key)
    pytest.fail(f"the arrows do not reach {wanted} in {label}")


def opens_a_drawing(visitor: Visitor) -> None:
    """The help beside a field opens and closes with Enter."""
    for _ in range(MOST_TABS):
        visitor.page.keyboard.press("Shift+Tab")
        if visitor.page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    for state in (True, False):
        visitor.page.keyboard.press("Enter")
        assert visitor.page.evaluate("document.activeElement.parentElement.open") == state


def tab_to_button(visitor: Visitor) -> None:
    for _ in range(MOST_TABS):
        visitor.page.keyboard.press("Tab")
        if visitor.page.evaluate(f"document.activeElement === document.querySelector({SUBMIT!r})"):
            return
    pytest.fail("the main button is not reached")


def tab_to(visitor: Visitor, label: str) -> None:
    target = visitor.field(label).get_attribute("id")
    for _ in range(MOST_TABS):
        visitor.page.keyboard.press("Tab")
        if visitor.focused() == target:
            outline = visitor.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {label} is not seen"
            return
    pytest.fail(f"{MOST_TABS} Tabs do not reach {label}")


def test_the_error_summary_takes_the_focus_and_leads_to_each_field(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.go("/portal/registration")
    visitor.fill({"کد ملی": "0070001015", "تلفن همراه": "02188776655"})
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    assert visitor.focused() == "error-summary"
    assert visitor.page.title().startswith("خطا")
    visitor.seen("32-step-one-errors")
    links = visitor.page.locator("#error-summary a")
    assert links.count() == 2
    for number in range(2):
        links.nth(number).click()
        assert visitor.focused() == links.nth(number).get_attribute("href").removeprefix("#")
    assert visitor.field("کد ملی").input_value() == "0070001015"


def test_every_page_of_the_journey_with_its_errors_is_fit_to_read(chromium: Browser, portal: Portal) -> None:
    citizen, visitor = somebody(3102), Visitor(chromium, portal, width=PHONE)
    visitor.go("/portal/registration")
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("33-step-one-empty")
    visitor.step_one(citizen)
    visitor.fill({"کد شناسه": "000000"})
    visitor.press()
    visitor.reads("کد وارد شده معتبر نمیباشد")
    visitor.seen("34-step-two-errors")
    visitor.step_two(citizen)
    visitor.field("نام خانوادگی").wait_for()
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("35-step-three-empty")
    visitor.part(citizen.step_three() | {"سال": "1991", "نام": "Reza 5"})
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("36-step-three-errors")
    assert visitor.field("نام خانوادگی").input_value() == citizen.last_name
    visitor.part(citizen.step_three())
    visitor.field("آدرس ایمیل").wait_for()
    visitor.part(citizen.step_three() | {"آدرس ایمیل": "nobody"})
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("36-step-three-contact-errors")
    visitor.part(citizen.step_three())
    visitor.field("گذرواژه").wait_for()
    visitor.seen("36-review")
    visitor.part(citizen.step_three() | {"گذرواژه": "رمز۱۲۳"})
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("36-review-errors")
    assert visitor.field("گذرواژه").input_value() == ""
    visitor.part(citizen.step_three())
    visitor.result(citizen)
    visitor.page.reload()
    visitor.seen("37-system-message-again")


def test_the_pages_around_the_journey_are_fit_to_read(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.sign_in(somebody(3103))
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("40-sign-in-wrong")
    visitor.go("/portal/recovery")
    visitor.seen("41-recovery")
    visitor.go("/portal/inbox/")
    visitor.seen("42-inbox")
    visitor.go("/portal/nowhere")
    visitor.seen("43-not-found", allowed=("status of 404",))
    visitor.page.goto(f"{portal.url}/portal/registration")
    visitor.context.clear_cookies()
    visitor.press()
    visitor.page.locator("h1").wait_for()
    visitor.seen("44-old-page", allowed=("status of 403",))


@pytest.mark.parametrize(("width", "scale"), [(320, 1), (640, 2)], ids=["320 px", "1280 px at 200 %"])
def test_nothing_stands_out_sideways(chromium: Browser, portal: Portal, width: int, scale: int) -> None:
    citizen = somebody(3110 + scale)
    visitor = Visitor(chromium, portal, width=width, device_scale_factor=scale)
    register = "/portal/registration"
    for path in ("/portal/", "/portal/recovery", "/portal/inbox/", register, f"{register}/status", "/admin/"):
        visitor.go(path)
        visitor.fits()
    visitor.step_one(citizen)
    visitor.seen("50-step-two")
    visitor.step_two(citizen)
    visitor.field("نام خانوادگی").wait_for()
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    visitor.seen("51-step-three-errors")
    visitor.step_three(citizen)
    visitor.seen("52-system-message")
