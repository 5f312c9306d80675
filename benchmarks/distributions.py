"""Compares times of several kinds: percentiles, a histogram, and whether two kinds can be told apart."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

POINTS = (5, 25, 50, 75, 95, 99)
BINS, WIDTH = 16, 6
DEALS = 2000


@dataclass(frozen=True)
class Comparison:
    """`share`: of all pairs, those in which the first kind took longer; `low`, `high`: what chance alone makes it."""

    share: float
    low: float
    high: float

    @property
    def is_outside(self) -> bool:
        return not self.low <= self.share <= self.high


def compare(these: list[float], those: list[float], chance: float, dice: random.Random) -> Comparison:
    """The rank statistic of Mann and Whitney, and its band by dealing all times out anew `DEALS` times; both kinds
    together leave it in a share `chance` of the deals."""
    ranks = _ranks([*these, *those])
    mine = len(these)
    dealt = sorted(_share(sum(dice.sample(ranks, mine)), mine, len(those)) for _ in range(DEALS))
    cut = max(0, math.floor(DEALS * chance / 2) - 1)
    return Comparison(_share(sum(ranks[:mine]), mine, len(those)), dealt[cut], dealt[-1 - cut])


def percentiles(kinds: dict[str, list[float]]) -> str:
    """A row for each kind, in milliseconds."""
    head = f"{'':34}" + "".join(f"{f'p{point}':>9}" for point in POINTS)
    rows = [
        f"{name:34}" + "".join(f"{_at(sorted(times), point) * 1000:9.2f}" for point in POINTS)
        for name, times in kinds.items()
    ]
    return "\n".join([head, *rows])


def histogram(kinds: dict[str, list[float]]) -> str:
    """A column for each kind, the percentage of its times in each bin from the 1st to the 97th percentile of all."""
    together = sorted(time for times in kinds.values() for time in times)
    low, high = _at(together, 1), _at(together, 97)
    step = (high - low) / BINS
    counts = {name: _counts(times, low, step) for name, times in kinds.items()}
    columns = [f"({chr(97 + number)})" for number in range(len(kinds))]
    lines = [f"{column} {name}" for column, name in zip(columns, kinds, strict=True)]
    lines.append(f"{'ms':>9}  " + "".join(f"{column:<{WIDTH + 5}}" for column in columns))
    for place in range(BINS + 1):
        edge = f"{(low + place * step) * 1000:8.2f}" if place < BINS else f"{'slower':>8}"
        cells = (_cell(counts[name][place] / len(times)) for name, times in kinds.items())
        lines.append(f"{edge}   " + "".join(cells).rstrip())
    return "\n".join(lines)


def _counts(times: list[float], low: float, step: float) -> list[int]:
    counts = [0] * (BINS + 1)
    for time in times:
        counts[min(BINS, max(0, int((time - low) / step)))] += 1
    return counts


def _cell(share: float) -> str:
    bar = "█" * min(WIDTH, round(share * WIDTH * 3))
    return f"{bar:<{WIDTH}}{share * 100:3.0f}  "


def _at(ordered: list[float], percent: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _ranks(times: list[float]) -> list[int]:
    """The place of each time when all are sorted. Clocks are fine enough that ties do not matter."""
    ranks = [0] * len(times)
    for rank, place in enumerate(sorted(range(len(times)), key=times.__getitem__)):
        ranks[place] = rank
    return ranks


def _share(rank_sum: int, mine: int, others: int) -> float:
    return (rank_sum - mine * (mine - 1) / 2) / (mine * others)
