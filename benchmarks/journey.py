"""CPU of a registration and of a sign-in, from the first page to the last, here and in another checkout.

    .venv/bin/python benchmarks/journey.py --against ../before                     # SQLite; DATABASE_URL: PostgreSQL
    .venv/bin/python benchmarks/journey.py --against ../before --instructions 20   # counted by valgrind; minutes

A registration: the pages of the three steps, the drains of SMS into the inbox, matching against the imported extract,
the approval and its SMS. A sign-in: page, password, home, sign-out. Each checkout has a process and a database of its
own, and their rounds take turns. Both run on this program's Python, and with cheap hashes: what Argon2id takes is no
code of ours. The other checkout may be laid out otherwise: see `journey_worker.py`.

Counted is the CPU time of the process (user and system, all threads), not PostgreSQL's; the statements of one journey,
without what is asked every some seconds; and CPU time and memory of `manage.py check`. The exit status is 1 if a
journey costs more than `BOUND` of the other checkout's, or more statements. On a busy machine count instructions.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.databases import new_database
from benchmarks.extract_lines import CIVIL, OWNERS, national_id, owner

HERE = Path(__file__).resolve().parent.parent
BOUND = 1.03
WARM_UP = 5  # people before the first round: what is loaded once
EXTRACTED = "رضا,کریمی,1370/05/17,male,1254,الف12,345678,0"
Costs = dict[str, float]  # a journey's name: what it took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, default=HERE, help="the other checkout; else this one, for the noise")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--people", type=int, default=20, help="who register and sign in in a round")
    parser.add_argument("--starts", type=int, default=10, help="of manage.py check")
    parser.add_argument("--instructions", type=int, default=0, help="so many people, counted, instead of rounds")
    given = parser.parse_args()
    people = WARM_UP * 3 + given.instructions + given.people * given.rounds
    with contextlib.ExitStack() as ends:
        before, now = (ends.enter_context(prepared(root.resolve(), people)) for root in (given.against, HERE))
        if given.instructions:
            good = instructions(before, now, given.instructions)
        else:
            good = rounds(before, now, given.rounds, given.people)
        starts(before, now, given.starts)
    return 0 if good else 1


# Both checkouts.


class Tree:
    """A checkout with a database of its own."""

    def __init__(self, root: Path, folder: Path, url: str) -> None:
        self.root, self.folder = root, folder
        self.env = {"PATH": os.environ["PATH"], "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        self.env |= {"PYTHONPATH": str(root), "PYTHONHASHSEED": "0"}
        self.env |= {"IDENTITY_OWNER_REGISTRIES": "local", "IDENTITY_PERSON_REGISTRIES": "local"}

    def manage(self, *arguments: str) -> None:
        self._run([sys.executable, "manage.py", *arguments])

    def _run(self, command: list[str], **more: Any) -> None:
        with (self.folder / "log").open("a") as log:
            done = subprocess.run(command, cwd=self.root, env=self.env, stdout=log, stderr=log, **more)
        if done.returncode:
            raise SystemExit(self.log())

    def log(self) -> str:
        return f"{self.root}\n{(self.folder / 'log').read_text()[-3000:]}"

    @property
    def command(self) -> list[str]:
        """A worker of this checkout."""
        return [sys.executable, "-P", str(HERE / "benchmarks/journey_worker.py"), str(self.folder / "owners.csv")]

    def instructions(self, *asked: tuple[int, int]) -> int:
        """What valgrind counts of a worker that is asked this and ends."""
        counted = self.folder / "counted"
        valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={counted}"]
        lines = "".join(f"{first} {count} cpu\n" for first, count in asked)
        self._run([*valgrind, *self.command], input=lines, text=True)
        return int(counted.read_text().rpartition("summary: ")[2].split()[0])

    def check(self) -> tuple[float, float]:
        """CPU seconds and MB of `manage.py check`."""
        with (self.folder / "log").open("a") as log:
            command = [sys.executable, "manage.py", "check"]
            process = subprocess.Popen(command, cwd=self.root, env=self.env, stdout=log, stderr=log)
        _pid, process.returncode, usage = os.wait4(process.pid, 0)
        if process.returncode:
            raise SystemExit(self.log())
        return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Worker:
    """A process in which people of a checkout go through the portal."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.next = tree, 0
        with (tree.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                tree.command, cwd=tree.root, env=tree.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )

    def ask(self, people: int, what: str = "cpu") -> Costs:
        """What the journeys of the next people took, each: "cpu" (seconds) or "statements"."""
        asked, answers = self.process.stdin, self.process.stdout
        if asked is None or answers is None:
            raise TypeError("both are pipes")
        asked.write(f"{self.next} {people} {what}\n".encode())
        asked.flush()
        self.next += people
        answer = answers.readline()
        if not answer:
            raise SystemExit(self.tree.log())
        costs: Costs = json.loads(answer)
        return costs

    def end(self) -> None:
        """It ends with its input, and leaves nothing behind."""
        self.process.communicate()


