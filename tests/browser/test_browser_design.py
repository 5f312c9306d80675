"""The design page, at every width, light and dark: what holds for the components holds for the pages made of them.

The pictures in `references/` are small and compared with tolerance: they show that a component has changed, not that a
pixel has. `UPDATE_REFERENCES=1` writes them anew; look at them before they are committed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support import looks
from tests.support.browsers import PHONE, Visitor
from tests.support.live_web import web

pytestmark = pytest.mark.browser
REFERENCES = Path(__file__).with_name("references")
DESIGN = "/portal/design/"
PARTS = ("stepper", "field", "field-wrong", "button", "code", "summary", "timeline", "done", "pass")
TOLERATED = 0.03  # share of the points that may differ
NOTICED = 48  # of 255: how far each of a point's colours may differ


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The web of a demo, without workers."""
    with web(tmp_path_factory.mktemp("design")) as started:
        yield SimpleNamespace(url=f"http://127.0.0.1:{started.port}")


def visit(chromium: Browser, shown: Any, path: str = DESIGN, *, width: int = PHONE, **options: Any) -> Visitor:
    visitor = Visitor(chromium, shown, width=width, **options)
    visitor.go(path)
    return visitor


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_every_component_is_fit_for_everybody(chromium: Browser, shown: Any, width: int, scheme: str) -> None:
    visitor = visit(chromium, shown, width=width, color_scheme=scheme)
    looks.check_axe(visitor.page)
    looks.check_overflow(visitor.page)
    looks.check_targets(visitor.page)
    assert looks.check_focus_contrast(visitor.page) > 20
    assert visitor.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path", ["/portal/", "/portal/registration", "/portal/registration/status", "/portal/recovery"]
)
def test_the_first_pages_are_too(chromium: Browser, shown: Any, path: str, scheme: str) -> None:
    visitor = visit(chromium, shown, path, color_scheme=scheme)
    looks.check_axe(visitor.page)
    looks.check_targets(visitor.page)
    looks.check_focus_contrast(visitor.page)


def test_the_first_field_of_step_one_is_in_the_first_screen(chromium: Browser, shown: Any) -> None:
    visitor = Visitor(chromium, shown, width=PHONE)
    visitor.page.set_viewport_size({"width": 360, "height": 640})
    visitor.go("/portal/registration")
    box = visitor.field("کد ملی").bounding_box()
    assert box
    assert box["y"] + box["height"] <= 640
    visitor.press()
    visitor.page.locator("#error-summary").wait_for()
    notice = visitor.page.locator(".notice").bounding_box()
    form = visitor.page.locator("form.panel").bounding_box()
    assert notice
    assert form
    assert notice["y"] >= form["y"] + form["height"]


@pytest.mark.parametrize("scripts", [True, False], ids=["with the script", "without"])
@pytest.mark.parametrize("path", [DESIGN, "/portal/registration"])
def test_a_link_of_the_summary_shows_label_and_error(chromium: Browser, shown: Any, path: str, scripts: bool) -> None:
    visitor = Visitor(chromium, shown, width=PHONE, java_script_enabled=scripts)
    page = visitor.page
    page.set_viewport_size({"width": 360, "height": 640})
    visitor.go(path)
    if path != DESIGN:
        visitor.press()
    links = page.locator("#error-summary a")
    assert links.count() > 1
    for number in range(links.count()):
        target = links.nth(number).get_attribute("href")
        links.nth(number).click()
        assert target
        control = page.locator(f"[id='{target[1:]}']")
        field = control.locator("xpath=ancestor::*[contains(@class, 'field-wrong')][1]")
        for part in (field.locator("label, legend").first, field.locator(".error").first, control):
            box = part.bounding_box()
            assert box
            assert box["y"] >= 0, f"{target}: above the window"
            assert box["y"] + box["height"] <= 640, f"{target}: below the window"


def test_text_twice_as_large_leaves_every_box_wide_enough(chromium: Browser, shown: Any) -> None:
    visitor = visit(chromium, shown)
    page = visitor.page
    enlarge(page)
    looks.check_overflow(page)
    for control in page.locator("input.form-control:not([class*=width-])").all():
        box = control.bounding_box()
        assert box
        assert box["width"] >= 180
    visitor.go("/portal/")
    enlarge(page)
    looks.check_overflow(page)
    password = page.locator("input[type=password]").bounding_box()
    assert password
    assert password["width"] >= 180


