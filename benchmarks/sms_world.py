"""A portal of real processes for one fault: Redis, Celery workers, beat, web, gateways, all on the loopback.

Every process that a `World` starts has its home in the environment and ends with the process that made the
`World`, so that nothing is left however a run ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

from ready import is_ready  # noqa: E402
from serve import MARK, interrupt_once, running  # noqa: E402

CELERY = str(Path(sys.executable).with_name("celery"))
TIED = [sys.executable, str(ROOT / "tools/tied.py")]
STARTS_WITHIN = 60.0  # seconds


class Late(Exception):
    """Something did not happen in its time; the text says what."""


class World:
    """The processes of one portal by name, and the environment they share. All its files are in `home`, its code in
    `root`."""

    def __init__(self, home: Path, database: str, overrides: dict[str, str], *, root: Path = ROOT) -> None:
        self.home, self.root = home, root
        self.redis_port, self.web_port = free_port(), free_port()
        self.gateway_ports: dict[str, int] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, list[str]] = {}  # what is started again when it ends
        self.restarts: Counter[str] = Counter()
        self.over = threading.Event()
        self.supervisor = threading.Thread(target=self._supervise, daemon=True)
        kept = ("PATH", "HOME", "LANG")
        self.env = {name: os.environ[name] for name in kept if name in os.environ} | {
            MARK: str(self.home),
            "PORTAL_HOME": str(self.home),
            "PORTAL_MODE": "demo",
            "PORT": str(self.web_port),
            "SECRET_KEY": secrets.token_urlsafe(50),
            "CODE_HASH_KEY": secrets.token_urlsafe(50),
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": "benchmarks.sms_settings",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'tools'}",
            "PYTHONUNBUFFERED": "1",
            **overrides,
        }

    # Processes.

    def start(self, name: str, command: list[str], *, again: bool = False) -> subprocess.Popen[bytes]:
        """Run `command` in a process group of its own. `again`: and once more whenever it ends."""
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*TIED, *command],
                cwd=self.root,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        if again:
            self.commands[name] = command
            if not self.supervisor.is_alive():
                self.supervisor.start()
        return self.processes[name]

    def _supervise(self) -> None:
        """Start again what ended, as supervisord does in `make run` and a container's restart policy elsewhere."""
        while not self.over.wait(0.3):
            for name, command in list(self.commands.items()):
                if name in self.commands and self.processes[name].poll() is not None:
                    self.restarts[name] += 1
                    self.start(name, command)

    def kill(self, name: str) -> None:
        """SIGKILL `name` and its children, and wait for it. The supervisor's are back soon."""
        process = self.processes[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self, name: str) -> None:
        """End `name` for good."""
        self.commands.pop(name, None)
        self.kill(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        os.kill(self.processes[name].pid, number)

    def log(self, name: str) -> str:
        return (self.home / f"{name}.log").read_text(errors="replace")

    def start_redis(self) -> None:
        """A Redis that forgets everything when it ends."""
        program = shutil.which("redis-server") or str(
            next(ROOT.glob(".venv/lib/python*/site-packages/**/redis-server"))
        )
        settings = {
            "port": str(self.redis_port),
            "bind": "127.0.0.1",
            "dir": str(self.home),
            "save": "",
            "appendonly": "no",
        }
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self.start("redis", [program, *options])
        until(lambda: answers(self.redis_port), "Redis does not start", STARTS_WITHIN)

    def start_worker(
        self, name: str = "worker", *, queue: str = "sms", pool: str = "threads", app: str = "tamin_portal"
    ) -> None:
        """A Celery worker as tools/serve.py starts it."""
        self._begin_worker(name, queue, pool, app)
        self._await_worker(name)

    def _begin_worker(self, name: str, queue: str, pool: str, app: str = "tamin_portal") -> None:
        options = ["--without-gossip", "--without-mingle", "--loglevel=INFO", f"--pool={pool}", "--concurrency=2"]
        command = [CELERY, "-A", app, "worker", *options, f"--queues={queue}", f"--hostname={name}@faults"]
        self.start(name, command, again=True)

    def _await_worker(self, name: str) -> None:
        until(lambda: " ready." in self.log(name), f"{name} does not start: {self.log(name)[-800:]}", STARTS_WITHIN)

    def start_beat(self) -> None:
        options = [f"--schedule={self.home / 'beat'}", "--pidfile=", "--loglevel=INFO"]
        self.start("beat", [CELERY, "-A", "tamin_portal", "beat", *options], again=True)

    def start_web(self) -> None:
        self.start("web", [str(Path(sys.executable).with_name("gunicorn"))], again=True)
        until(lambda: is_ready(self.web_port), f"the web does not start: {self.log('web')[-800:]}", STARTS_WITHIN)

    def start_all(self, *, pool: str = "threads") -> None:
        """All but the web, which few faults need: `worker` sends, `receipts` hears what became of it."""
        self.start_redis()
        self.start_beat()
        self._begin_worker("worker", "sms", pool)
        self._begin_worker("receipts", "receipts", "threads")
        self._await_worker("worker")
        self._await_worker("receipts")

    # Gateways.

    def configure_gateway(self, name: str, *, kind: str, connections: int = 20, receipts: bool = False) -> int:
        """The portal's next gateway, in order; its port, where nobody listens yet."""
        port = self.gateway_ports[name] = free_port()
        self.env["SMS_GATEWAYS"] = ",".join(self.gateway_ports)
        options = {"KIND": kind} | gateway_options(kind, port, connections)
        if receipts and kind == "http":
            token = secrets.token_urlsafe(32)
            ours = f"http://127.0.0.1:{self.web_port}/sms/receipts/{name}/{token}/?status=%d"
            options |= {"RECEIPT_TOKENS": token, "RECEIPT_URL": ours, "URL": options["URL"] + "&dlr-url={receipt_url}"}
        self.env |= {f"SMS_{name.upper()}_{option}": value for option, value in options.items()}
        return port

    def start_gateway(
        self, name: str, *, kind: str, connections: int = 20, again: bool = False, receipts: str = "", **manner: object
    ) -> None:
        """A stub gateway that logs submissions into `home`; configured for the processes started after it.

        `manner`: the stub's behaviour, delay and late. `again`: it is started again whenever it ends.
        """
        port = self.configure_gateway(name, kind=kind, connections=connections, receipts=bool(receipts))
        log = self.home / f"{name}.submissions"
        log.touch()
        options = {"kind": kind, "port": port, "receipts": receipts or "once", "log": log, **manner}
        written = [part for option, value in options.items() for part in (f"--{option}", str(value))]
        self.start(name, [sys.executable, "-m", "tests.support.sms_stubs", *written], again=again)
        until(lambda: answers(port), f"gateway {name} does not start: {self.log(name)[-800:]}", STARTS_WITHIN)

    def ask_gateway(self, name: str, question: str) -> dict[str, int]:
        """What the stub `name` answers: "summary", or "behaviour?set=ok" for its next submissions."""
        url = f"http://127.0.0.1:{self.gateway_ports[name]}/_stub/{question}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            counts: dict[str, int] = json.loads(answer.read())
        return counts

    # Its end.

    def end(self) -> None:
        """No process of it is left."""
        self.over.set()
        if self.supervisor.is_alive():
            self.supervisor.join(10)
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # also one that SIGSTOP holds
            process.wait(10)
        sweep(self.home)


def gateway_options(kind: str, port: int, connections: int) -> dict[str, str]:
    """The settings of a gateway of `kind` on the loopback: what stands after SMS_<NAME>_."""
    url, at_once = f"http://127.0.0.1:{port}", str(connections)
    return {
        "kavenegar": {"URL": url, "KEY": "stub-key", "SENDER": "10001000", "CONNECTIONS": at_once},
        "http": {"URL": f"{url}/send?id={{id}}&to={{to}}&text={{text}}", "CONNECTIONS": at_once},
        "smpp": {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "SYSTEM_ID": "portal",
            "PASSWORD": "stub",
            "SENDER": "1000",
            "WINDOW": at_once,
        },
    }[kind]


def sweep(home: Path) -> None:
    """End every process that carries this home's mark."""
    with contextlib.suppress(Late):
        until(lambda: not [kill_if_there(pid) for pid in running(home)], "processes do not end", 10)


def kill_if_there(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def end_politely() -> None:
    """SIGTERM and Ctrl-C end this program as KeyboardInterrupt, once: told again (a terminal tells the whole group,
    and a parent its child), it goes on cleaning up."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt_once)


def until(condition: Callable[[], object], what: str, seconds: float, *, every: float = 0.05) -> float:
    """Wait until `condition`; the seconds it took. Raises Late(`what`)."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise Late(f"{what} (waited {seconds:.0f} s)")
        time.sleep(every)
    return time.monotonic() - began


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
