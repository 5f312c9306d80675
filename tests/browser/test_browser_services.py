"""On the way from a service through the portal, with Chromium: asked, told, agreed with, led back, disconnected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser

from tests.support import openid
from tests.support.browsers import DESK, PHONE, Visitor
from tests.support.http_stub import HttpStub, Request, serving
from tests.support.live import Citizen, Portal, demo

pytestmark = pytest.mark.browser
CITIZEN, NEWCOMER = demo("matches"), demo("old_certificate")
# The row of a service, as an administrator would make it; its redirect address is on this machine.
CONNECT = """
import json
from openid.models import Level
from tests.support import openid
facts = {{"redirect_uris": ["{address}"], "is_third_party": {is_third_party}, "required_level": Level.{level}}}
facts |= {{"initiate_login_uri": "{address}/start"}}
made = openid.service(name="{name}", **facts)
print(json.dumps([made.client_id, made.secret]))
"""


class Callback(HttpStub):
    """The address of a service to which citizens come back, and where it starts a sign-in. `came`, `started`: with
    what."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[dict[str, str]] = []
        self.started: list[dict[str, str]] = []

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        if request.path == "/callback":
            self.came.append(request.fields)
        elif request.path == "/callback/start":
            self.started.append(request.fields)
        return await self.say(writer, (200, "text/html", "<!doctype html><html lang=fa><title>خدمت</title><h1>رسیدید"))


@pytest.fixture(scope="module")
def callback() -> Iterator[Callback]:
    with serving(Callback()) as stub:
        yield stub


def connect(
    portal: Portal, callback: Callback, name: str, *, is_third_party: bool = False, level: str = "PASSWORD"
) -> str:
    """Connect a service of this name; its client ID."""
    facts = {"name": name, "address": f"{callback.url}/callback", "is_third_party": is_third_party, "level": level}
    said = portal.home.manage("shell", "--no-imports", "-c", CONNECT.format(**facts))
    return str(json.loads(said)[0])


