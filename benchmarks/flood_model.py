"""An hour of a flood in memory: the portal's own rules (`common.abuse.levels`), without its database.

Time is simulated. What is modelled and not measured stands in `Machine`, `Honest` and `Flood`.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from common import limits
from common.abuse.conduct import SLOT, Kind, sums_of
from common.abuse.levels import Conduct, Level, judge, level_of

HOUR = 3600.0
_SLOTS = int(limits.CONDUCT_WITHIN.total_seconds()) // SLOT


class Ledger:
    """What `common.abuse.conduct` keeps in the database. Times in seconds."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._rows: dict[str, dict[int, list[int]]] = defaultdict(dict)
        self._spoken: Counter[tuple[int, str, str]] = Counter()
        self._speaks: dict[tuple[int, str], int] = defaultdict(int)

    def look(self, address: str, network: str, now: float) -> Conduct:
        slot = int(now // SLOT)
        scopes = {"address": f"a{address}", "network": f"n{network}", "population": ""}
        return judge({name: sums_of(self.kind, self._of(scope, slot), slot) for name, scope in scopes.items()})

    def count(self, address: str, network: str, now: float) -> None:
        self._add(address, network, now, 0)

    def credit(self, address: str, network: str, tried_at: float, who: str = "") -> None:
        hour = int(tried_at // HOUR)
        if who:
            before = self._spoken[hour, who, address]
            if not before and self._speaks[hour, who] >= limits.CONDUCT_ADDRESSES_OF_ONE:
                return
            self._spoken[hour, who, address] += 1
            if before:
                if before <= limits.CONDUCT_REPEATS_OF_ONE:
                    self._add(address, network, tried_at, 0, -1)
                return
            self._speaks[hour, who] += 1
        self._add(address, network, tried_at, 1)

    def population(self, now: float) -> Level:
        slot = int(now // SLOT)
        return level_of("population", sums_of(self.kind, self._of("", slot), slot))

    def _add(self, address: str, network: str, at: float, which: int, by: int = 1) -> None:
        for scope in (f"a{address}", f"n{network}", ""):
            self._rows[scope].setdefault(int(at // SLOT), [0, 0])[which] += by

    def _of(self, scope: str, slot: int) -> list[tuple[int, int, int]]:
        return [(at, *row) for at, row in self._rows.get(scope, {}).items() if slot - _SLOTS < at <= slot]


class Queue:
    """What `common.abuse.turns` keeps in the database, of the late ones or of the others."""

    def __init__(self, per_minute: int) -> None:
        self.every, self.next_at = 60 / per_minute, 0.0
        self._heap: list[tuple[int, float, int]] = []
        self._gone: set[int] = set()
        self._of_network: dict[str, deque[int]] = defaultdict(deque)
        self._network: dict[int, str] = {}

    def take(self, number: int, network: str, rank: int, now: float) -> None:
        near = self._of_network[network]
        if len(near) >= limits.TURNS_OF_NETWORK:
            self._gone.add(near.popleft())
        near.append(number)
        self._network[number] = network
        heapq.heappush(self._heap, (rank, now, number))

    def called(self, now: float) -> Iterator[tuple[int, float]]:
        """Whose turn came by `now`, and when."""
        while self._heap and self.next_at <= now:
            _rank, since, number = heapq.heappop(self._heap)
            if number in self._gone or since < now - limits.TURN_LIFE.total_seconds():
                continue
            self._of_network[self._network[number]].remove(number)
            at = max(self.next_at, since)
            self.next_at = at + self.every
            yield number, at


@dataclass(frozen=True)
class Machine:
    """How quickly proofs are solved: PBKDF2-SHA-512 iterations a second, as measured (docs/benchmarks.md)."""

    phone: float = 430_000  # Chromium, six times slowed down
    core: float = 1_090_000  # one core of a server, native code
    round_trip: float = 0.5  # seconds: the solution goes out, the page changes


@dataclass(frozen=True)
class Honest:
    """Citizens of one hour. Who waits for a code types it after `typing` seconds; a share never does."""

    people: int = 200
    behind_carriers: float = 0.6  # the rest are at home, each at an address of their own
    carriers: int = 4  # addresses
    without_script: float = 0.05
    use_their_code: float = 0.85
    typing: float = 45.0
    right_at_once: float = 0.8
    reads_before: float = 10.0  # seconds from the page to the button, at a sign-in


@dataclass(frozen=True)
class Flood:
    """`requests` within an hour from `addresses`, each in a network of its own; `cores` of a server solve for it."""

    requests: int
    addresses: int
    cores: int = 0


@dataclass
class Seen:
    """What came of an hour. `caused`: SMS or hashes by the flood; `waits`: of the honest, seconds."""

    caused: int = 0
    waits: list[float] = field(default_factory=list)
    noticed: int = 0
    shut_out: int = 0
    alarm_after: float | None = None
    by_turn: int = 0
    by_proof: int = 0

    def p95(self) -> float:
        return sorted(self.waits)[max(0, int(len(self.waits) * 0.95) - 1)] if self.waits else 0.0


@dataclass(order=True)
class _Event:
    at: float
    number: int
    address: str = field(compare=False)
    is_flood: bool = field(compare=False, default=False)
    tries: int = field(compare=False, default=1)


class World:
    """One kind of request (codes or passwords): an hour of honest people alone, then one beside the flood."""

    def __init__(self, kind: Kind, flood: Flood, *, honest: Honest, machine: Machine, seed: int = 1) -> None:
        self.kind, self.flood, self.honest, self.machine = kind, flood, honest, machine
        self.chance = random.Random(seed)  # noqa: S311 - a simulation
        self.ledger = Ledger(kind)
        self.queues = {False: Queue(limits.TURNS_PER_MINUTE[str(kind)]), True: Queue(limits.TURNS_LATE_PER_MINUTE)}
        self.calm, self.pressed = Seen(), Seen()
        self.power, self.solved_until = 0.0, HOUR
        self.waiting: dict[int, _Event] = {}
        self.minute: dict[tuple[str, int], int] = defaultdict(int)
        self.later: list[tuple[float, int, str]] = []
        self.numbers = 0

    def run(self) -> World:
        events = [*self._people(0), *self._people(HOUR), *self._attack()]
        heapq.heapify(events)
        next_watch = 0.0
        while events:
            event = heapq.heappop(events)
            self._let_others_go(event.at)
            while next_watch <= event.at:
                self._watch(next_watch)
                next_watch += 60
            again = self._flood(event) if event.is_flood else self._citizen(event)
            if again:
                heapq.heappush(events, again)
        self._let_others_go(2 * HOUR)
        late = [event for event in self.waiting.values() if not event.is_flood]
        self.pressed.shut_out += len(late)
        return self

    def _seen(self, at: float) -> Seen:
        return self.calm if at < HOUR else self.pressed

    def _number(self) -> int:
        self.numbers += 1
        return self.numbers

    def _people(self, begin: float) -> list[_Event]:
        found = []
        for person in range(self.honest.people):
            carrier = self.chance.random() < self.honest.behind_carriers
            address = f"carrier {self.chance.randrange(self.honest.carriers)}" if carrier else f"home {person}"
            found.append(_Event(begin + self.chance.random() * HOUR * 0.95, self._number(), address))
        return found

    def _attack(self) -> Iterator[_Event]:
        for each in range(self.flood.requests):
            at = HOUR + HOUR * each / self.flood.requests
            yield _Event(at, self._number(), f"flood {each % self.flood.addresses}", is_flood=True)

    # A citizen.

    def _citizen(self, event: _Event) -> _Event | None:
        found, seen = self.ledger.look(event.address, event.address, event.at), self._seen(event.at)
        if found.level < Level.PRESSURE:
            self._count(event)
            seen.waits.append(0.0)
            return self._goes_on(event, event.at)
        seen.noticed += 1
        if self.chance.random() < self.honest.without_script:
            self._count(event)
            self._wait(event, found)
            return None
        trials = self.chance.random() * limits.PROOF_TRIALS * found.price
        took = trials * limits.PROOF_COST / self.machine.phone
        if self.kind == Kind.PASSWORD:  # solved while the person types
            took = max(0.0, took - self.honest.reads_before)
            seen.noticed -= not took
        else:
            took += self.machine.round_trip
        self._count(event)
        seen.waits.append(took)
        return self._goes_on(event, event.at + took)

    def _goes_on(self, event: _Event, at: float) -> _Event | None:
        """The code is typed in, or the password was right; or another try."""
        if self.kind == Kind.CODE:
            if self.chance.random() < self.honest.use_their_code:
                delay = self.chance.lognormvariate(0, 0.5) * self.honest.typing
                heapq.heappush(self.later, (at + delay, int(event.at), event.address))
            return None
        if self.chance.random() < self.honest.right_at_once or event.tries >= 4:
            self.ledger.credit(event.address, event.address, at, f"person {event.number}")
            return None
        return _Event(at + 20, event.number, event.address, tries=event.tries + 1)

    # The flood.

    def _flood(self, event: _Event) -> None:
        minute = (event.address, int(event.at // 60))
        self.minute[minute] += 1
        if self.minute[minute] > limits.POSTS_PER_ADDRESS:
            return
        found = self.ledger.look(event.address, event.address, event.at)
        self._count(event)
        if found.level < Level.PRESSURE:
            self.pressed.caused += 1
            return
        self.power += (event.at - self.solved_until) * self.flood.cores * self.machine.core
        self.solved_until = event.at
        costs = limits.PROOF_TRIALS * found.price * limits.PROOF_COST / 2
        if self.power >= costs:
            self.power -= costs
            self.pressed.caused += 1
            self.pressed.by_proof += 1
            return
        self._wait(event, found)

    # Everybody.

    def _count(self, event: _Event) -> None:
        self.ledger.count(event.address, event.address, event.at)

    def _wait(self, event: _Event, found: Conduct) -> None:
        self.waiting[event.number] = event
        is_late = found.rank > limits.TURN_IS_LATE
        self.queues[is_late].take(event.number, event.address, found.rank, event.at)

    def _let_others_go(self, now: float) -> None:
        while self.later and self.later[0][0] <= now:
            _at, tried_at, address = heapq.heappop(self.later)
            self.ledger.credit(address, address, tried_at)
        for number, at in [called for queue in self.queues.values() for called in queue.called(now)]:
            event = self.waiting.pop(number)
            if event.is_flood:
                self.pressed.caused += 1
                self.pressed.by_turn += 1
            else:
                self._seen(event.at).waits.append(at - event.at)
                self._goes_on(event, at)

    def _watch(self, now: float) -> None:
        level = self.ledger.population(now)
        if level and now >= HOUR and self.pressed.alarm_after is None:
            self.pressed.alarm_after = now - HOUR
