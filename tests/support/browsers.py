"""People at a real browser: they find fields by their labels, and every page they see is looked at.

Each page that is `seen` leaves a screenshot in screenshots/, is examined by axe, must fit its
window's width, and must have written nothing to the browser's console.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from playwright.sync_api import Browser, Error, Locator, Page, sync_playwright

from tests.support.live import Citizen, Portal, until
from tests.support.paths import ROOT

SCREENSHOTS = ROOT / "screenshots"
AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESK = 360, 1280
SUBMIT = "main form button.btn-main"  # the main button of a step
# Chromium wrote to a connection that had just ended, and opened no other one.
LOST = ("ERR_SOCKET_NOT_CONNECTED", "ERR_CONNECTION_RESET")


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        program = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One browser window with cookies of its own. `problems` is what the pages did wrong so far."""

    latest: ClassVar[Visitor | None] = None  # whose page the report of a failed test shows

    def __init__(self, browser: Browser, portal: Portal, *, width: int = DESK, name: str = "", **options: Any) -> None:
        height = 740 if width < 700 else 900
        self.portal, self.width, self.name = portal, width, name
        self.scripts = options.get("java_script_enabled", True)
        self.context = browser.new_context(viewport={"width": width, "height": height}, locale="fa-IR", **options)
        self.context.set_default_timeout(15_000)
        self.problems: list[str] = []
        self.page = self.tab()
        Visitor.latest = self

    def tab(self) -> Page:
        """Another tab of the same window."""
        page = self.context.new_page()
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        return page

    def showing(self) -> str:
        """What the window shows now, for the report of a test that failed."""
        try:
            return f"{self.page.url}\n{self.page.locator('body').inner_text(timeout=2_000)}\n{self.problems}"
        except Error as error:
            return f"{self.page.url} cannot be read: {error}"

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(f"console: {text}")

    def go(self, path: str) -> None:
        """Load this page; once more if the browser lost a connection over one of its files, as a person would."""
        self.page.goto(self.portal.url + path)
        heard = [problem for problem in self.problems if not any(word in problem for word in LOST)]
        if heard != self.problems:
            self.problems = heard
            self.page.goto(self.portal.url + path)

    def field(self, label: str) -> Locator:
        """The field that a person would type into: not the one that only shows what was carried over."""
        return self.page.get_by_label(label, exact=True).and_(self.page.locator("[name]"))

    def fill(self, answers: dict[str, str]) -> None:
        for label, text in answers.items():
            control = self.field(label)
            if control.evaluate("node => node.tagName") == "SELECT":
                control.select_option(**self._option(control, text))
            else:
                control.fill(text)

    def _option(self, control: Locator, text: str) -> dict[str, str]:
        """Cities are written «province، city»: two cities may share a name, so those are chosen by value."""
        return {"value": text} if control.locator(f'option[value="{text}"]').count() else {"label": text}

    def press(self, name: str = "") -> None:
        """Press the button of this name, else the step's main button."""
        button = self.page.get_by_role("button", name=name, exact=True) if name else self.page.locator(SUBMIT)
        button.first.click()

    def heading(self) -> str:
        return self.page.locator("h1").first.inner_text()

    def reads(self, text: str, *, within: float = 15) -> None:
        """The page shows this text, or does so within so many seconds."""
        self.page.get_by_text(text).first.wait_for(timeout=within * 1000)

    def seen(self, name: str, *, allowed: tuple[str, ...] = ()) -> None:
        """Look at this page as it is now. `allowed`: what the console may say on it (an error page's own status)."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}-{self.name or self.width}.png", full_page=True)
        found = [problem for problem in self.problems if not any(part in problem for part in allowed)]
        self.problems.clear()
        assert found == [], f"{name}: {found}"
        if self.scripts:
            self.fits()
            broken = violations(self.page)
            assert broken == [], f"{name}: {broken}"
            self.problems.clear()  # axe's own trials with styles

    def fits(self) -> None:
        """Nothing stands out of the window sideways."""
        wide = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide[0] <= wide[1], f"{self.page.url} is {wide[0]} px wide in {wide[1]} px"

    def focused(self) -> str:
        """The id of what has the focus."""
        found: str = self.page.evaluate("document.activeElement ? document.activeElement.id : ''")
        return found

    # The journey.

    def step_one(self, citizen: Citizen) -> None:
        self.go("/portal/registration")
        self.fill(citizen.step_one())
        self.press()
        self.field("کد شناسه").wait_for()

    def step_two(self, citizen: Citizen, before: int = 0) -> None:
        self.fill({"کد شناسه": self.portal.home.new_code(citizen.mobile, before)})
        self.press()

    def step_three(self, citizen: Citizen) -> str:
        """Go through all parts; the tracking code."""
        for part in ("نام خانوادگی", "آدرس ایمیل", "گذرواژه"):
            self.field(part).wait_for()
            self.part(citizen.step_three())
        return self.tracking_code()

    def part(self, answers: dict[str, str]) -> None:
        """Type those of `answers` that this part of step three asks for, and press its button."""
        self.fill(self.asked(answers))
        self.press()

    def asked(self, answers: dict[str, str]) -> dict[str, str]:
        """Those of `answers` that this page asks for."""
        return {label: text for label, text in answers.items() if self.field(label).count()}

    def tracking_code(self) -> str:
        shown = self.page.locator(".tracking-code").inner_text()
        return re.sub(r"\D", "", shown.translate(str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")))

    def result(self, citizen: Citizen) -> str:
        """The newest result on the citizen's phone, once one came."""
        text: str = until(lambda: self.portal.home.results(citizen.mobile), what="the result")[0]
        return text

    def sign_in(self, citizen: Citizen) -> None:
        self.go("/portal/")
        self.fill({"کد ملی": citizen.national_id, "گذرواژه": citizen.password})
        self.press()


def violations(page: Page) -> list[str]:
    """What axe calls serious or critical on this page."""
    page.evaluate(AXE)  # over the debugger: the pages' policy forbids a foreign script
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['impact']} {each['id']}: {[node['target'] for node in each['nodes']]}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
