"""A flood of step ones and of sign-ins beside honest citizens, with the portal's levels and without.

    .venv/bin/python benchmarks/flood.py            # 100,000 of each within an hour: about two minutes
    .venv/bin/python benchmarks/flood.py --short    # 4,000 of each

The rules are the portal's own; time, people and the flood's solving power are simulated (`benchmarks/flood_model.py`).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django  # noqa: E402

django.setup()

from benchmarks.flood_model import Flood, Honest, Machine, World  # noqa: E402
from common import limits  # noqa: E402
from common.abuse.conduct import Kind  # noqa: E402

AIM, HONEST_AIM = 0.02, 5.0
WHAT = {Kind.CODE: "SMS", Kind.PASSWORD: "hashes"}
HEAD = (
    f"{'':7} {'addresses':>9} {'cores':>5} {'today':>8} {'now':>7} {'ratio':>7}   {'free':>6} {'proof':>6} "
    f"{'turn':>6}  {'alarm s':>7}   {'calm p95':>8} {'saw':>4}   {'p95 s':>6} {'max s':>6} {'saw':>4} {'shut out':>8}"
)


def main() -> int:
    chosen = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    chosen.add_argument("--short", action="store_true")
    requests = 4_000 if chosen.parse_args().short else 100_000
    honest, machine = Honest(), Machine()
    print(
        f"{requests} requests within an hour beside {honest.people} citizens, {honest.behind_carriers:.0%} of them "
        f"behind {honest.carriers} addresses, {honest.without_script:.0%} without script. An old phone derives "
        f"{machine.phone:,.0f} keys' iterations a second, a core of the flood's {machine.core:,.0f}.\n\n{HEAD}"
    )
    good = True
    for kind in (Kind.CODE, Kind.PASSWORD):
        for addresses in (1, 100, 10_000):
            for cores in (0, 1, 8):
                good &= row(kind, Flood(requests, addresses, cores), honest, machine)
    return 0 if good else 1


def row(kind: Kind, flood: Flood, honest: Honest, machine: Machine) -> bool:
    """One world, one line. Whether people were let in and nobody saw anything at normal level."""
    world = World(kind, flood, honest=honest, machine=machine).run()
    calm, pressed, today = world.calm, world.pressed, as_today(flood)
    free = pressed.caused - pressed.by_proof - pressed.by_turn
    ratio = pressed.caused / today
    longest = max(pressed.waits, default=0.0)
    alarm = "-" if pressed.alarm_after is None else f"{pressed.alarm_after:.0f}"
    told = "" if ratio < AIM else "  > 2 %"
    told += "" if pressed.p95() <= HONEST_AIM else "  > 5 s"
    print(
        f"{WHAT[kind]:7} {flood.addresses:9,} {flood.cores:5} {today:8,} {pressed.caused:7,} {ratio:7.2%}   "
        f"{free:6,} {pressed.by_proof:6,} {pressed.by_turn:6,}  {alarm:>7}   {calm.p95():8.1f} {calm.noticed:4}   "
        f"{pressed.p95():6.1f} {longest:6.1f} {pressed.noticed:4} {pressed.shut_out:8}{told}",
        flush=True,
    )
    return not calm.noticed and not pressed.shut_out


def as_today(flood: Flood) -> int:
    """Without the levels every request causes one, within the brake of an address."""
    return min(flood.requests, flood.addresses * limits.POSTS_PER_ADDRESS * 60)


if __name__ == "__main__":
    sys.exit(main())
