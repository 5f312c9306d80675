"""How long citizens wait for pages while 200 connections try passwords: with gunicorn's threads, and as configured.

    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/hashing.py

A real gunicorn with the real gunicorn.conf.py, in a database of its own. 200 connections send wrong passwords for many
IDs as fast as they are answered, each from an address of its own (behind a trusted proxy), so that neither the brake
nor a pause hides anything; they do not heed Retry-After. Beside them 20 citizens, with a pause as of a quick reader:
GET step one, POST it, GET step two, POST a wrong code. And one person on a trusted device signs in again and again.

"As it was" is gunicorn's own threads, and as many hashes as there are threads; "as it is" is what is configured. Both
in one run, in turn, each with and without the load. The load comes from a process of its own over raw sockets; it
shares the machine's cores with the server and the database, so the times are worse than with strangers elsewhere.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import databases
from tests.support.citizens import mobile, national_id

ARMS = {
    "as it was": {"GUNICORN_CMD_ARGS": "--worker-class=gthread", "HASHING_PLACES": "9999"},
    "as it is": {},
}
CSRF = "a" * 32
STEP_ONE, SIGN_IN = "/portal/registration", "/portal/"
PASSWORD, TRUSTED_ID = "Abcdefg1!", national_id(999_999)
AIM = 0.300  # seconds, of the slowest twentieth
Times = dict[str, list[float]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--citizens", type=int, default=20)
    parser.add_argument("--load", type=int, help="(the process of the load: the port)")
    given = parser.parse_args()
    if given.load:
        print(json.dumps(asyncio.run(Load(given.load).run(given.connections, given.seconds))))
        return 0
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()  # what starts a portal reads the demo's people
    return compare(given)


def compare(given: argparse.Namespace) -> int:
    found: dict[tuple[str, bool], Times] = {}
    for number, arm in itertools.product(range(given.rounds), ARMS):
        for loaded in (False, True):
            times, answers = measure(arm, given, loaded=loaded)
            for kind, taken in times.items():
                found.setdefault((arm, loaded), {}).setdefault(kind, []).extend(taken)
            print(f"round {number + 1}, {arm}, {'loaded' if loaded else 'alone'}: {told(times, answers)}", flush=True)
    good = True
    for kind in ("GET", "POST", "trusted"):
        p95 = {key: percentiles(times[kind])[1] for key, times in found.items()}
        was, is_, alone = p95["as it was", True], p95["as it is", True], p95["as it is", False]
        good &= kind == "trusted" or is_ < AIM
        print(f"{kind}: p95 under the load {is_ * 1000:.0f} ms; {is_ / was:.3f} × as it was; {is_ / alone:.1f} × alone")
    return 0 if good else 1


def measure(arm: str, given: argparse.Namespace, *, loaded: bool) -> tuple[Times, dict[str, float]]:
    """The seconds of each answer to the citizens, and the answers a second to the load, by status."""
    with started(ARMS[arm]) as portal:
        return asyncio.run(citizens(portal.port, given, loaded=loaded))


@contextlib.contextmanager
def started(more: dict[str, str]) -> Iterator[Any]:
    from tests.support.live_web import web

    folder = Path(tempfile.mkdtemp(prefix="portal-hashing-"))
    try:
        with (
            databases.migrated(os.environ.get("DATABASE_URL", ""), folder) as url,
            web(folder, DATABASE_URL=url, TRUSTED_PROXIES="127.0.0.0/8", **more) as portal,
        ):
            make_trusted(portal)
            yield portal
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_trusted(portal: Any) -> None:
    """An account for who signs in on a trusted device."""
    program = f"from tests.support.accounts import citizen\ncitizen(national_id={TRUSTED_ID!r}, password={PASSWORD!r})"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", program]
    subprocess.run(command, env=portal.env, check=True, capture_output=True)


async def citizens(port: int, given: argparse.Namespace, *, loaded: bool) -> tuple[Times, dict[str, float]]:
    times: Times = {"GET": [], "POST": [], "trusted": [], "trusted, refused": []}
    trusted = Browser(port, 1)
    await trusted.sign_in(remember="on")
    load = None
    if loaded:
        command = [__file__, f"--load={port}", f"--seconds={given.seconds + 2}", f"--connections={given.connections}"]
        load = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
        await asyncio.sleep(2)
    ends = time.monotonic() + given.seconds
    numbers = itertools.count(1)
    people = [journeys(port, numbers, times, ends) for _ in range(given.citizens)]
    await asyncio.gather(*people, sign_ins(trusted, times, ends))
    answers = json.loads((await load.communicate())[0]) if load else {}
    return times, {status: count / (given.seconds + 2) for status, count in answers.items()}


async def journeys(port: int, numbers: Iterator[int], times: Times, ends: float) -> None:
    await asyncio.sleep(random.random())  # noqa: S311 - no secret
    while time.monotonic() < ends:
        number = next(numbers)
        browser = Browser(port, number + 10)
        one = {"mobile-national_id": national_id(number), "mobile-operator": "mci", "mobile-mobile": mobile(number)}
        await browser.step(times, "GET", 200)
        await browser.step(times, "POST", 302, one | {"registration_wizard-current_step": "mobile", "mobile-draft": ""})
        page = await browser.step(times, "GET", 200)
        draft = re.findall(r'name="code-draft"[^>]*value="([^"]+)"', page)[0]
        two = {"code-code": "000000", "code-draft": draft, "registration_wizard-current_step": "code"}
        await browser.step(times, "POST", 200, two)


async def sign_ins(browser: Browser, times: Times, ends: float) -> None:
    """Again and again on the trusted device, each time in a session of its own."""
    while time.monotonic() < ends:
        browser.cookies.pop("sessionid", None)
        status, took = await browser.sign_in()
        times["trusted" if status == 302 else "trusted, refused"].append(took)
        await asyncio.sleep(0.5)


class Browser:
    """One browser behind a proxy: cookies, an address of its own, a connection for each request."""

    def __init__(self, port: int, number: int) -> None:
        self.port, self.address = port, f"10.1.{number >> 8 & 255}.{number & 255}"
        self.cookies = {"csrftoken": CSRF}

    async def step(self, times: Times, method: str, expected: int, form: dict[str, str] | None = None) -> str:
        status, page, took = await self.ask(method, STEP_ONE, form)
        if status != expected:
            raise SystemExit(f"{method} of a step was answered with {status}: the times would say nothing")
        times[method].append(took)
        await asyncio.sleep(0.3 + 0.4 * random.random())  # noqa: S311 - no secret
        return page

    async def sign_in(self, **more: str) -> tuple[int, float]:
        typed = {"national_id": TRUSTED_ID, "password": PASSWORD}
        status, _, took = await self.ask("POST", SIGN_IN, typed | more)
        return status, took

    async def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str, float]:
        """The status, the page, and the seconds until it was here."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        began = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request(method, path, self.address, cookies, form, keep=False))
        answer = (await reader.read()).decode()
        writer.close()
        head, _, page = answer.partition("\r\n\r\n")
        for name, value in re.findall(r"(?im)^Set-Cookie:\s*([^=]+)=([^;\r]*)", head):
            self.cookies[name] = value
        self.cookies["csrftoken"] = CSRF
        return int(head.split()[1]), page, time.perf_counter() - began


