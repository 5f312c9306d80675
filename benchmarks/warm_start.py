"""How long `make run` takes until a citizen can register, in a home that was set up before.

    .venv/bin/python benchmarks/warm_start.py

A home of its own: the first start sets it up and is not counted, the others are. From the command to its line "ready:",
SQLite and the embedded or installed Redis, as anybody starts it. Each is ended by SIGTERM before the next begins. The
exit status is 1 above the aim.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.sms_world import ROOT, end_politely, free_port

AIM = 4.0  # seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    given = parser.parse_args()
    end_politely()
    with tempfile.TemporaryDirectory(prefix="portal-start-") as home:
        print(f"the first start, with an empty home: {start(home):.1f} s", flush=True)
        took = sorted(start(home) for _ in range(given.starts))
    middle = statistics.median(took)
    print(f"make run, warm: {middle:.2f} s ({took[0]:.2f} to {took[-1]:.2f}, {given.starts} starts)   aim ≤ {AIM:g} s")
    return 0 if middle <= AIM else 1


def start(home: str) -> float:
    """Seconds until it is ready; then it is ended."""
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    env = kept | {"PORTAL_HOME": home, "PORT": str(free_port())}
    began = time.monotonic()
    process = subprocess.Popen(["make", "run"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True, process_group=0)
    try:
        said = []
        for line in process.stdout or ():
            said.append(line)
            if line.startswith("ready:"):
                return time.monotonic() - began
        raise SystemExit("".join(said)[-2000:])
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()


if __name__ == "__main__":
    sys.exit(main())