def style(page: Page, selector: str, name: str, pseudo: str = "") -> str:
    """The computed style of the first of these elements."""
    script = "(node, [name, pseudo]) => getComputedStyle(node, pseudo || null)[name]"
    found: str = page.locator(selector).first.evaluate(script, [name, pseudo])
    return found


def enlarge(page: Page) -> None:
    """As a browser does whose person set the text twice as large."""
    page.evaluate("document.documentElement.style.fontSize = '200%'")


def test_four_times_enlarged_nothing_is_cut(chromium: Browser, shown: Any) -> None:
    """A window of 1280 px at 400 % has 320 px of room, and 256 px of height."""
    visitor = Visitor(chromium, shown, width=320, device_scale_factor=4)
    visitor.page.set_viewport_size({"width": 320, "height": 256})
    for path in (DESIGN, "/portal/", "/portal/registration"):
        visitor.go(path)
        looks.check_overflow(visitor.page)


def test_forced_colours_keep_edges_and_marks(chromium: Browser, shown: Any) -> None:
    page = visit(chromium, shown, forced_colors="active", width=1280).page
    looks.check_axe(page)
    for what in (".btn-main", ".btn-quiet", ".form-control", ".done", ".notice"):
        assert style(page, what, "borderTopWidth") != "0px", what
        assert style(page, what, "borderTopStyle") == "solid", what
    marks = [f"#part-stepper .step-{state} .step-mark" for state in ("now", "next")]
    now, other = (style(page, mark, "backgroundColor") for mark in marks)
    assert now != other
    assert style(page, ".right", "borderBottomWidth", "::before") != "0px"
    page.locator("#part-button .btn-main").focus()
    assert style(page, "#part-button .btn-main", "outlineStyle") == "solid"


def test_paper_is_black_on_white_in_the_dark_too(chromium: Browser, shown: Any) -> None:
    page = visit(chromium, shown, color_scheme="dark").page
    assert style(page, "body", "color") == "rgb(233, 240, 242)"
    assert style(page, ".qr", "backgroundColor") == "rgb(255, 255, 255)"  # cameras read nothing else
    page.emulate_media(media="print")
    assert style(page, "body", "color") == "rgb(0, 0, 0)"
    assert style(page, ".hint", "color") == "rgb(70, 85, 95)"
    assert style(page, ".panel", "backgroundColor") == "rgb(255, 255, 255)"


def test_left_to_right_everything_fits_as_well(chromium: Browser, shown: Any) -> None:
    visitor = visit(chromium, shown)
    visitor.page.evaluate("document.documentElement.dir = 'ltr'")
    looks.check_overflow(visitor.page)
    mark = "getComputedStyle(document.querySelector('.timeline li'), '::before')"
    assert visitor.page.evaluate(f"parseFloat({mark}.left)") < 0
    visitor.page.evaluate("document.documentElement.dir = 'rtl'")
    assert visitor.page.evaluate(f"parseFloat({mark}.right)") < 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_component_looks_as_it_did(chromium: Browser, shown: Any, scheme: str, tmp_path: Path) -> None:
    page = visit(chromium, shown, color_scheme=scheme, device_scale_factor=0.5).page
    page.evaluate("document.fonts.ready.then(() => document.activeElement.blur())")
    changed = {}
    for part in PARTS:
        taken, reference = tmp_path / f"{part}.png", REFERENCES / f"{part}-{scheme}.png"
        times = page.locator(".timeline span, [data-clock]")
        taken.write_bytes(page.locator(f"#part-{part}").screenshot(mask=[times]))
        if os.environ.get("UPDATE_REFERENCES"):
            REFERENCES.mkdir(exist_ok=True)
            reference.write_bytes(taken.read_bytes())
        share = looks.difference(page, taken, reference, noticed=NOTICED)
        if share > TOLERATED:
            changed[part] = f"{share:.1%} of the points"
    assert changed == {}
