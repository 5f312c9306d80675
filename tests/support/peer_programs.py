"""Programs that nobody here wrote, started by tests: each in a process group of its own, with a log, on free ports.

A machine that lacks one skips its tests and says so; with PEERS=all in the environment, as in CI, they fail instead.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.live import wait_for

ANSWERS_WITHIN = 90  # seconds
ENDS_WITHIN = 5  # seconds, then it is killed
PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/lib/kannel/test")  # besides PATH


def need(program: str, package: str = "") -> str:
    """The path of `program`. Without it the test is skipped, or with PEERS=all fails."""
    found = shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), *PLACES)))
    if found is None:
        lacking(f"needs {program} (package {package or program})")
    return str(found)


def lacking(reason: str) -> None:
    """Skip for `reason`, or fail where every peer has to be there."""
    if os.environ.get("PEERS") == "all":
        pytest.fail(f"PEERS=all: {reason}")
    pytest.skip(reason)


class Program:
    """A running program. `log` is a file with what it says on stdout and stderr, over all its starts."""

    alive: list[Program] = []

    def __init__(
        self,
        folder: Path,
        name: str,
        command: Sequence[str],
        *,
        env: dict[str, str] | None = None,
        user: str = "",
        talks: bool = False,
    ) -> None:
        """With `talks` its stdin is held open, and `process.stdin` writes to it."""
        self.name, self.command, self.folder, self.env, self.user = name, list(command), folder, env, user
        self.stdin, self.started = subprocess.PIPE if talks else subprocess.DEVNULL, False
        self.log = folder / f"{name}.out"

    def start(self, answers: Callable[[], object] | None = None) -> Program:
        """Start it, and wait until it `answers`. AssertionError with its last words if it does not."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.env,
                stdin=self.stdin,
                stdout=out,
                stderr=out,
                user=self.user or None,
                process_group=0,
            )
        self.started = True
        Program.alive.append(self)
        if answers:
            self.until(answers)
        return self

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for what only a living program does. AssertionError with its last words if it ends or takes too long."""
        wait_for(lambda: self.process.poll() is not None or condition(), self.last_words, ANSWERS_WITHIN)
        assert self.process.poll() is None, f"{self.name} ended: {self.last_words()}"

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def last_words(self) -> str:
        return f"{self.name}: {self.said()[-3000:]}"

    def signal(self, number: int) -> None:
        """To all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def end(self) -> None:
        """Politely first. Nothing of it is left."""
        if self in Program.alive:
            Program.alive.remove(self)
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(ENDS_WITHIN)
        self.kill()

    def kill(self) -> None:
        """As a crash or a power cut: it may say nothing more."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections, and answers nothing."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)


@contextlib.contextmanager
def running(program: Program, answers: Callable[[], object] | None = None) -> Iterator[Program]:
    """`program`, started; afterwards nothing of it is left."""
    try:
        yield program.start(answers)
    finally:
        program.end()


def listens(port: int) -> bool:
    """Whether something takes connections at this port of the loopback."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
