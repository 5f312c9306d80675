"""Make the pictures of the guide from the running pages: `make screenshots`.

Starts a demo in a home of its own, walks the journey in Chromium as a person with a phone of 360 px does, and writes
static/src/guide/*.png and tamin_portal/guide_pictures.json (their names and sizes, in the order they were taken).
Fields are found by their labels and the main button as the first submit, so a page may be divided or joined: whatever
stands between the code and the tracking code is step three, with pictures of each whole form. CHROMIUM names another
browser.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from ready import is_ready
from walker import Citizen, Home, until

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "static" / "src" / "guide"
SIZES = ROOT / "tamin_portal" / "guide_pictures.json"
WIDTH, TALLEST = 360, 1300  # CSS pixels
HEAVIEST = 40_000  # bytes of one picture
COLOURS = 16  # of one picture: a page has few, and its letters a handful of shades between
MAIN_BUTTON = "button.btn-main"
CODE, TRACKING_CODE = "کد شناسه", ".tracking-code"
MOST_PARTS = 8  # of step three
DUPLICATE = Citizen(national_id="0070001057", mobile="09120000105", operator="همراه اول")

# The colours of a PNG that occur most often, and for each pixel the number of the one that is nearest to its own.
FEWER_COLOURS = """async ([picture, most]) => {
  const image = new Image();
  image.src = "data:image/png;base64," + picture;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const counts = new Map();
  for (let at = 0; at < data.length; at += 4) {
    const colour = (data[at] << 16) | (data[at + 1] << 8) | data[at + 2];
    counts.set(colour, (counts.get(colour) || 0) + 1);
  }
  const split = (colour) => [colour >> 16, (colour >> 8) & 255, colour & 255];
  const palette = [];
  for (const [colour] of [...counts].sort((one, other) => other[1] - one[1])) {
    const own = split(colour);
    const far = palette.every((each) => each.some((shade, at) => Math.abs(shade - own[at]) > 20));
    if (far && palette.push(own) === most) break;
  }
  const nearest = new Map();
  for (const colour of counts.keys()) {
    const own = split(colour);
    const distances = palette.map((each) => each.reduce((sum, shade, at) => sum + (shade - own[at]) ** 2, 0));
    nearest.set(colour, distances.indexOf(Math.min(...distances)));
  }
  const pixels = [];
  for (let at = 0; at < data.length; at += 4) {
    pixels.push(nearest.get((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]));
  }
  return { palette, pixels };
}"""


def png(width: int, pixels: list[int], palette: list[list[int]]) -> bytes:
    """A PNG of at most 16 colours: half a byte a pixel, as small as zlib makes it."""
    rows = [[*pixels[at : at + width], 0] for at in range(0, len(pixels), width)]  # one more: a width may be odd
    packed = b"".join(b"\0" + bytes(row[at] << 4 | row[at + 1] for at in range(0, width, 2)) for row in rows)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, len(rows), 4, 3, 0, 0, 0)),
        (b"PLTE", bytes(shade for colour in palette for shade in colour)),
        (b"IDAT", zlib.compress(packed, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


class Camera:
    """A phone at the portal, and what it has taken so far."""

    def __init__(self, browser: Browser, url: str, home: Home) -> None:
        self.url, self.home, self.sizes = url, home, list[dict[str, Any]]()
        self.browser = browser
        self.page = self.fresh()
        self.darkroom = browser.new_page()

    def fresh(self) -> Page:
        """A phone that has never been here."""
        options: dict[str, Any] = {"locale": "fa-IR", "color_scheme": "light", "reduced_motion": "reduce"}
        self.page = self.browser.new_context(viewport={"width": WIDTH, "height": 740}, **options).new_page()
        return self.page

    def go(self, path: str) -> None:
        self.page.goto(self.url + path)

    def fill(self, answers: dict[str, str]) -> int:
        """Fill in those fields that this page has; how many. Fields that only show something have no name."""
        filled = 0
        for label, text in answers.items():
            field = self.page.get_by_label(label, exact=True).and_(self.page.locator("[name]:visible"))
            if not field.count():
                continue
            filled += 1
            if field.first.evaluate("node => node.tagName") != "SELECT":
                field.first.fill(text)
            elif field.first.locator(f'option[value="{text}"]').count():
                field.first.select_option(value=text)
            else:
                field.first.select_option(label=text)
        return filled

    def press(self) -> None:
        with self.page.expect_navigation():
            self.page.locator(f"main form {MAIN_BUTTON}").first.click()

    def take(self, name: str) -> None:
        """A picture of the page from its top."""
        self._still()
        self._take(name, 0, min(self.page.evaluate("document.documentElement.scrollHeight"), TALLEST))

    def take_form(self, name: str, first: int) -> int:
        """Pictures of the whole form, one below the other, numbered from `first` on; the next number."""
        self._still()
        box = self.page.locator("main form", has=self.page.locator(MAIN_BUTTON)).first.bounding_box()
        if box is None:
            sys.exit(f"{name}: this page has no form")
        top, left = round(box["y"]), round(box["height"])
        while left > 0:
            height = min(left, TALLEST)
            self._take(f"{name}-{first}", top, height)
            top, left, first = top + height, left - height, first + 1
        return first

    def _still(self) -> None:
        """Nothing has the focus, the page is at its top, and its font is there."""
        self.page.evaluate("document.activeElement && document.activeElement.blur(); scrollTo(0, 0)")
        self.page.evaluate("document.fonts.ready")

    def _take(self, name: str, top: int, height: int) -> None:
        whole = self.page.screenshot(full_page=True, clip={"x": 0, "y": top, "width": WIDTH, "height": height})
        found = self.darkroom.evaluate(FEWER_COLOURS, [base64.b64encode(whole).decode(), COLOURS])
        drawn = png(WIDTH, found["pixels"], found["palette"])
        if len(drawn) >= HEAVIEST:
            sys.exit(f"{name} weighs {len(drawn)} bytes: make it shorter (TALLEST)")
        (PICTURES / f"{name}.png").write_bytes(drawn)
        self.sizes.append({"name": name, "width": WIDTH, "height": height})
        print(f"{name}: {WIDTH} × {height}, {len(drawn)} bytes", flush=True)


def walk(camera: Camera) -> None:
    """The guide's way, in its order."""
    citizen = Citizen()
    camera.go("/portal/")
    camera.take("sign-in")
    before = len(camera.home.codes(citizen.mobile))
    camera.go("/portal/registration")
    camera.fill(citizen.step_one())
    camera.take("step-one")
    camera.press()
    code = camera.home.new_code(citizen.mobile, before)
    camera.page.reload()
    camera.fill({CODE: code})
    camera.take("step-two")
    camera.press()
    camera.take("step-three-empty")
    step_three(camera, citizen)
    camera.take("done")
    until(lambda: camera.home.results(citizen.mobile), what="the result")
    messages(camera)
    camera.fresh()
    camera.go("/portal/")
    camera.fill({"کد ملی": citizen.national_id, "گذرواژه": citizen.password})
    camera.press()
    camera.go("/portal/profile")
    camera.take("profile")