def request_of(callback: Callback, client_id: str, **more: str) -> str:
    """The address to which the service sends its citizen."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": f"{callback.url}/callback",
        "scope": "openid profile phone",
        "state": "state-1",
        "nonce": "nonce-1",
        "code_challenge": openid.challenge(),
        "code_challenge_method": "S256",
    }
    return f"/openid/authorize?{urlencode(asked | more)}"


def types_password(visitor: Visitor, citizen: Citizen) -> None:
    visitor.fill({"کد ملی": citizen.national_id, "گذرواژه": citizen.password})
    visitor.press()


@pytest.mark.usefixtures("account")
def test_a_third_party_is_told_what_the_citizen_saw_once_also_after_two_presses(
    chromium: Browser, portal: Portal, callback: Callback
) -> None:
    client_id = connect(portal, callback, "بیمه تکمیلی آزمون", is_third_party=True)
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.go(request_of(callback, client_id))
    visitor.reads("بیمه تکمیلی آزمون")
    visitor.seen("90-sign-in-for-a-service")
    types_password(visitor, CITIZEN)
    visitor.page.get_by_role("button", name="موافقم").wait_for()
    visitor.reads("رضا کریمی")
    visitor.seen("91-agree")
    came = len(callback.came)
    visitor.page.get_by_role("button", name="موافقم").dblclick()
    visitor.reads("رسیدید")
    assert all(each["state"] == "state-1" and each["code"] for each in callback.came[came:])

    # Asked once: the next time there is no page in between.
    came = len(callback.came)
    visitor.go(request_of(callback, client_id, state="state-2"))
    visitor.reads("رسیدید")
    assert [each["state"] for each in callback.came[came:]] == ["state-2"]

    visitor.go("/portal/profile")
    visitor.page.get_by_role("link", name="سرویس‌های متصل").first.click()
    visitor.reads("بیمه تکمیلی آزمون")
    visitor.seen("92-connected")
    visitor.page.get_by_role("button", name="برداشتن اتصال").first.click()
    visitor.reads("هیچ سرویسی متصل نیست")
    visitor.go(request_of(callback, client_id, state="state-3"))
    visitor.page.get_by_role("button", name="موافقم").wait_for()
    visitor.page.get_by_role("button", name="نه، چیزی گفته نشود").click()
    visitor.reads("رسیدید")
    assert callback.came[-1]["error"] == "access_denied"


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no script"])
def test_a_service_of_ours_that_wants_a_code_gets_the_citizen_after_password_and_code(
    chromium: Browser, portal: Portal, callback: Callback, scripts: bool
) -> None:
    client_id = connect(portal, callback, f"مستمری آزمون {scripts}", level="CODE")
    visitor = Visitor(chromium, portal, width=DESK, name=f"script-{scripts}", java_script_enabled=scripts)
    portal.minute_passes()
    before, came = len(portal.home.codes(CITIZEN.mobile)), len(callback.came)
    visitor.go(request_of(callback, client_id))
    types_password(visitor, CITIZEN)
    visitor.reads("با کد شناسه نشان دهید که خودتان هستید")
    visitor.seen("93-step-up")
    visitor.press("ارسال کد")
    visitor.field("کد شناسه").wait_for()
    visitor.seen("93-step-up-code")
    visitor.fill({"کد شناسه": portal.home.new_code(CITIZEN.mobile, before)})
    visitor.press()
    visitor.reads("رسیدید")
    assert callback.came[came]["state"] == "state-1"
    assert callback.came[came]["iss"] == portal.url
    # The password again on a wish; then straight on.
    visitor.go(request_of(callback, client_id, prompt="login", state="state-4"))
    visitor.field("گذرواژه").wait_for()
    visitor.seen("94-again")
    visitor.fill({"گذرواژه": CITIZEN.password})
    visitor.press()
    visitor.reads("رسیدید")
    assert callback.came[-1]["state"] == "state-4"


def test_an_error_of_a_service_is_told_on_our_page_alone(chromium: Browser, portal: Portal, callback: Callback) -> None:
    client_id = connect(portal, callback, "خدمت نادرست")
    visitor = Visitor(chromium, portal, width=PHONE)
    before = list(callback.came)
    visitor.page.goto(portal.url + request_of(callback, client_id, redirect_uri=f"{callback.url}/Callback"))
    visitor.seen("95-error-of-a-service", allowed=("status of 400",))
    assert visitor.page.url.startswith(portal.url)
    assert callback.came == before


def test_who_registers_first_is_led_back_to_the_service_here_and_from_another_browser(
    chromium: Browser, portal: Portal, callback: Callback
) -> None:
    client_id = connect(portal, callback, "سوابق آزمون")
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.go(request_of(callback, client_id, state="before-the-registration"))
    visitor.page.get_by_role("link", name="ثبت نام", exact=True).click()
    visitor.reads("پس از ثبت نام در «سوابق آزمون» ادامه می‌دهید")
    visitor.seen("96-registers-for-a-service")
    visitor.fill(NEWCOMER.step_one())
    visitor.press()
    visitor.field("کد شناسه").wait_for()
    visitor.step_two(NEWCOMER)
    visitor.field("نام خانوادگی").wait_for()
    visitor.page.get_by_text("سری یا مسلسل در شناسنامه من نیست").click()  # an old certificate
    for tick in ("شناسنامه من سری ندارد", "شناسنامه من مسلسل ندارد"):
        visitor.field(tick).check()
    not_there = ("مسلسل شناسنامه", "سری شناسنامه (حرف)", "سری شناسنامه (عدد)")
    visitor.part({label: text for label, text in NEWCOMER.step_three().items() if label not in not_there})
    for part in ("آدرس ایمیل", "گذرواژه"):
        visitor.field(part).wait_for()
        visitor.part(NEWCOMER.step_three())
    code = visitor.tracking_code()
    visitor.reads("شما از «سوابق آزمون» آمده‌اید")
    visitor.seen("97-registered-for-a-service")
    assert "ادامه در سامانه" in visitor.result(NEWCOMER)

    go_on = visitor.page.get_by_role("link", name="ادامه در سامانه «سوابق آزمون»")
    go_on.wait_for(timeout=40_000)  # the page looks for the result by itself
    visitor.seen("98-closing-page-leads-on")
    go_on.click()
    types_password(visitor, NEWCOMER)
    visitor.reads("رسیدید")
    assert callback.came[-1]["state"] == "before-the-registration"

    other = Visitor(chromium, portal, width=PHONE)
    other.go("/portal/status")
    other.fill({"کد ملی": NEWCOMER.national_id, "کد پیگیری": code})
    other.press()
    other.reads("ادامه در سامانه «سوابق آزمون»")
    other.seen("99-status-page-leads-on")
    other.page.get_by_role("link", name="ادامه در سامانه «سوابق آزمون»").click()
    other.reads("رسیدید")
    assert callback.started == [{"iss": portal.url}]
