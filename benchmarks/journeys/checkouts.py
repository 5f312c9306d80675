"""This checkout's portal beside another one's, for `journey.py --against`: both on this program's Python.

The other one may be laid out otherwise: only URLs, names of tasks and `sms.models` are known here.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.journeys import sites, turns
from benchmarks.journeys.statements import of_rows
from benchmarks.journeys.turns import median
from benchmarks.sms_world import ROOT

BOUND = 1.03  # of the other checkout's
WARM_UP = 5  # people before the first count of instructions


def compare(other: Path, own: Path, given: argparse.Namespace) -> bool:
    """Whether this checkout costs no more than it may."""
    people = 2 * (given.people + turns.WARM_UP) * (given.rounds + 1) + given.instructions
    with contextlib.ExitStack() as ends:
        server = os.environ["DATABASE_URL"]
        homes = [ends.enter_context(sites.prepared(root, server, people)) for root in (other, own)]
        good = instructions(homes, given.instructions) if given.instructions else by_the_clock(homes, given)
        if given.starts:
            starts(homes, given.starts)
    return good


def by_the_clock(homes: list[sites.PortalHome], given: argparse.Namespace) -> bool:
    good = True
    with contextlib.ExitStack() as ends:
        for hasher in ("cheap", "argon2"):
            both = [ends.enter_context(sites.portal(home, hasher=hasher)) for home in homes]
            for site in both:
                turns.newcomers(site, turns.WARM_UP)
            works: dict[str, Any] = {
                f"journey {number}": (lambda site=site: turns.journeys(site, given.people))
                for number, site in enumerate(both)
            }
            if hasher == "cheap":
                works |= {
                    f"sign-in {number}": (lambda site=site: turns.sign_ins(site, given.people))
                    for number, site in enumerate(both)
                }
            took = turns.rounds(works, given.rounds)
            for what in sorted({name.split()[0] for name in took}):
                good &= judged(f"{what}, {hasher} hash", took[f"{what} 0"], took[f"{what} 1"])
    counts = [statements(home) for home in homes]
    print(f"statements of a journey, without transaction control: {counts[0]} → {counts[1]}")
    return good and counts[1] <= counts[0]


def judged(name: str, before: list[sites.Spent], now: list[sites.Spent]) -> bool:
    """Print it; whether it is within the bound."""
    for part in ("web", "database", "whole"):
        old, new = ([1000 * getattr(each, part) for each in spent] for spent in (before, now))
        ratios = [ours / theirs for ours, theirs in zip(new, old, strict=True)]
        low, _middle, high = statistics.quantiles(ratios, n=4)
        quartiles = f"(quartiles {low:.3f} to {high:.3f})"
        print(
            f"{name:22} {part:9} {median(old):7.2f} → {median(new):7.2f} ms: {median(ratios):.3f} {quartiles}",
            flush=True,
        )
    return median(ratios) <= BOUND


def statements(home: sites.PortalHome) -> int:
    with sites.portal(home, hasher="cheap", listened=True) as site:
        turns.newcomers(site, turns.WARM_UP)
        works = ((lambda p=person: site.register(p)) for person in site.next(WARM_UP))
        return of_rows(turns.statements_of(site, works))


def instructions(homes: list[sites.PortalHome], people: int) -> bool:
    """Of a registration and a sign-in together, without a web server, by two runs of each checkout that differ in the
    people only."""
    each = []
    for home in homes:
        base = counted(home, (0, WARM_UP))
        each.append((counted(home, (WARM_UP, WARM_UP), (2 * WARM_UP, people)) - base) / people / 1e6)
        print(f"{home.root}: to the first person {base / 1e9:.2f} thousand million, a person {each[-1]:.2f} million")
    ratio = each[1] / each[0]
    print(f"instructions of a registration and a sign-in: {ratio:.3f}")
    return ratio <= BOUND


def counted(home: sites.PortalHome, *asked: tuple[int, int]) -> int:
    """What valgrind counts of a process in which these people register and sign in, and which then ends."""
    report = home.folder / "counted"
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={report}"]
    program = [sys.executable, "-P", str(ROOT / "benchmarks/journeys/in_process.py")]
    lines = "".join(f"{first} {count}\n" for first, count in asked)
    env = sites.world_of(home, home.folder, home.url, {}).env
    done = subprocess.run([*valgrind, *program], cwd=home.root, env=env, input=lines, text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return int(report.read_text().rpartition("summary: ")[2].split()[0])


def starts(homes: list[sites.PortalHome], count: int) -> None:
    """`manage.py check`: what a process costs that loads the whole portal."""
    seen: list[list[tuple[float, float]]] = [[], []]
    for number in range(count):
        for which in (0, 1) if number % 2 else (1, 0):
            seen[which].append(check(homes[which]))
    for what, unit, column in (("CPU", "s", 0), ("memory", "MB", 1)):
        old, new = ([start[column] for start in each] for each in seen)
        ratio = median(ours / theirs for ours, theirs in zip(new, old, strict=True))
        print(f"manage.py check, {what}: {median(old):.2f} → {median(new):.2f} {unit}: {ratio:.3f}")


def check(home: sites.PortalHome) -> tuple[float, float]:
    """CPU seconds and MB of one."""
    env = sites.world_of(home, home.folder, home.url, {}).env
    command = [sys.executable, "manage.py", "check"]
    process = subprocess.Popen(command, cwd=home.root, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _pid, process.returncode, usage = os.wait4(process.pid, 0)
    if process.returncode:
        raise SystemExit(f"manage.py check fails in {home.root}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