def step_three(camera: Camera, citizen: Citizen) -> None:
    """All of its pages, however many there are, until the tracking code."""
    picture = 1
    for _ in range(MOST_PARTS):
        camera.fill(citizen.step_three())
        picture = camera.take_form("step-three", picture)
        camera.press()
        if camera.page.locator(TRACKING_CODE).count():
            return
    sys.exit(f"no tracking code after {MOST_PARTS} pages of step three: {camera.page.locator('h1').first.inner_text()}")


def messages(camera: Camera) -> None:
    """What the guide shows of a second request with the same national ID, and of a wrong code."""
    for _ in range(2):
        camera.fresh()
        camera.go("/portal/registration")
        camera.fill(DUPLICATE.step_one())
        camera.press()
    camera.take("duplicate")
    camera.fill({CODE: "000000"})
    camera.press()
    camera.take("wrong-code")


@contextlib.contextmanager
def portal(folder: Path) -> Iterator[tuple[str, Home]]:
    """A demo, ready; afterwards it is ended and forgotten."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env |= {"PORTAL_HOME": str(folder / "home"), "PORT": str(port)}
    running = subprocess.Popen(["make", "run"], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, process_group=0)
    try:
        until(lambda: running.poll() is not None or is_ready(port), what="the demo", seconds=300)
        if running.poll() is not None:
            sys.exit("the demo did not start")
        yield f"http://127.0.0.1:{port}", Home(folder / "home", env)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGTERM)
            running.wait(60)


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder, portal(Path(folder)) as (url, home), sync_playwright() as playwright:
        program = os.environ.get("CHROMIUM") or "/usr/bin/chromium"
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        camera = Camera(browser, url, home)
        walk(camera)
        browser.close()
    SIZES.write_text(json.dumps(camera.sizes, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
