"""A load that is killed from outside, in its own process: the extract in use stays, and what is left is purged."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from benchmarks import databases, extract_lines
from benchmarks.sms_world import ROOT, until

pytestmark = pytest.mark.faults
FIRST, SECOND, ENOUGH = 500, 40_000, 2_000_000  # people, and bytes: batches are written, and not all are


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """A database of its own, with FIRST people in use."""
    with databases.migrated(os.environ.get("DATABASE_URL", ""), tmp_path) as url:
        one = Installation(tmp_path, url)
        loading = one.load()
        loading.communicate(one.people(0, FIRST), timeout=120)
        assert loading.returncode == 0
        yield one


@pytest.mark.parametrize(
    ("how", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGTERM, 130), (signal.SIGINT, 130)]
)
def test_a_killed_load_changes_nothing_and_what_it_left_is_purged(
    installation: Installation, how: signal.Signals, code: int
) -> None:
    loading = installation.load()
    try:
        loading.stdin.write(installation.people(FIRST, SECOND)[:ENOUGH])
        loading.stdin.flush()
        until(lambda: installation.count("civilrecord") > FIRST, "no batch is written", 120)
        loading.send_signal(how)
        _out, said = loading.communicate(timeout=60)
    finally:
        loading.kill()
    assert loading.returncode == code
    assert (how is signal.SIGKILL) == (said == b"")
    assert installation.in_use() == FIRST
    installation.run("UPDATE identity_extract SET touched_at = '2001-01-01 00:00:00+00:00' WHERE state = 'loading'")
    installation.manage("purge")
    assert (installation.count("civilrecord"), installation.count("extract")) == (FIRST, 1)


class Installation:
    def __init__(self, home: Path, url: str) -> None:
        self.url = url
        self.env = {"PATH": os.environ["PATH"], "PORTAL_HOME": str(home), "PORTAL_MODE": "demo", "SECRET_KEY": "x" * 50}
        self.env |= {"DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1/0"}

    @staticmethod
    def people(first: int, count: int) -> bytes:
        return (extract_lines.CIVIL + "".join(map(extract_lines.person, range(first, first + count)))).encode()

    def load(self) -> subprocess.Popen[Any]:
        command = [sys.executable, str(ROOT / "manage.py"), "load_civil_registry", "-"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.env, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe)

    def manage(self, *arguments: str) -> None:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        subprocess.run(command, env=self.env, cwd=ROOT, check=True, timeout=120, capture_output=True)

    def run(self, statement: str) -> list[Any]:
        if self.url.startswith("postgres"):
            connection: Any = psycopg2.connect(self.url)
        else:
            connection = sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=30)
        with contextlib.closing(connection):
            cursor = connection.cursor()
            cursor.execute(statement)
            found = cursor.fetchall() if cursor.description else []
            connection.commit()
            return found

    def count(self, table: str) -> int:
        return self.run(f"SELECT count(*) FROM identity_{table}")[0][0]

    def in_use(self) -> int:
        return self.run(
            "SELECT count(*) FROM identity_civilrecord r JOIN identity_extract e ON e.id = r.extract_id "
            "WHERE e.state = 'current'"
        )[0][0]
