"""How well what was asked for was used: not how much an address asks, but how much of it came to something.

Ten thousand honest people behind one carrier's address use most of their codes, and most of their sign-ins succeed;
who floods, pumps or sprays uses next to nothing. So tries and good ends are counted over the last hour for each
address (IPv4, IPv6 /64), network (/24, /48) and ten thousand neighbouring numbers, and for all together, and `look`
says at which level each stands. Levels fall by themselves as the hour goes on. Nobody is refused here.

Counted in the database, in committed steps of their own (docs/decisions/0022).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from tamin_portal import limits
from tamin_portal.abuse.origins import Origin
from tamin_portal.models import Tally
from tamin_portal.secrets import keyed_hash

SLOT = int(limits.CONDUCT_SLOT.total_seconds())
_SHARDS = 8  # rows of the whole population's count: concurrent requests do not wait for one row


class Kind(StrEnum):
    """What is counted, and what a good end of it is."""

    CODE = "code"  # an SMS was asked for; its code was used
    PASSWORD = "password"  # noqa: S105 - tried at a sign-in; it was right, and the person got in
    STATUS = "status"  # a national ID and a tracking code; they belong together


class Level(IntEnum):
    NORMAL = 0
    WATCH = 1  # operators hear of it
    PRESSURE = 2  # what costs an SMS or a hash is paid for with proof of work, or waited for


@dataclass(frozen=True, slots=True)
class Conduct:
    """The levels of one request's surroundings. `proven`: something good came from its address within the hour."""

    address: Level = Level.NORMAL
    network: Level = Level.NORMAL
    prefix: Level = Level.NORMAL
    population: Level = Level.NORMAL
    proven: bool = False

    @property
    def here(self) -> Level:
        """Of the address and its network."""
        return max(self.address, self.network)

    @property
    def level(self) -> Level:
        """What this request meets. An address whose people succeed does not pay for what others do."""
        around = max(self.prefix, self.population)
        return max(self.here, min(around, Level.WATCH) if self.is_good else around)

    @property
    def is_good(self) -> bool:
        """Nothing speaks against the address, and while there is an attack something speaks for it."""
        calm = max(self.prefix, self.population) == Level.NORMAL
        return self.here == Level.NORMAL and (self.proven or calm)


def count(*, kind: Kind, origin: Origin, prefix: str = "") -> None:
    """One more try, committed before this returns. `prefix`: the first digits of the number, where there is one."""
    _add(_scopes(kind, origin, prefix), slot_of(timezone.now()), tried=1, good=0)


def credit(*, kind: Kind, origin: Origin, prefix: str = "", tried_at: datetime | None = None, who: str = "") -> None:
    """A try that was counted at `tried_at` (now, if not given) came to a good end.

    `who`: whose success it is; counted once an hour for each person and address, so that nobody hides a thousand
    wrong guesses behind a thousand sign-ins to an account of their own.
    """
    slot = slot_of(tried_at or timezone.now())
    if who and not _is_first(f"{kind}:{origin.address}:{who}", slot):
        return
    _add(_scopes(kind, origin, prefix), slot, tried=0, good=1)


def take_back(*, kind: Kind, origin: Origin, prefix: str = "") -> None:
    """What was just counted has caused nothing, and is not counted."""
    _add(_scopes(kind, origin, prefix), slot_of(timezone.now()), tried=0, good=1)


def look(*, kind: Kind, origin: Origin, prefix: str = "") -> Conduct:
    """How those stand that a request of `kind` belongs to. One statement."""
    scopes = dict(_scopes(kind, origin, prefix))
    now = slot_of(timezone.now())
    rows = Tally.objects.filter(scope__in=scopes.values(), slot__gt=now - _slots(limits.CONDUCT_WITHIN), slot__lte=now)
    sums: dict[str, list[int]] = {scope: [0, 0, 0] for scope in scopes.values()}
    for scope, slot, tried, good in rows.values_list("scope", "slot").annotate(Sum("tried"), Sum("good")):
        sums[scope][0] += tried
        sums[scope][1] += good
        is_ripe = kind != Kind.CODE or slot < now - 1  # a younger code may still be used
        sums[scope][2] += tried - good if is_ripe else 0
    levels = {name: _judge(name, *sums[scope]) for name, scope in scopes.items()}
    return Conduct(**levels, proven=sums[scopes["address"]][1] > 0)


