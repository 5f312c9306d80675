"""Cause faults among real processes and see what becomes of N messages.

    .venv/bin/python benchmarks/sms_faults.py [--n 1000] [--only worker redis …] [--short] [--logs FOLDER]

Prints a table; ends with 1 if a demand is missed, with 2 if a run was left out for its few messages. From N = 100
on (60 with --short) each kill and each bad answer meets some. The rows of a gateway that leaves us in doubt need
N = 600 (200): up to its 20 connections are full before the breaker opens, and 95 % of the codes must be in time.

Each fault runs in a process of its own with its own Redis, workers and stub gateways on the loopback. DATABASE_URL
names a PostgreSQL server in which databases are made and dropped; without it each run has an SQLite file. The faults
that restart PostgreSQL use a server of their own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import databases, fault_bench
from benchmarks.sms_world import World, end_politely

KEY, NO_KEY, SMPP = "kavenegar", "http", "smpp"  # kinds of gateways; the first knows a client key
BOTH = (KEY, NO_KEY)
FAULTS = {
    "worker": BOTH,
    "pool": BOTH,
    "redis": BOTH,
    "frozen": BOTH,
    "postgres": BOTH,
    "refuses": BOTH,
    "later": BOTH,
    "hangs": BOTH,
    "drips": BOTH,
    "fails": BOTH,
    "tardy": BOTH,
    "resets": BOTH,
    "drops": BOTH,
    "repeated": BOTH,
    "late": (KEY,),
    "receipts": (NO_KEY,),
    "long": (SMPP,),
    "peer": (SMPP,),
    "bind": (SMPP,),
}
IN_DOUBT = ("hangs", "drips", "fails", "tardy", "resets")  # what the first gateway is given may not arrive in time
NEEDED, NEEDED_IN_DOUBT = (100, 60), (600, 200)  # messages at the least, and in the short form
LONGEST, LONGEST_SHORT = 900, 150  # seconds one run may take
SHORTER = {
    "LIMIT_SMS_LEASE": "6",
    "LIMIT_SMS_RESULT_RETRIES": "2,4,8",
    "LIMIT_SMS_LOOK_UP_PAUSE": "2",
    "LIMIT_RECEIPT_LEASE": "6",
    "LIMIT_POLL_FIRST_PAUSE": "1",
    "LIMIT_BREAKER_FIRST_PAUSE": "3",
    "LIMIT_BREAKER_LONGEST_PAUSE": "6",
    "ANSWER_WITHIN": "3",
    "BEAT_AT_MOST": "2",
}
HEAD = ("fault", "gateway", "N", "lost", "doubled", "unknown", "expired", "slowest page", "s to final", "remark")
WIDTHS = (48, 7, 5, 5, 7, 7, 7, 12, 10, 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1000, help="messages in each run (see above for how few make sense)")
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--short", action="store_true", help="fewer and shorter faults, shorter leases")
    parser.add_argument("--logs", type=Path, help="a folder for the logs of runs that miss a demand")
    parser.add_argument("--run", help=argparse.SUPPRESS)  # in a child: everything about one run, as JSON
    given = parser.parse_args()
    end_politely()
    if given.run:
        return child(**json.loads(given.run))
    missed = left_out = 0
    line(*HEAD)
    with bench(given.logs) as run:
        for fault in given.only:
            for kind in FAULTS[fault]:
                if given.n < needed(fault, given.short):
                    left_out += 1
                    print(f"{fault} ({kind}): too few to judge: {needed(fault, given.short)} or more")
                    continue
                verdict = run(fault, given.n, kind=kind, short=given.short)
                show(verdict)
                missed += bool(verdict["misses"])
    print(f"\n{missed} runs missed a demand." if missed else "\nNo run missed a demand.")
    if left_out:
        print(f"{left_out} runs had too few messages to judge.")
    return 1 if missed else 2 if left_out else 0


def needed(fault: str, short: bool) -> int:
    """The fewest messages by which a run of `fault` can be judged."""
    long, brief = NEEDED_IN_DOUBT if fault in IN_DOUBT else NEEDED
    return brief if short else long


def bench(logs: Path | None = None) -> contextlib.AbstractContextManager[Any]:
    """As `fault_bench.bench`, for the faults here."""
    return fault_bench.bench(__file__, longest=LONGEST, longest_short=LONGEST_SHORT, logs=logs)


def child(fault: str, n: int, kind: str, short: bool, home: str, database: str) -> int:
    """One run in this process."""
    with contextlib.ExitStack() as ends:
        postgres = None
        if fault == "postgres":
            postgres = ends.enter_context(databases.private_postgres())
            database = postgres.url
            databases.migrate(database, Path(home))
        world = World(Path(home), database, SHORTER if short else {})
        ends.callback(world.end)
        os.environ |= world.env
        import django

        django.setup()
        from benchmarks import sms_gateway_rows, sms_rows
        from benchmarks.sms_scene import Scene
        from common.installation import ensure_mode

        ensure_mode(fresh=True)
        rows = sms_rows.ROWS | sms_gateway_rows.ROWS
        verdict = rows[fault](Scene(world, n, kind, short, postgres))
    print(json.dumps(asdict(verdict)))
    return 0


def show(verdict: dict[str, Any]) -> None:
    page, states = verdict.get("slowest_page"), verdict.get("states", {})
    line(
        verdict["fault"],
        verdict.get("gateway", ""),
        verdict.get("created", "?"),
        verdict.get("lost", "?"),
        verdict.get("doubled", "?"),
        states.get("unknown", 0),
        states.get("expired", 0),
        f"{page:.2f} s" if page else "-",
        f"{verdict['seconds']:.0f}" if "seconds" in verdict else "?",
        verdict.get("remark", ""),
    )
    books = " + ".join(f"{count} {state}" for state, count in sorted(states.items())) or "?"
    print(f"    {verdict.get('created', '?')} created = {books}; {states.get('sending', 0)} in sending")
    for miss in verdict["misses"]:
        print(f"    MISSED: {miss}")


def line(*cells: object) -> None:
    print(fault_bench.in_columns(WIDTHS, cells, words=2), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)  # everything was ended and removed on the way here
