"""The floor of browsers: Chromium 80 itself, and a new one without what iOS 13 and Firefox 78 lack."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import old_chromium
from tests.support.browsers import PHONE, Visitor
from tests.support.idle_browsers import passes, warning
from tests.support.live import Portal, somebody
from tests.support.old_chromium import OldBrowser, old_browser

NUMBERS = count(4210)
pytestmark = pytest.mark.browser
# Younger than iOS 13 or Firefox 78, and met on the way through the portal.
STRIPPED = """
delete AbortSignal.timeout; delete AbortSignal.any;
delete HTMLDialogElement.prototype.showModal; delete HTMLDialogElement.prototype.show;
delete HTMLDialogElement.prototype.close; delete HTMLDialogElement.prototype.open;
for (const kind of [Element, Document, DocumentFragment]) delete kind.prototype.replaceChildren;
delete HTMLFormElement.prototype.requestSubmit; delete String.prototype.replaceAll; delete Array.prototype.at;
delete String.prototype.at; delete Object.hasOwn; delete window.structuredClone; delete crypto.randomUUID;
delete Promise.any; delete Array.prototype.findLast; delete HTMLElement.prototype.inert; delete window.OTPCredential;
"""


@pytest.fixture
def old(portal: Portal) -> Iterator[OldBrowser]:
    try:
        with old_browser(portal, width=PHONE) as browser:
            yield browser
    except old_chromium.Missing as missing:
        pytest.skip(str(missing))


def test_a_citizen_registers_in_chromium_80(old: OldBrowser) -> None:
    assert f"Chrome/{old_chromium.VERSION}" in old.evaluate("navigator.userAgent")
    assert old.evaluate("typeof AbortSignal.timeout") == "undefined"
    old.register(somebody(4200), look=old.fits)


def test_stay_signed_in_works_in_chromium_80(old: OldBrowser) -> None:
    old.go("/portal/registration")
    old.fill(somebody(4201).step_one())
    old.send()
    old.evaluate("{ const now = Date.now; Date.now = () => now.call(Date) + 13.5 * 60000; }")
    old.until("document.getElementById('idle').open")
    old.picture("92-floor-warning-80")
    old.press("#idle button[data-when]:not([hidden])")
    old.until("!document.getElementById('idle').open")
    old.fits()


@pytest.fixture
def stripped(chromium: Browser, portal: Portal) -> Iterator[Page]:
    """A page of the journey, in its last two minutes, in a browser that lacks what the floor lacks."""
    visitor = Visitor(chromium, portal, width=PHONE)
    visitor.context.add_init_script(STRIPPED)
    visitor.context.clock.install()
    visitor.step_one(somebody(next(NUMBERS)))
    visitor.page.wait_for_load_state()
    passes(visitor, 13.5)
    yield visitor.page
    assert visitor.problems == []
    visitor.context.close()


def test_without_a_modal_dialog_the_question_is_asked_by_hand(stripped: Page) -> None:
    box = warning(stripped)
    expect(box).to_be_visible()
    button = stripped.get_by_role("button", name="ادامه می‌دهم")
    expect(button).to_be_focused()
    stripped.screenshot(path="screenshots/91-floor-warning.png")
    assert stripped.locator("main").get_attribute("aria-hidden") == "true"
    for _ in range(8):  # round and round, never to the page behind
        stripped.keyboard.press("Tab")
        assert stripped.evaluate("!document.activeElement.closest('main, header, footer')")
    with stripped.expect_response("**/session/go-on") as answer:
        button.click()
    assert answer.value.status == 200
    expect(box).to_be_hidden()
    assert stripped.locator("main").get_attribute("aria-hidden") is None


def test_escape_means_the_main_button_there_too(stripped: Page) -> None:
    expect(warning(stripped)).to_be_visible()
    with stripped.expect_response("**/session/go-on"):
        stripped.keyboard.press("Escape")
    expect(warning(stripped)).to_be_hidden()


def test_a_network_that_hangs_is_told_of(stripped: Page) -> None:
    stripped.route("**/session/go-on", lambda route: None)
    stripped.get_by_role("button", name="ادامه می‌دهم").click()
    stripped.clock.fast_forward(8_500)
    expect(stripped.locator("[data-offline]")).to_contain_text("ارتباط با سامانه برقرار نشد")
