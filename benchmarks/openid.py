"""What a sign-in to a connected service costs, in one run beside django-allauth's `idp.oidc` and django-oauth-toolkit.

    make build/providers/.installed
    DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres .venv/bin/python benchmarks/openid.py

Each provider has a process, an environment and a PostgreSQL database of its own (`providers/`); their turns come in a
random order in each round, and ratios are between turns of one round, so that a busy machine slows all.

1. A citizen who is signed in comes from a service that shows no page in between: authorize, token, userinfo, with PKCE,
   client_secret_basic, a signed ID token, and name and e-mail as claims. All sign by RS256, which is all that the other
   two can; the portal's own default, ES256, stands beside it. Secrets of services are hashed by a keyed hash
   everywhere; what the other two cost with their default (PBKDF2) stands beside it and is no part of the aim.
2. Introspection.
3. A new citizen signs in to the portal (page, password, home page) and to a service (from there to the page, password,
   back; and the same with token and userinfo), with Argon2id and with a cheap hash.

Counted is the CPU time of the process inside the WSGI application, of its PostgreSQL connection beside it, and the
statements with BEGIN and COMMIT. The exit status is 1 if an aim is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.databases import new_database

HERE = Path(__file__).resolve().parent.parent
PROVIDERS = {
    "portal": sys.executable,
    "allauth_idp": str(HERE / "build/providers/bin/python"),
    "toolkit": str(HERE / "build/providers/bin/python"),
}
Work = tuple[str, str]  # a provider, and what it does
Turn = dict[str, Any]
OURS, ES256 = ("portal", "flow-RS256"), ("portal", "flow-ES256")
OTHERS: list[Work] = [("allauth_idp", "flow-keyed"), ("toolkit", "flow-keyed")]
BY_DEFAULT: list[Work] = [("allauth_idp", "flow-default"), ("toolkit", "flow-default")]
INTROSPECTION = ("portal", "introspection-ES256")
ASKED: list[Work] = [INTROSPECTION, ("allauth_idp", "introspection-keyed"), ("toolkit", "introspection-keyed")]
OF_ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
SHARE, INTROSPECTION_MS, SIGN_IN_SHARE = 0.6, 2.0, 1.15


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--times", type=int, default=20, help="of each in a round")
    parser.add_argument("--statements", action="store_true", help="print them, and measure nothing")
    given = parser.parse_args()
    if not Path(PROVIDERS["toolkit"]).exists():
        raise SystemExit("The other providers are not installed: make build/providers/.installed")
    with contextlib.ExitStack() as ends:
        workers = {name: ends.enter_context(worker(name, python)) for name, python in PROVIDERS.items()}
        if given.statements:
            for work in (OURS, *OTHERS, *ASKED):
                print(*work, *workers[work[0]].ask(work[1], 1)["queries"], sep="\n    ")
            return 0
        good = flows(workers, given)
        good &= introspections(workers, given)
        return 0 if sign_ins(workers, given) and good else 1


class Worker:
    """The process of a provider."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process, self.log = process, log

    def ask(self, what: str, times: int) -> Turn:
        if self.process.stdin is None or self.process.stdout is None:
            raise TypeError("both are pipes")
        self.process.stdin.write(f"{what} {times}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(self.log.read_text()[-3000:])
        turn: Turn = json.loads(answer)
        return turn


@contextlib.contextmanager
def worker(name: str, python: str) -> Iterator[Worker]:
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        raise SystemExit("DATABASE_URL: a PostgreSQL server on this machine")
    with tempfile.TemporaryDirectory(prefix="portal-openid-") as folder, new_database(server, Path(folder)) as url:
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(HERE), "PYTHONHASHSEED": "0"}
        env |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        log = Path(folder) / "log"
        with log.open("w") as said:
            process = subprocess.Popen(
                [python, "-P", str(HERE / "benchmarks/providers/worker.py"), name],
                **{"cwd": HERE, "env": env, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": said},
                text=True,
            )
        try:
            yield Worker(process, log)
        finally:
            process.communicate()  # it ends with its input


def rounds(workers: dict[str, Worker], works: list[Work], count: int, times: int) -> dict[Work, list[Turn]]:
    """What each took in each round, in a random order."""
    turns: dict[Work, list[Turn]] = {work: [] for work in works}
    for work in works:
        workers[work[0]].ask(work[1], times)
    for _ in range(count):
        for work in random.sample(works, len(works)):
            turns[work].append(workers[work[0]].ask(work[1], times))
    return turns


def flows(workers: dict[str, Worker], given: argparse.Namespace) -> bool:
    print("authorize, token, userinfo: ms of CPU")
    turns = rounds(workers, [OURS, ES256, *OTHERS], given.rounds, given.times)
    turns |= rounds(workers, BY_DEFAULT, max(3, given.rounds // 10), 3)
    for work in turns:
        told(work, turns[work])
    good = True
    for name, cost in {"process": process, "process and PostgreSQL": whole}.items():
        against = {other: ratios(turns[OURS], turns[other], cost) for other in OTHERS}
        best = min(against, key=lambda other: statistics.median(cost(turn) for turn in turns[other]))
        for other, found in against.items():
            mark = f"   aim {SHARE}" if other == best else ""
            print(f"portal, RS256, of {other[0]}, {name}: {spread(found, 3)}{mark}")
        print(f"portal, ES256, of {best[0]}, {name}: {spread(ratios(turns[ES256], turns[best], cost), 3)}")
        good &= statistics.median(against[best]) <= SHARE
    for name, count in {"all": sent, "without BEGIN, COMMIT, SAVEPOINT": of_rows}.items():
        fewest = min(count(turns[other][0]) for other in OTHERS)
        share = count(turns[OURS][0]) / fewest
        print(f"statements, {name}: {count(turns[OURS][0])} of {fewest}: {share:.2f}   aim {SHARE}")
        good &= share <= SHARE
    return good


def introspections(workers: dict[str, Worker], given: argparse.Namespace) -> bool:
    print("\nintrospection: ms of CPU")
    turns = rounds(workers, ASKED, given.rounds, given.times)
    for work in turns:
        told(work, turns[work])
    ours = statistics.median(map(whole, turns[INTROSPECTION]))
    print(f"portal, process and PostgreSQL: {ours:.2f} ms   aim {INTROSPECTION_MS}")
    return ours <= INTROSPECTION_MS


def sign_ins(workers: dict[str, Worker], given: argparse.Namespace) -> bool:
    print("\nsign-in of a new citizen: ms of CPU of the process")
    good = True
    for hasher in ("argon2", "cheap"):
        portal, *to_service = (("portal", f"{way}-{hasher}") for way in WAYS)
        turns = rounds(workers, [portal, *to_service], given.rounds, max(3, given.times // 4))
        for work in turns:
            told(work, turns[work], database=False)
        for work in to_service:
            found = ratios(turns[work], turns[portal], process)
            is_aim = work == ("portal", AIMED)
            print(f"{work[1]} of {portal[1]}: {spread(found, 3)}{f'   aim {SIGN_IN_SHARE}' if is_aim else ''}")
            good &= not is_aim or statistics.median(found) <= SIGN_IN_SHARE
    return good


WAYS = ("to_portal", "to_service", "to_service_and_tokens")
AIMED = "to_service-argon2"  # as citizens sign in


def process(turn: Turn) -> float:
    return float(turn["process"])


def whole(turn: Turn) -> float:
    return float(turn["process"] + turn["database"])


def sent(turn: Turn) -> int:
    return int(turn["statements"])


def of_rows(turn: Turn) -> int:
    return sum(
        count for kind, count in turn["kinds"].items() if kind in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
    )


def ratios(ours: list[Turn], theirs: list[Turn], cost: Any) -> list[float]:
    return [cost(one) / cost(other) for one, other in zip(ours, theirs, strict=True)]


def told(work: Work, turns: list[Turn], *, database: bool = True) -> None:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(turns[-1]["kinds"].items()))
    beside = f"; PostgreSQL {spread([turn['database'] for turn in turns])}" if database else ""
    name = f"{work[0]}, {work[1]}"
    print(
        f"{name:38} {spread([process(turn) for turn in turns])}{beside}; {turns[-1]['statements']} statements: {kinds}"
    )


def spread(values: list[float], digits: int = 2) -> str:
    """Median, and the least and the most."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


if __name__ == "__main__":
    sys.exit(main())