@contextlib.contextmanager
def prepared(root: Path, people: int) -> Iterator[Tree]:
    """The checkout, with the portal's tables and these people in the extracts."""
    with tempfile.TemporaryDirectory(prefix="portal-journey-") as name:
        folder = Path(name)
        (folder / "civil.csv").write_text(CIVIL + "".join(f"{national_id(n)},{EXTRACTED}\n" for n in range(people)))
        (folder / "owners.csv").write_text(OWNERS + "".join(map(owner, range(people))))
        with new_database(os.environ.get("DATABASE_URL", ""), folder) as url:
            tree = Tree(root, folder, url)
            tree.manage("migrate", "-v0")
            tree.manage("load_civil_registry", str(folder / "civil.csv"))
            tree.manage("load_mobile_owners", str(folder / "owners.csv"))
            yield tree


def rounds(before: Tree, now: Tree, count: int, people: int) -> bool:
    """Both in turn, so that a busy machine slows both. Whether this checkout costs no more than it may."""
    with contextlib.ExitStack() as ends:
        workers = [Worker(before), Worker(now)]
        for worker in workers:
            ends.callback(worker.end)
            worker.ask(WARM_UP)
        statements = [worker.ask(WARM_UP, "statements") for worker in workers]
        took: list[list[Costs]] = [[], []]
        for number in range(count):
            for which in (0, 1) if number % 2 else (1, 0):
                took[which].append(workers[which].ask(people))
    within = [judged(name, [of[name] for of in statements], took) for name in statements[0]]
    return all(within)


def judged(name: str, statements: list[float], took: list[list[Costs]]) -> bool:
    """Print one journey's costs; whether they are within the bound."""
    old, new = ([costs[name] * 1000 for costs in each] for each in took)
    ratios = [ours / theirs for ours, theirs in zip(new, old, strict=True)]
    ratio = statistics.median(ratios)
    low, _middle, high = statistics.quantiles(ratios, n=4)
    print(
        f"{name:12} {statistics.median(old):7.2f} → {statistics.median(new):7.2f} ms CPU: {ratio:.3f} "
        f"(quartiles {low:.3f} to {high:.3f}); statements {statements[0]:g} → {statements[1]:g}",
        flush=True,
    )
    return ratio <= BOUND and statements[1] <= statements[0]


def instructions(before: Tree, now: Tree, people: int) -> bool:
    """A registration and a sign-in together, by two runs of each checkout that differ in the people only."""
    each = []
    for tree in (before, now):
        base = tree.instructions((0, WARM_UP))
        each.append((tree.instructions((WARM_UP, WARM_UP), (2 * WARM_UP, people)) - base) / people / 1e6)
        print(f"{tree.root}: to the first round {base / 1e9:.2f} thousand million, a person {each[-1]:.2f} million")
    ratio = each[1] / each[0]
    print(f"instructions of a registration and a sign-in: {ratio:.3f}")
    return ratio <= BOUND


def starts(before: Tree, now: Tree, count: int) -> None:
    """`manage.py check`: what a process costs that loads the whole portal."""
    seen: list[list[tuple[float, float]]] = [[], []]
    for number in range(count):
        for which in (0, 1) if number % 2 else (1, 0):
            seen[which].append((before, now)[which].check())
    for what, unit, column in (("CPU", "s", 0), ("memory", "MB", 1)):
        old, new = ([start[column] for start in each] for each in seen)
        ratio = statistics.median(ours / theirs for ours, theirs in zip(new, old, strict=True))
        both = f"{statistics.median(old):.2f} → {statistics.median(new):.2f} {unit}"
        print(f"manage.py check, {what}: {both}: {ratio:.3f}")


if __name__ == "__main__":
    sys.exit(main())
