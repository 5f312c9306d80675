"""Runs a table of faults: one child process per fault, each with a database of its own, and its verdict.

A program of faults, called with `--run JSON`, is such a child: it prints its verdict as one line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import databases
from benchmarks.sms_world import sweep


@contextlib.contextmanager
def bench(program: str, *, longest: float, longest_short: float, logs: Path | None = None) -> Iterator[Any]:
    """What runs one fault of `program` and returns its verdict, within `longest` seconds. The tables are made once
    for all; the logs of runs that miss a demand are copied into `logs`."""
    folder = Path(tempfile.mkdtemp(prefix="portal-faults-"))
    server = os.environ.get("DATABASE_URL", "")
    try:
        with databases.migrated(server, folder) as template:

            def run(fault: str, n: int, *, kind: str, short: bool) -> dict[str, Any]:
                home = folder / f"{fault}-{kind}"
                home.mkdir()
                within = longest_short if short else longest
                try:
                    with databases.new_database(server, home, copy_of=template) as url:
                        given = {"fault": fault, "n": n, "kind": kind, "short": short}
                        verdict = _in_a_child(program, within, **given, home=str(home), database=url)
                    if logs and verdict["misses"]:
                        shutil.copytree(home, logs / home.name, dirs_exist_ok=True)
                    return verdict
                finally:
                    sweep(home)
                    shutil.rmtree(home, ignore_errors=True)

            yield run
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_a_child(program: str, within: float, **run: Any) -> dict[str, Any]:
    """The verdict of one run; a run that breaks down or takes too long has that as its miss, and nothing else."""
    command = [sys.executable, program, "--run", json.dumps(run)]
    nothing: dict[str, Any] = {"fault": run["fault"]}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            said, complained = process.communicate(timeout=within)
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as reason:
            _end(process)
            if isinstance(reason, KeyboardInterrupt):
                raise
            return nothing | {"misses": ["it took too long"]}
    if process.returncode:
        return nothing | {"misses": [complained.strip()[-1500:]]}
    finished: dict[str, Any] = json.loads(said.splitlines()[-1])
    return finished


def _end(process: subprocess.Popen[str]) -> None:
    """Politely, so that it ends its own processes; then for certain."""
    process.terminate()
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()


def in_columns(widths: Sequence[int], cells: Sequence[object], words: int) -> str:
    """One row of a table: the first `words` cells and the last to the left, numbers to the right."""
    left = [str(cell).ljust(width) for cell, width in zip(cells[:words], widths, strict=False)]
    right = [str(cell).rjust(width) for cell, width in zip(cells[words:], widths[words:], strict=True)]
    return "  ".join(left + right).rstrip()
