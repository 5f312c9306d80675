"""The web alone, as supervisord and the containers start it: gunicorn with gunicorn.conf.py, over a demo's database."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.live import LIMIT, free_port, wait_for
from tests.support.paths import ROOT


class Web:
    """A running web. `home`: its settings and, without DATABASE_URL, its database."""

    def __init__(self, home: Path, port: int, env: dict[str, str]) -> None:
        self.home, self.port, self.env = home, port, env
        self.log = home / "web.log"

    def start(self) -> None:
        with self.log.open("a") as out:
            command = [str(Path(sys.executable).with_name("gunicorn"))]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=out, stderr=out)
        wait_for(lambda: self.process.poll() is not None or self.answers(), self.log.read_text)
        assert self.process.poll() is None, self.log.read_text()

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=LIMIT) as page:
                return page.status == 200
        except (urllib.error.URLError, ConnectionError):
            return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(LIMIT)


def environment(home: Path, port: int, more: dict[str, str]) -> dict[str, str]:
    """A demo's, with keys of its own and no Redis."""
    return {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG", "DATABASE_URL") if name in os.environ},
        "PORTAL_MODE": "demo",
        "PORTAL_HOME": str(home),
        "PORT": str(port),
        "SECRET_KEY": "tests-only-" + "x" * 50,
        "CODE_HASH_KEY": "tests-only-" + "y" * 50,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PYTHONUTF8": "1",
        **more,
    }


@contextmanager
def web(home: Path, **more: str) -> Iterator[Web]:
    """A started web on SQLite in `home`, or on the DATABASE_URL among `more`; afterwards it is stopped."""
    port = free_port()
    env = environment(home, port, more)
    if "DATABASE_URL" not in more:
        env.pop("DATABASE_URL", None)
    for command in (["migrate", "-v0"], ["prepare_demo", "--url", f"http://127.0.0.1:{port}"]):
        subprocess.run(
            [sys.executable, "manage.py", *command], cwd=ROOT, env=env, check=True, capture_output=True, timeout=LIMIT
        )
    started = Web(home, port, env)
    started.start()
    try:
        yield started
    finally:
        started.stop()
