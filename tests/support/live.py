"""A real portal for tests: `make run` in a temporary home, the people who use it, and what its database holds."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from identity.registries.demo import CITIZENS, DemoCitizen
from tests.support import citizens
from tests.support.command_process import CommandProcess
from tests.support.paths import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import setup
from ready import is_ready
from serve import running
from walker import Citizen, Home, Lost, Person, register, sign_in, step_one, step_three, step_two, until

__all__ = [
    "Citizen",
    "Home",
    "Lost",
    "Person",
    "Portal",
    "is_ready",
    "register",
    "running",
    "sign_in",
    "step_one",
    "step_three",
    "step_two",
    "until",
]
LIMIT = 90  # seconds any wait may take


def inherited() -> dict[str, str]:
    """What a portal of a test sees of this process's environment: none of its settings."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


class QuickHome(Home):
    """A home whose commands are run by a process that stays."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        super().__init__(folder, env)
        self.commands = CommandProcess(self.env | {"DJANGO_SETTINGS_MODULE": "tamin_portal.settings"})

    def manage(self, *arguments: str) -> str:
        printed, failed = self.commands.run(arguments)
        if failed is not None:
            raise Lost(f"manage.py {arguments[0]}: {failed[-500:]}")
        return printed

    def close(self) -> None:
        self.commands.end()


class Portal:
    """One `make run` in a process group of its own, as a terminal would start it."""

    def __init__(self, home: Path, port: int, env: dict[str, str] | None = None) -> None:
        self.folder, self.port, self.printed = home, port, home.parent / f"{home.name}.{port}.out"
        self.url = f"http://127.0.0.1:{port}"
        self.home = QuickHome(home, inherited() | (env or {}))
        with self.printed.open("w") as out:
            self.make = subprocess.Popen(
                ["make", "run"],
                cwd=ROOT,
                env=self.home.env | {"PORT": str(port)},
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                process_group=0,
            )

    def said(self) -> str:
        return self.printed.read_text()

    def until_ready(self) -> Portal:
        wait_for(lambda: "ready: " in self.said() or self.make.poll() is not None, self.said)
        assert "ready: " in self.said(), self.said()
        return self

    def ends(self) -> str:
        """Wait for its end; what it printed."""
        self.make.wait(LIMIT)
        return self.said()

    def service(self) -> str:
        """Where the demo's own service answers, as it was printed."""
        [address] = re.findall(r"^Demo service (http://\S+)/", self.said(), re.MULTILINE)
        return str(address)

    def signal_group(self, number: int) -> None:
        os.killpg(self.make.pid, number)

    def log(self, program: str) -> str:
        return (self.folder / f"logs/{program}.log").read_text(errors="replace")

    def pid_of(self, program: str) -> int:
        """The process that supervisord last started for `program`."""
        return int(re.findall(rf"spawned: '{program}' with pid (\d+)", self.log("supervisord"))[-1])

    def pid_of_supervisor(self) -> int:
        return int((self.folder / "run/supervisord.pid").read_text())

    def person(self) -> Person:
        """Somebody with a fresh browser."""
        return Person(self.url, self.home)

    def ask(self, expression: str) -> Any:
        """What a Python expression over `Registration`, `Message`, `Inbox`, `User` is, from its database."""
        program = (
            "import json\nfrom registration.models import Registration, Event\nfrom sms.models import Message\n"
            "from sms.models import InboxMessage as Inbox\nfrom accounts.models import User, OneTimeCode\n"
            f"print(json.dumps({expression}))"
        )
        return json.loads(self.home.manage("shell", "--no-imports", "-c", program))

    def minute_passes(self) -> None:
        """A number that got a code may ask for another one, and pauses are over, as if a minute had gone by."""
        imports = "from datetime import timedelta\nfrom tests.support.journeys import let_pass\n"
        self.home.manage("shell", "--no-imports", "-c", f"{imports}let_pass(timedelta(seconds=61))")


def make_home(home: Path) -> None:
    """Leave a home as the first `make run` leaves it, without a run."""
    setup.make_home(home)
    setup.write_home(home)
    with contextlib.closing(QuickHome(home, inherited())) as made:
        made.manage("migrate", "--noinput", "-v0")
        made.manage("prepare_demo")


@contextmanager
def run(home: Path, port: int | None = None, env: dict[str, str] | None = None) -> Iterator[Portal]:
    """A started portal; afterwards nothing of it is left."""
    portal = Portal(home, port or free_port(), env)
    try:
        yield portal
    finally:
        portal.home.close()
        if portal.make.poll() is None:
            portal.signal_group(signal.SIGTERM)
            portal.make.wait(LIMIT)
        for pid in running(home):
            os.kill(pid, signal.SIGKILL)


def wait_for(condition: Callable[[], object], said: Callable[[], str] = str, seconds: float = LIMIT) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"waited {seconds} s: {said()}"
        time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def citizen_of(person: DemoCitizen) -> Citizen:
    """What this demo citizen types."""
    names = Citizen.__dataclass_fields__
    typed = {name: getattr(person, name) for name in names if hasattr(person, name)}
    return Citizen(**typed | {"birth_date": person.born})


def demo(plot: str) -> Citizen:
    """The demo citizen of this plot."""
    return citizen_of(next(person for person in CITIZENS if person.plot == plot))


def somebody(number: int) -> Citizen:
    """Made-up citizen `number`, whom no extract knows: valid input, and in the end a branch."""
    return Citizen(national_id=citizens.national_id(number), mobile=citizens.mobile(number), operator="ایرانسل")