def population(kind: Kind) -> tuple[Level, int, int]:
    """The level of all together, how much was tried within the hour, and how much of it came to something."""
    now = slot_of(timezone.now())
    rows = Tally.objects.filter(
        scope=_scope(kind, "population", ""), slot__gt=now - _slots(limits.CONDUCT_WITHIN), slot__lte=now
    ).aggregate(tried=Sum("tried"), good=Sum("good"))
    tried, good = rows["tried"] or 0, rows["good"] or 0
    return _judge("population", tried, good, tried - good), tried, good


def slot_of(moment: datetime) -> int:
    return int(moment.timestamp() // SLOT)


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete tallies from before `before`; returns how many."""
    old = Tally.objects.filter(slot__lt=slot_of(before))
    return old.count() if dry_run else old.delete()[0]


def _judge(name: str, tried: int, good: int, ripe: int) -> Level:
    """By what came to nothing: at least so much, and more than came to something. `ripe`: what of it is over; of all
    the rest a part is only on its way, so that much more of it is borne."""
    unused, bears = tried - good, 1 if name == "population" else limits.CONDUCT_FRESH_TIMES
    watch, pressure = limits.CONDUCT_FLOORS[name]
    for level, floor, times in ((Level.PRESSURE, pressure, 2), (Level.WATCH, watch, 1)):
        if unused > good * times and (ripe >= floor or unused >= floor * bears):
            return level
    return Level.NORMAL


def _scopes(kind: Kind, origin: Origin, prefix: str) -> list[tuple[str, str]]:
    return [
        (name, _scope(kind, name, value))
        for name, value in (
            ("address", origin.address),
            ("network", origin.network),
            ("prefix", prefix),
            ("population", ""),
        )
        if value or name != "prefix"
    ]


def _scope(kind: Kind, name: str, value: str) -> str:
    return keyed_hash("conduct", f"{kind}:{name}:{value}")[:32]


def _slots(span: timedelta) -> int:
    return int(span.total_seconds()) // SLOT


def _add(scopes: list[tuple[str, str]], slot: int, *, tried: int, good: int) -> None:
    rows = sorted(_rows(scopes))  # always in the same order: no two requests wait for each other in a circle
    values = [value for scope, shard in rows for value in (scope, slot, shard, tried, good)]
    table = connection.ops.quote_name(Tally._meta.db_table)
    statement = (
        f"INSERT INTO {table} (scope, slot, shard, tried, good) "  # noqa: S608 - the model's table
        f"VALUES {', '.join(['(%s, %s, %s, %s, %s)'] * len(rows))} ON CONFLICT (scope, slot, shard) "
        f"DO UPDATE SET tried = {table}.tried + excluded.tried, good = {table}.good + excluded.good"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def _rows(scopes: list[tuple[str, str]]) -> Iterator[tuple[str, int]]:
    for name, scope in scopes:
        yield scope, secrets.randbelow(_SHARDS) if name == "population" else 0


def _is_first(who: str, slot: int) -> bool:
    """Whether this is the first good end of `who` in the hour of `slot`."""
    hour = slot // _slots(timedelta(hours=1))
    mark = Tally(scope=keyed_hash("conduct", f"credited:{hour}:{who}")[:32], slot=slot, shard=0)
    before = Tally.objects.filter(scope=mark.scope).exists()
    if not before:
        Tally.objects.bulk_create([mark], ignore_conflicts=True)
    return not before
