"""Every page and state, in Persian and English, light and dark, from 320 to 1280 px: fit for everybody.

A page is opened once for a language; the scheme and the width are changed while it is shown. The pages of the desk and
the admin are in Persian alone.

axe runs with all rules it has switched on by itself, best practices among them, and `target-size`. Off are those that
axe calls experimental or WCAG's AAA (`color-contrast-enhanced`, `identical-links-same-purpose` …): no promise of ours.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support import looks
from tests.support.browsers import PHONE, SCREENSHOTS, SUBMIT, Visitor
from tests.support.live import somebody
from tests.support.live_web import web
from tests.support.paths import ROOT

pytestmark = pytest.mark.browser
REFERENCES = Path(__file__).with_name("references")
WIDTHS = (320, 360, 768, 1280)
MOUSE_TARGET = 24  # CSS pixels, WCAG 2.2's AA: staff work at a desk, with a mouse
# On pages wider than a phone the admin has lines of text links (the table, the way back): WCAG excepts what is spaced.
WIDEST_WITH_STAFF_TARGETS = 360
OF_COLOURS = ("color-contrast", "link-in-text-block")  # axe's rules that depend on the scheme
STEPS, PROFILE = "/portal/registration", "/portal/profile"
CITIZEN = somebody(870_001)  # nobody registers as them


@dataclass(frozen=True)
class State:
    """A page in one of its states. `place`: who is there (tests/support/visitors.py); `act`: what they do then."""

    name: str
    place: str
    path: str = ""  # empty: the place knows it
    act: Callable[[Visitor], None] = lambda visitor: None
    only_persian: bool = False
    refusal: str = ""  # what the console says of the answer, where that is an error's own page


def presses(visitor: Visitor) -> None:
    """The main button, with nothing typed: the errors come."""
    with visitor.page.expect_navigation():
        visitor.page.locator(SUBMIT).first.click()
    assert visitor.page.locator("#error-summary").count(), visitor.showing()


def typing(*texts: tuple[str, str], press: bool = True) -> Callable[[Visitor], None]:
    """Type each text into the box whose name ends so; press."""

    def act(visitor: Visitor) -> None:
        for name, text in texts:
            control = visitor.page.locator(f"main form [name$='{name}']").first
            if control.evaluate("node => node.tagName") == "SELECT":
                control.select_option(text)
            else:
                control.fill(text)
        if press:
            presses(visitor)

    return act


def comes_too_late(visitor: Visitor) -> None:
    """Somebody has signed in meanwhile, in another tab: the form comes back from the server's refusal."""
    visitor.page.locator("main form [name$=mobile]").fill("0935")
    token = visitor.page.locator("main form [name=csrfmiddlewaretoken]").first
    token.evaluate("node => { node.value = node.value.split('').reverse().join(''); }")
    with visitor.page.expect_navigation():
        visitor.page.locator(SUBMIT).first.click()


