"""Cause faults of registries and workers, and see what becomes of N registrations.

    .venv/bin/python benchmarks/identity_faults.py [--n 500] [--each 50] [--only killed uid …] [--short] [--logs FOLDER]

Prints a table; ends with 1 if a demand is missed. Registries are stubs on the loopback (tests/registry_stubs) that
speak to the real adapters. Each run is a process of its own; DATABASE_URL names a PostgreSQL server in which databases
are made and dropped; without it each run has an SQLite file.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import fault_bench
from benchmarks.sms_world import World

ANSWERS = {"uid": ("owner", "person"), "jibit": ("owner", "person"), "similarity": ("person",)}
FAULTS: dict[str, tuple[str, ...]] = ANSWERS | {
    "killed": ("uid", "local"),
    "two": ("uid",),
    "switched": ("local",),
    "second": ("refuses", "hang", "status-500"),
    "down": ("uid",),
}
LONGEST, LONGEST_SHORT = 1200, 200  # seconds one run may take
# Single answers: pauses of seconds, else each row would take a quarter of an hour.
QUICK = {
    "LIMIT_MATCH_FIRST_PAUSE": "0.3",
    "LIMIT_MATCH_LONGEST_PAUSE": "0.6",
    "LIMIT_MATCH_LONGEST_PAUSE_OF_ONE": "0.6",
    "LIMIT_MATCH_AFTER_REST": "0.1",
    "LIMIT_BREAKER_FIRST_PAUSE": "0.5",
    "LIMIT_BREAKER_LONGEST_PAUSE": "1",
    "LIMIT_REGISTRY_ANSWER_WITHIN": "2",
    "LIMIT_REGISTRY_BATCH_TIME": "5",
}
SHORTER = {
    "LIMIT_MATCH_LEASE": "14",
    "LIMIT_MATCH_FIRST_PAUSE": "1",
    "LIMIT_MATCH_LONGEST_PAUSE": "3",
    "LIMIT_MATCH_LONGEST_PAUSE_OF_ONE": "3",
    "LIMIT_MATCH_AFTER_REST": "1",
    "LIMIT_BREAKER_FIRST_PAUSE": "2",
    "LIMIT_BREAKER_LONGEST_PAUSE": "4",
    "LIMIT_REGISTRY_ANSWER_WITHIN": "2",
    "LIMIT_REGISTRY_BATCH_TIME": "10",
    "BEAT_AT_MOST": "1",
}
HEAD = ("fault", "asked", "while it lasted", "afterwards", "N", "calls", "breaker open", "alarm", "ok")
WIDTHS = (42, 17, 46, 54, 4, 20, 22, 20, 3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=500, help="registrations in each run with real workers")
    parser.add_argument("--each", type=int, default=50, help="registrations for each answer")
    parser.add_argument("--only", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--short", action="store_true", help="fewer and shorter faults, shorter leases")
    parser.add_argument("--logs", type=Path, help="a folder for the logs of runs that miss a demand")
    parser.add_argument("--run", help=argparse.SUPPRESS)  # in a child: everything about one run, as JSON
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill is a Ctrl-C: nothing is left running
    if given.run:
        return child(**json.loads(given.run))
    missed = total = 0
    line(*HEAD)
    with bench(given.logs) as run:
        for fault in given.only:
            for kind in FAULTS[fault]:
                verdict = run(fault, given.each if fault in ANSWERS else given.n, kind=kind, short=given.short)
                show(verdict)
                missed += sum(bool(row["misses"]) for row in verdict.get("rows", [verdict]))
                total += len(verdict.get("rows", [verdict]))
    print(f"\n{missed} of {total} rows missed a demand." if missed else f"\nEvery demand of {total} rows was met.")
    return min(missed, 1)


def bench(logs: Path | None = None) -> contextlib.AbstractContextManager[Any]:
    """As `fault_bench.bench`, for the faults here."""
    return fault_bench.bench(__file__, longest=LONGEST, longest_short=LONGEST_SHORT, logs=logs)


def child(fault: str, n: int, kind: str, short: bool, home: str, database: str) -> int:
    """One run in this process: a row, or for single answers one each."""
    with contextlib.ExitStack() as ends:
        world = World(Path(home), database, QUICK if fault in ANSWERS else SHORTER if short else {})
        ends.callback(world.end)
        os.environ |= world.env
        import django

        django.setup()
        from benchmarks import identity_answer_rows, identity_rows
        from common.installation import ensure_mode

        ensure_mode(fresh=True)
        if fault in ANSWERS:
            rows = list(identity_answer_rows.rows(fault, kind, n, short=short, home=Path(home)))
        else:
            rows = [identity_rows.ROWS[fault](identity_rows.Scene(world, n, kind, short))]
    misses = [f"{row.fault} ({row.asked}): {miss}" for row in rows for miss in row.misses]
    print(json.dumps({"fault": fault, "rows": [asdict(row) for row in rows], "misses": misses}))
    return 0


def show(verdict: dict[str, Any]) -> None:
    for row in verdict.get("rows", []):
        line(
            row["fault"],
            row["asked"],
            row["meanwhile"] or "-",
            row["afterwards"] or "-",
            row["n"],
            row["calls"] or "-",
            row["breaker"],
            row["alarm"] or "-",
            "NO" if row["misses"] else "ok",
        )
        print(f"    {row['demand']}" + (f" ({row['remark']})" if row["remark"] else ""))
        for miss in row["misses"]:
            print(f"    MISSED: {miss}")
    if "rows" not in verdict:
        print(f"{verdict['fault']}: {verdict['misses']}")


def line(*cells: object) -> None:
    print(fault_bench.in_columns(WIDTHS, cells, words=4), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)  # everything was ended and removed on the way here
