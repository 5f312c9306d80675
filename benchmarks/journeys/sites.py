"""The sites that are compared, each behind a web server of its own over a database of its own; see `Site`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.databases import new_database
from benchmarks.journeys import people
from benchmarks.journeys.browser import Browser
from benchmarks.journeys.cpu import Meter, Spent
from benchmarks.journeys.people import Person
from benchmarks.journeys.statements import Listener, listening
from benchmarks.sms_world import ROOT, World, answers, until

THREADS = 4
OTHERS = ROOT / "build/providers/bin"  # the environment of what is not ours
SERVER = ["--worker-class=gthread", "--workers=1", f"--threads={THREADS}", "--keep-alive=5", "--no-control-socket"]


class Site:
    """A running web server: people register there, and what they cost is counted."""

    def __init__(self, port: int, meter: Meter, phone: people.Phone, journey: Callable[..., None]) -> None:
        self.port, self.meter, self.phone, self.journey = port, meter, phone, journey
        self.numbers = iter(range(10**9))

    def browser(self, person: Person, **sends: str) -> Browser:
        return Browser(self.port, person.address, **sends)

    def register(self, person: Person, **sends: str) -> None:
        browser = self.browser(person, **sends)
        self.journey(browser, person, self.phone)
        browser.close()

    def settle(self, registered: list[Person]) -> None:
        """What is done behind the web's back, for these people."""

    def next(self, count: int) -> list[Person]:
        return [Person(next(self.numbers)) for _ in range(count)]


class Portal(Site):
    """This portal, and a worker that is told when to work."""

    def __init__(self, world: World, meter: Meter, worker: Worker, listener: Listener | None) -> None:
        super().__init__(world.web_port, meter, worker.newest, people.register_at_portal)
        self.world, self.worker, self.listener = world, worker, listener

    def settle(self, registered: list[Person]) -> None:
        texts = self.worker.ask("match", [person.mobile for person in registered])
        if any(text[-6:].isdecimal() and "#" in text for text in texts):
            raise RuntimeError("no result came after the code")


class Worker:
    """The process that sends SMS and matches; its cost stands apart."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self.log = process, log
        self.lock, self.backend, self.spent = threading.Lock(), 0, Spent()
        self._answer()

    def newest(self, mobile: str) -> str:
        return self.ask("sms", [mobile])[0]

    def ask(self, what: str, mobiles: list[str]) -> list[str]:
        if self.process.stdin is None:
            raise TypeError("it is a pipe")
        with self.lock:
            self.process.stdin.write(json.dumps({"do": what, "mobiles": mobiles}) + "\n")
            self.process.stdin.flush()
            texts: list[str] = self._answer()["texts"]
        return texts

    def _answer(self) -> dict[str, Any]:
        if self.process.stdout is None:
            raise TypeError("it is a pipe")
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(self.log.read_text()[-3000:])
        answer: dict[str, Any] = json.loads(line)
        self.backend, self.spent = answer["backend"], Spent(answer["cpu"], answer["database"])
        return answer


# The portal.


class PortalHome:
    """A checkout's portal with its tables, its registry of people, and no process yet; sites are copies of it."""

    def __init__(self, root: Path, url: str, folder: Path) -> None:
        self.root, self.url, self.folder = root, url, folder


