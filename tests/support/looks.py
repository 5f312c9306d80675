"""What every page must look like, whatever its width, scheme and language: each function fails with what is wrong.

They take a page of playwright as it is shown now, and leave it as it was (but for where it is scrolled and what has
the focus).
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.support.browsers import AXE

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

SMALLEST_TARGET = 44  # CSS pixels, each way
LEAST_CONTRAST = 3  # of a focus ring, to what is beside it
MOST_TABS = 250


def check_axe(page: Page, only: tuple[str, ...] = ()) -> None:
    """axe finds nothing at all: every rule, best practices and sizes of targets included, whatever its impact; or
    those rules `only`, where the same page was looked at by every rule just before."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)  # over the debugger: the pages' policy forbids a foreign script
    rules = f"runOnly: {list(only)}" if only else "rules: {'target-size': {enabled: true}}"
    options = f"{{resultTypes: ['violations'], {rules}}}"
    found = page.evaluate(f"axe.run(document, {options})")["violations"]
    told = [f"{each['id']}: {[(node['target'], node['any'][:1]) for node in each['nodes']][:4]}" for each in found]
    assert told == [], told


def check_overflow(page: Page) -> None:
    """Nothing stands out of the window sideways, and no box is cut off there."""
    found = _look(page, "outside")
    assert found == [], found


def check_targets(page: Page, smallest: int = SMALLEST_TARGET) -> None:
    """What can be pressed is large enough to hit, labels of ticks and whole cards counted; links within a sentence are
    excused, as WCAG's rule has it."""
    found = _look(page, "small", smallest)
    assert found == [], found


def check_focus_contrast(page: Page, least: float = LEAST_CONTRAST) -> int:
    """Tab through the page: whatever takes the focus has a ring, one band of which stands out from the element, and
    one from what the element stands on. The number of stops."""
    page.evaluate("window.scrollTo(0, 0); document.activeElement && document.activeElement.blur()")
    stops: list[dict[str, Any]] = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        stop = _look(page, "ring")
        if stop is None or any(stop["place"] == before["place"] for before in stops):
            break
        stops.append(stop)
    assert stops, "nothing takes the focus"
    weak = [stop for stop in stops if min(stop["inside"], stop["outside"]) < least]
    assert weak == [], weak
    return len(stops)


def check_rings(page: Page, least: float = LEAST_CONTRAST) -> int:
    """As `check_focus_contrast` but quicker, and without the order of the stops: the script of the test moves the
    focus. The number of what can take it."""
    page.evaluate("window.scrollTo(0, 0)")
    page.keyboard.press("Tab")  # from here on the focus is one that is to be seen
    stops: list[dict[str, Any]] = _look(page, "rings")
    assert stops, "nothing takes the focus"
    weak = [stop for stop in stops if min(stop["inside"], stop["outside"]) < least]
    assert weak == [], weak
    return len(stops)


def difference(page: Page, one: Path, other: Path, *, noticed: int) -> float:
    """The share of the points of two PNG files that differ by more than `noticed` in a colour; 1 for other sizes."""
    blank = page.context.new_page()
    try:
        pictures = [base64.b64encode(path.read_bytes()).decode() for path in (one, other)]
        share: float = _look(blank, "difference", [*pictures, noticed])
        return share
    finally:
        blank.close()


def _look(page: Page, what: str, argument: Any = None) -> Any:
    """What a function of looks.js finds on the page."""
    return page.evaluate(f"(argument) => ({SCRIPT}).{what}(argument)", argument)
