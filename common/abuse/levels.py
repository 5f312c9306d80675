"""Judges conduct: from sums of tries and good ends to a level, a price of proof of work, and a rank in the
queue. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from common import limits


class Level(IntEnum):
    NORMAL = 0
    WATCH = 1  # administrators are told
    PRESSURE = 2  # whatever costs an SMS or a hash needs proof of work, or waits for its turn


@dataclass(frozen=True, slots=True)
class Sums:
    """The sums of one scope within the hour: tries, good ends, and tries that have ended without one (`ripe`: a recent
    code may still be used)."""

    tried: int = 0
    good: int = 0
    ripe: int = 0

    @property
    def unused(self) -> int:
        return max(0, self.tried - self.good)


@dataclass(frozen=True, slots=True)
class Conduct:
    """The levels of the scopes that one request belongs to. `proven`: most tries of its address come to a good end.
    `restrained`: it is proven, or there are few tries without a good end in its address and network. `rank`: tries
    without a good end of its address or network, which decide its place in a queue. `price`: how many times the first
    difficulty its proof of work has under pressure."""

    address: Level = Level.NORMAL
    network: Level = Level.NORMAL
    prefix: Level = Level.NORMAL
    population: Level = Level.NORMAL
    proven: bool = False
    restrained: bool = True
    rank: int = 0
    price: int = 1

    @property
    def here(self) -> Level:
        """The higher level of the address and its network."""
        return max(self.address, self.network)

    @property
    def around(self) -> Level:
        """The highest level of network, prefix and population: of what others do."""
        return max(self.network, self.prefix, self.population)

    @property
    def level(self) -> Level:
        """The level that this request meets. An address that is proven does not pay for what others do."""
        excused = self.proven and self.address == Level.NORMAL
        return max(self.address, min(self.around, Level.WATCH) if excused else self.around)

    @property
    def is_good(self) -> bool:
        """Whether nothing speaks against the address and, during an attack or with many tries, something speaks
        for it."""
        trusted = self.proven or self.around == Level.NORMAL
        return self.address == Level.NORMAL and trusted and self.restrained


def judge(sums: Mapping[str, Sums]) -> Conduct:
    """The conduct from the sums of a request's scopes: address, network and population; prefix if there is a number."""
    address, network = sums["address"], sums["network"]
    proven = address.good > 0 and address.unused <= limits.CONDUCT_PROVEN_TIMES * address.good
    restrained = proven or all(
        sums[name].unused <= max(limits.CONDUCT_FLOORS[name][1], limits.CONDUCT_PROVEN_TIMES * sums[name].good)
        for name in ("address", "network")
    )
    in_vain = max(these.unused - limits.CONDUCT_PROVEN_TIMES * these.good for these in (address, network))
    return Conduct(
        **{name: level_of(name, these) for name, these in sums.items()},
        proven=proven,
        restrained=restrained,
        rank=0 if proven else max(0, in_vain),
        price=_price(address, network, sums["population"]),
    )


def level_of(name: str, sums: Sums) -> Level:
    """The level by tries without a good end: at least so many, and more than so many times the good ends."""
    floors, times = limits.CONDUCT_FLOORS[name], limits.CONDUCT_TIMES[name]
    for level in (Level.PRESSURE, Level.WATCH):
        floor, share = floors[level - 1], times[level - 1]
        enough = sums.ripe >= floor or sums.unused >= floor * limits.CONDUCT_FRESH_TIMES[name]
        if enough and sums.unused > sums.good * share:
            return level
    return Level.NORMAL


def _price(address: Sums, network: Sums, population: Sums) -> int:
    """The price grows with the square of tries without a good end for each good end; it is doubled in a great flood."""
    here = address.unused / (address.good + 1)
    near = network.unused / (network.good + 1) / limits.PROOF_NETWORK_SHARE
    price = min(limits.PROOF_DEAREST, round(max(1.0, here, near) ** 2))
    flooded = population.unused >= limits.PROOF_FLOOD * limits.CONDUCT_FLOORS["population"][1]
    return price * 2 if flooded else price