WRONG_PERSON = typing(("last_name", "Karimi"), ("first_name", "رضا ۵"), ("birth_day", "45"), ("birth_year", "1991"))
FILLED_PERSON = typing(
    ("last_name", CITIZEN.last_name),
    ("first_name", CITIZEN.first_name),
    ("certificate_number", CITIZEN.certificate_number),
    ("certificate_serial", CITIZEN.certificate_serial),
    ("series_letter", CITIZEN.series_letter),
    ("series_number", CITIZEN.series_number),
    ("birth_day", "17"),
    ("birth_month", "5"),
    ("birth_year", "1370"),
    press=False,
)
STATES = (
    State("step-one", "nobody", STEPS),
    State("step-one-errors", "nobody", STEPS, presses),
    State("step-two", "step two", STEPS),
    State("step-two-wrong-code", "step two typed", STEPS, typing(("code", "12"))),
    State("person", "person", STEPS),
    State("person-errors", "person typed", STEPS, presses),
    State("person-wrong", "person typed", STEPS, WRONG_PERSON),
    State("person-filled", "person typed", STEPS, FILLED_PERSON),
    State("contact", "contact", STEPS),
    State("contact-errors", "contact typed", STEPS, typing(("email", "nobody"))),
    State("contact-filled", "contact typed", STEPS, typing(("email", "someone@example.com"), press=False)),
    State("review", "review", STEPS),
    State("review-errors", "review", STEPS, typing(("password", "رمز۱۲۳"))),
    State("closing-submitted", "submitted", f"{STEPS}/done"),
    State("closing-approved", "approved", f"{STEPS}/done"),
    State("closing-referred", "referred", f"{STEPS}/done"),
    State("closing-has-an-account", "has an account", f"{STEPS}/done"),
    State("elsewhere", "elsewhere", STEPS),
    State("status-form", "nobody", f"{STEPS}/status"),
    State("status-form-errors", "nobody", f"{STEPS}/status", presses),
    State("status-submitted", "status submitted", f"{STEPS}/status"),
    State("status-referred", "status referred", f"{STEPS}/status"),
    State("status-awaiting", "status awaiting", f"{STEPS}/status"),
    State("status-approved", "status approved", f"{STEPS}/status"),
    State("status-rejected", "status rejected", f"{STEPS}/status"),
    State("status-expired", "status expired", f"{STEPS}/status"),
    State("pass", "status referred", f"{STEPS}/pass"),
    State("second-chance", "second chance", f"{STEPS}/second-chance"),
    State("correct", "second chance", f"{STEPS}/correct"),
    State("correct-errors", "second chance typed", f"{STEPS}/correct", WRONG_PERSON),
    State("second-chance-owner", "another number", f"{STEPS}/second-chance"),
    State("number", "another number", f"{STEPS}/number"),
    State("number-errors", "another number", f"{STEPS}/number", presses),
    State("number-code", "number code", f"{STEPS}/number/code"),
    State("sign-in", "nobody", "/portal/"),
    State("sign-in-errors", "nobody", "/portal/", presses),
    State("sign-in-by-code", "nobody", "/portal/sign-in/by-code"),
    State("sign-in-code", "second step", "/portal/sign-in/code"),
    State("sign-in-code-errors", "second step", "/portal/sign-in/code", typing(("code", "12"))),
    State("sign-in-code-of-a-pause", "pause", "/portal/sign-in/code"),
    State("recovery", "nobody", "/portal/recovery"),
    State("recovery-errors", "nobody", "/portal/recovery", presses),
    State("recovery-code", "recovery begun", "/portal/recovery/code"),
    State("recovery-answer", "recovery proven", "/portal/recovery/answer"),
    State("recovery-wait", "recovery answered", "/portal/recovery/wait"),
    State("recovery-password", "recovery matched", "/portal/recovery/password"),
    State("recovery-password-errors", "recovery matched", "/portal/recovery/password", typing(("password", "weak"))),
    State("recovery-branch", "recovery refused", "/portal/recovery/branch"),
    State("branches", "nobody", "/portal/branches"),
    State("branches-of-a-city", "nobody", "/portal/branches?city=تهران"),
    State("home", "signed in", "/portal/home"),
    State("profile", "signed in", PROFILE),
    State("profile-password", "signed in", f"{PROFILE}/password"),
    State("profile-password-errors", "signed in", f"{PROFILE}/password", presses),
    State("profile-question", "signed in", f"{PROFILE}/question"),
    State("profile-sign-in-code", "signed in", f"{PROFILE}/sign-in-code"),
    State("profile-email", "signed in", f"{PROFILE}/email"),
    State("profile-mobile", "signed in", f"{PROFILE}/mobile"),
    State("profile-mobile-code", "mobile code", f"{PROFILE}/mobile/code"),
    State("profile-mobile-wait", "mobile wait", f"{PROFILE}/mobile/wait"),
    State("devices", "signed in", f"{PROFILE}/devices"),
    State("history", "signed in", f"{PROFILE}/history"),
    State("email-confirm", "email"),
    State("not-me", "not me"),
    State("guide", "nobody", "/portal/guide"),
    State("privacy", "nobody", "/portal/help/privacy"),
    State("accessibility", "nobody", "/portal/help/accessibility"),
    State("inbox", "nobody", "/portal/inbox/"),
    State("not-found", "nobody", "/portal/nowhere", refusal="404"),
    State("given-back", "nobody", STEPS, comes_too_late, refusal="403"),
    State("admin-login", "nobody", "/admin/login/", only_persian=True),
    State("desk-queue", "desk", "/admin/registration/registration/", only_persian=True),
    State("desk-detail", "desk", only_persian=True),
)
NAMED = {state.name: state for state in STATES}
MAIN = (
    "step-one",
    "step-two",
    "person",
    "contact",
    "review",
    "closing-submitted",
    "sign-in",
    "status-referred",
    "home",
)
MONTHS = (
    "فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
)  # fmt: skip
CASES = [
    pytest.param(state, language, id=f"{state.name}-{language}")
    for language in ("fa", "en")
    for state in STATES
    if language == "fa" or not state.only_persian
]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The web of a demo, without workers, and browsers at every place of it."""
    with web(tmp_path_factory.mktemp("every_page")) as started:
        program = "from tests.support.visitors import print_places\nprint_places()"
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", program]
        done = subprocess.run(command, cwd=ROOT, env=started.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        yield SimpleNamespace(
            url=f"http://127.0.0.1:{started.port}", places=json.loads(done.stdout.splitlines()[-1]), web=started
        )


@pytest.fixture(scope="module")
def visitor(chromium: Browser, shown: Any) -> Iterator[Visitor]:
    """One window for all pages."""
    one = Visitor(chromium, shown, width=PHONE, reduced_motion="reduce")
    yield one
    one.context.close()


@pytest.fixture(scope="module")
def without_script(chromium: Browser, shown: Any) -> Iterator[Visitor]:
    one = Visitor(chromium, shown, width=PHONE, java_script_enabled=False)
    yield one
    one.context.close()


def arrive(visitor: Visitor, state: State, language: str = "fa") -> Page:
    """The page as a person sees it who is there."""
    place = visitor.portal.places[state.place]  # type: ignore[attr-defined]
    cookies = place["cookies"] | {"language": language}
    visitor.context.clear_cookies()
    url = visitor.portal.url
    visitor.context.add_cookies([{"name": name, "value": text, "url": url} for name, text in cookies.items()])
    visitor.page.set_viewport_size({"width": PHONE, "height": 740})
    visitor.page.emulate_media(color_scheme="light", forced_colors="none", media="screen")
    visitor.problems.clear()
    path = state.path or place["path"]
    visitor.go(path)
    where = re.sub(r"\?.*", "", visitor.page.url.removeprefix(visitor.portal.url))
    assert where == re.sub(r"\?.*", "", path), f"{state.name} is not there: {visitor.showing()}"
    state.act(visitor)
    return visitor.page


@pytest.mark.parametrize(("state", "language"), CASES)
def test_every_page_is_fit_for_everybody(visitor: Visitor, state: State, language: str) -> None:
    page = arrive(visitor, state, language)
    assert page.evaluate("document.documentElement.lang") == language
    problems = [each for each in visitor.problems if not (state.refusal and f"status of {state.refusal}" in each)]
    assert problems == []
    picture(page, state, language, "light")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("Promise.all(document.getAnimations().map(each => each.finished))")  # the admin fades over
        if scheme == "dark":
            picture(page, state, language, scheme)
        looks.check_axe(page, () if scheme == "light" else OF_COLOURS)
        looks.check_rings(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 740})
        looks.check_overflow(page)
        if not state.only_persian:
            looks.check_targets(page)
        elif width <= WIDEST_WITH_STAFF_TARGETS:
            looks.check_targets(page, MOUSE_TARGET)
    if language == "fa":
        picture(page, state, language, "wide")


def picture(page: Page, state: State, language: str, name: str) -> None:
    """For a person to look at, where PICTURES is set."""
    if os.environ.get("PICTURES"):
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"every-{state.name}-{language}-{name}.png", full_page=True)


@pytest.mark.parametrize("name", MAIN)
def test_a_main_page_is_told_as_it_was(visitor: Visitor, name: str) -> None:
    """What a screen reader is told of it. UPDATE_REFERENCES=1 writes it anew; read it before it is committed."""
    page = arrive(visitor, NAMED[name])
    told = steady(page.locator("body").aria_snapshot())
    reference = REFERENCES / f"{name}.aria.yml"
    if os.environ.get("UPDATE_REFERENCES"):
        reference.write_text(told, encoding="utf-8")
    assert told == reference.read_text(encoding="utf-8")


def steady(told: str) -> str:
    """Without what varies: numbers of people and times of day; and of a long list only the first choices."""
    told = re.sub(f"[۰-۹]+ ({'|'.join(MONTHS)}) [۰-۹]+", "(day)", told)
    told = re.sub(r"[۰-۹]+([:/][۰-۹]+)+|[۰-۹•]{2,}( [۰-۹]{2,})*|[0-9]{3,}", "#", told)
    told = re.sub(r"\n +- text: \"?زمان مانده تا ارسال دوباره[^\n]*", "", told).replace(
        " [disabled]", ""
    )  # by the clock
    return re.sub(r"((\n +- option [^\n]*){3})(\n +- option [^\n]*)+", r"\1", told).rstrip() + "\n"


@pytest.mark.parametrize("name", MAIN)
def test_a_main_page_bears_large_text_forced_colours_and_no_script(
    visitor: Visitor, without_script: Visitor, name: str
) -> None:
    page = arrive(visitor, NAMED[name])
    page.emulate_media(forced_colors="active")
    button = page.locator(SUBMIT)
    if button.count():  # a button is told from text by its edge
        edge = button.first.evaluate("node => getComputedStyle(node).borderTopWidth")
        assert float(edge.removesuffix("px")) >= 1
    looks.check_overflow(page)
    page.emulate_media(forced_colors="none")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    looks.check_overflow(page)
    for box in page.locator("input.form-control:not([class*=width-]):visible").all():
        assert (box.bounding_box() or {"width": 0})["width"] >= 180
    moving = "document.getAnimations().filter(each => each.effect.getComputedTiming().duration > 100).length"
    assert page.evaluate(moving) == 0
    page = arrive(without_script, NAMED[name])
    looks.check_targets(page)
    looks.check_overflow(page)