@contextlib.contextmanager
def prepared(root: Path, server: str, count: int) -> Iterator[PortalHome]:
    """`count` people are in the registry."""
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="portal-journey-")))
        (folder / "benchmarks").symlink_to(ROOT / "benchmarks")
        url = ends.enter_context(new_database(server, folder))
        for name, text in zip(("civil.csv", "owners.csv"), people.extracts(count), strict=True):
            (folder / name).write_text(text)
        home = PortalHome(root, url, folder)
        env = world_of(home, folder, url, {}).env
        for command, argument in {
            "migrate": "-v0",
            "load_civil_registry": str(folder / "civil.csv"),
            "load_mobile_owners": str(folder / "owners.csv"),
        }.items():
            line = [sys.executable, "manage.py", command, argument]
            done = subprocess.run(line, cwd=root, env=env, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(done.stderr[-3000:])
        yield home


def world_of(home: PortalHome, folder: Path, url: str, more: dict[str, str]) -> World:
    overrides = {
        "DJANGO_SETTINGS_MODULE": "benchmarks.journeys.portal_settings",
        "PYTHONPATH": f"{home.root}:{home.folder}",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "IDENTITY_OWNER_REGISTRIES": "local",
        "IDENTITY_PERSON_REGISTRIES": "local",
        "PGSSLMODE": "disable",
    }
    return World(folder, url, overrides | more, root=home.root)


@contextlib.contextmanager
def portal(home: PortalHome, *, hasher: str, listened: bool = False, **more: str) -> Iterator[Portal]:
    """`hasher`: "cheap", or "argon2" as it is shipped. `listened`: the web's statements are kept, by `Portal.listener`.
    One web process unless `more`, the environment, says otherwise."""
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="portal-journey-")))
        url = ends.enter_context(new_database(os.environ["DATABASE_URL"], folder, copy_of=home.url))
        world = world_of(home, folder, url, {"HASHER": hasher, "WEB_WORKERS": "1"} | more)
        ends.callback(world.end)
        world.start_redis()
        worker = ends.enter_context(portal_worker(world))
        listener = None
        if listened:
            listener, world.env["DATABASE_URL"] = ends.enter_context(listening(url))
        world.start_web()
        meter = Meter(world.processes["web"].pid, urlsplit(url).path[1:], world.processes["redis"].pid)
        meter.others = {worker.backend}
        yield Portal(world, meter, worker, listener)


@contextlib.contextmanager
def portal_worker(world: World) -> Iterator[Worker]:
    log = world.home / "the-worker.log"
    with log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-P", str(ROOT / "benchmarks/journeys/portal_worker.py")],
            **{
                "cwd": world.root,
                "env": world.env,
                "stdin": subprocess.PIPE,
                "stdout": subprocess.PIPE,
                "stderr": said,
            },
            text=True,
        )
    try:
        yield Worker(process, log)
    finally:
        process.communicate()  # it ends with its input


# The others.


@contextlib.contextmanager
def floor(*, hasher: str) -> Iterator[Site]:
    """`hasher`: "" or "argon2"."""
    with plain_site("floor_site", Path(sys.executable).parent, hasher) as (port, meter, _phones):
        yield Site(port, meter, str, people.register_at_floor)


@contextlib.contextmanager
def allauth(*, hasher: str) -> Iterator[Site]:
    """`hasher`: "cheap", "argon2" or "default"."""
    with plain_site("allauth_site", OTHERS, hasher) as (port, meter, phones):
        yield Site(port, meter, lambda mobile: (phones / mobile).read_text(), people.register_at_allauth)


@contextlib.contextmanager
def plain_site(module: str, programs: Path, hasher: str) -> Iterator[tuple[int, Meter, Path]]:
    """A project of `benchmarks/journeys` behind gunicorn's own threads, as anybody would start it."""
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="portal-journey-")))
        url = ends.enter_context(new_database(os.environ["DATABASE_URL"], folder))
        more = {"PHONES": str(folder), "HASHER": hasher, "PYTHONPATH": str(ROOT), "PGSSLMODE": "disable"}
        world = World(folder, url, more)
        world.env.pop("DJANGO_SETTINGS_MODULE")
        ends.callback(world.end)
        bound = f"--bind=127.0.0.1:{world.web_port}"
        program = f"benchmarks.journeys.{module}:application"
        world.start("web", [str(programs / "gunicorn"), "--config=/dev/null", *SERVER, bound, program])
        process = world.processes["web"]
        until(lambda: process.poll() is not None or answers(world.web_port), f"{module} does not start", 60)
        if process.poll() is not None:
            raise SystemExit(world.log("web")[-3000:])
        yield world.web_port, Meter(world.processes["web"].pid, urlsplit(url).path[1:], None), folder
