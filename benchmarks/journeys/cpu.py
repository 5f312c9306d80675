"""CPU time of processes and of the PostgreSQL backends that serve a database. Linux, a server on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Spent:
    """CPU seconds, user and system, of all threads."""

    web: float = 0.0
    database: float = 0.0
    redis: float = 0.0

    def __sub__(self, earlier: Spent) -> Spent:
        return Spent(self.web - earlier.web, self.database - earlier.database, self.redis - earlier.redis)

    def __truediv__(self, count: float) -> Spent:
        return Spent(self.web / count, self.database / count, self.redis / count)

    @property
    def whole(self) -> float:
        return self.web + self.database + self.redis


class Meter:
    """What a web server (a process and its children), its database's backends and its Redis have spent."""

    def __init__(self, web: int, database: str, redis: int | None) -> None:
        self.web, self.database, self.redis = web, database, redis
        self.others: set[int] = set()  # backends of somebody else: the worker's
        self._backends: dict[int, float] = {}  # also of those that have ended

    def read(self) -> Spent:
        """Since they began. A backend that ended is counted up to the reading before, so read now and then."""
        self._backends |= {pid: of_process(pid) for pid in backends(self.database) if pid not in self.others}
        web = sum(map(of_process, family(self.web)))
        return Spent(web, sum(self._backends.values()), of_process(self.redis) if self.redis else 0.0)


def of_process(pid: int) -> float:
    """Seconds on a processor of all its threads that live; 0 if it has ended."""
    spent = 0
    with contextlib.suppress(OSError):
        for thread in (PROC / str(pid) / "task").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                spent += int((thread / "schedstat").read_text().split()[0])
    return spent / 1e9


def family(pid: int) -> list[int]:
    """The process and all below it."""
    found, of = [pid], children()
    for each in found:
        found += of.get(each, [])
    return found


def children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for each in processes():
        with contextlib.suppress(OSError, IndexError, ValueError):
            parent = int((PROC / str(each) / "stat").read_text().rpartition(")")[2].split()[1])
            found.setdefault(parent, []).append(each)
    return found


def backends(database: str) -> list[int]:
    """By their titles: `postgres: cluster: user database client state`."""
    found = []
    for pid in processes():
        with contextlib.suppress(OSError):
            title = (PROC / str(pid) / "cmdline").read_bytes()
            if title.startswith(b"postgres: ") and f" {database} ".encode() in title:
                found.append(pid)
    return found


def processes() -> Iterable[int]:
    return [int(folder.name) for folder in PROC.iterdir() if folder.name.isdecimal()]


def resident(pid: int) -> float:
    """MB that a process has in memory; 0 if it has ended."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0
