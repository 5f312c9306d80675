"""Step two in Chromium with a gateway that reports: where the SMS is appears by itself, or by a button."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browsers import PHONE, Visitor
from tests.support.live import Portal, demo, free_port
from tests.support.sms_stubs import Receipts, stub

pytestmark = pytest.mark.browser
TOKEN = "b" * 32
ARRIVED = "به تلفن همراه شما"
LOOK = "ببینید رسیده است یا نه"


@pytest.fixture(scope="module")
def portal_options() -> Iterator[dict[str, Any]]:
    """A demo whose SMS go by a box that reports each a few seconds later."""
    port = free_port()
    receipts = f"http://127.0.0.1:{port}/sms/receipts/box/{TOKEN}/?status=%d"
    with stub("http", receipts=Receipts(after=6)) as gateway:
        environment = {
            "SMS_GATEWAYS": "box",
            "SMS_BOX_KIND": "http",
            "SMS_BOX_URL": f"{gateway.url}/send?to={{to}}&text={{text}}&dlr-url={{receipt_url}}",
            "SMS_BOX_RECEIPT_URL": receipts,
            "SMS_BOX_RECEIPT_TOKENS": TOKEN,
        }
        yield {"port": port, "env": environment}


def test_the_page_says_by_itself_when_the_sms_has_arrived(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.step_one(demo("matches"))
    loaded = visitor.page.evaluate("performance.timeOrigin")
    visitor.fill({"کد شناسه": "12"})  # what is being typed must survive
    assert visitor.page.get_by_role("button", name=LOOK).count() == 0
    visitor.reads(ARRIVED, within=60)  # the workers of a portal that has just begun may still be loading
    assert visitor.page.evaluate("performance.timeOrigin") == loaded
    assert visitor.field("کد شناسه").input_value() == "12"
    visitor.seen("step-two-delivered")


def test_without_script_a_button_says_it(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=PHONE, name="no-script", java_script_enabled=False)
    visitor.step_one(demo("other_family_name"))
    for _ in range(40):
        visitor.press(LOOK)
        if visitor.page.get_by_text(ARRIVED).count():
            break
        visitor.page.wait_for_timeout(500)
    visitor.reads(ARRIVED)
    assert visitor.page.get_by_role("button", name=LOOK).count() == 0


def test_no_log_of_the_portal_holds_the_token(chromium: Browser, portal: Portal) -> None:
    logs = [path.read_text(errors="replace") for path in (portal.folder / "logs").glob("*.log")]
    assert logs
    assert not any(TOKEN in log for log in logs)


def test_the_health_page_fits_a_phone_and_its_table_scrolls_in_its_own_box(chromium: Browser, portal: Portal) -> None:
    visitor = Visitor(chromium, portal, width=PHONE)
    name, _, password = (portal.folder / "staff.txt").read_text().splitlines()[1].partition(" ")
    visitor.go("/admin/")
    visitor.page.locator("[name=username]").fill(name)
    visitor.page.locator("[name=password]").fill(password)
    visitor.page.locator("[type=submit]").first.click()
    visitor.go("/admin/sms/message/health/")
    box = visitor.page.locator(".scrolls").first
    inner, outer = box.evaluate("node => [node.scrollWidth, node.clientWidth]")
    assert outer <= PHONE < inner
    visitor.seen("sms-health")