class Load:
    """Connections that try passwords as fast as they are answered."""

    def __init__(self, port: int) -> None:
        self.port, self.answers = port, Counter[str]()
        self.numbers = itertools.count(2_000_000)

    async def run(self, connections: int, seconds: float) -> Counter[str]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(self.tries() for _ in range(connections)))
        return self.answers

    async def tries(self) -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self.one_after_the_other(reader, writer)
            writer.close()

    async def one_after_the_other(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            number = next(self.numbers)
            typed = {"national_id": national_id(number), "password": "Wrong1234"}
            address = f"10.{2 + (number >> 16 & 127)}.{number >> 8 & 255}.{number & 255}"
            writer.write(request("POST", SIGN_IN, address, f"csrftoken={CSRF}", typed, keep=True))
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            self.answers[head[9:12].decode()] += 1


def request(method: str, path: str, address: str, cookies: str, form: dict[str, str] | None, *, keep: bool) -> bytes:
    body = urlencode(form | {"csrfmiddlewaretoken": CSRF}) if form else ""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"X-Forwarded-For: {address}",
        f"Cookie: {cookies}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        f"Connection: {'keep-alive' if keep else 'close'}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def percentiles(taken: list[float]) -> tuple[float, float]:
    """The median, and what the slowest twentieth took at least."""
    if len(taken) < 2:
        return (taken * 2 + [float("nan")] * 2)[0], (taken * 2 + [float("nan")] * 2)[1]
    cut = quantiles(taken, n=20)
    return cut[9], cut[18]


def told(times: Times, answers: dict[str, float]) -> str:
    each = []
    for kind, taken in times.items():
        if taken:
            middle, slow = percentiles(taken)
            each.append(f"{kind} {len(taken)} × p50 {middle * 1000:.0f} p95 {slow * 1000:.0f} ms")
    load = ", ".join(f"{status}: {count:.0f}/s" for status, count in sorted(answers.items()))
    return "; ".join(each) + (f"; the load was answered {load}" if load else "")


if __name__ == "__main__":
    sys.exit(main())
