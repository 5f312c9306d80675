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
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F, Sum
from django.utils import timezone

from common import limits
from common.abuse.levels import Conduct, Level, Sums, judge, level_of
from common.abuse.origins import Origin
from common.models import Tally
from common.secrets import keyed_hash

__all__ = [
    "Conduct",
    "Kind",
    "Level",
    "count",
    "credit",
    "look",
    "loudest",
    "population",
    "purge",
    "slot_of",
    "take_back",
]
SLOT = int(limits.CONDUCT_SLOT.total_seconds())
_AROUND = ("address", "network")
_SHARDS = 8  # rows of the whole population's count: concurrent requests do not wait for one row


class Kind(StrEnum):
    """What is counted, and what a good end of it is."""

    CODE = "code"  # an SMS was asked for; its code was used
    PASSWORD = "password"  # noqa: S105 - tried at a sign-in; it was right, and the person got in
    STATUS = "status"  # a national ID and a tracking code; they belong together


class _Scope(NamedTuple):
    """Where tries are counted together. `about`: what `loudest` finds it by, if it is an address or a network."""

    name: str
    key: str
    about: str


def count(*, kind: Kind, origin: Origin, is_own_fault: bool = False) -> None:
    """One more try, committed before this returns; for the neighbours of a number see `count_sent`.

    `is_own_fault`: it was held back for what its address has done. The neighbours do not pay for it: else one line
    would put a whole network under pressure, by requests that cost it nothing.
    """
    _add(_blamed(_scopes(kind, origin, ""), is_own_fault), slot_of(timezone.now()), tried=1, good=0)


def credit(*, kind: Kind, origin: Origin, prefix: str = "", tried_at: datetime | None = None, who: str = "") -> None:
    """A try that was counted at `tried_at` (now, if not given) came to a good end.

    `who`: whose success it is; counted once an hour at each of a few addresses, so that nobody hides a thousand wrong
    guesses behind a thousand sign-ins to an account of their own, or speaks for a thousand addresses. Some more of
    theirs there speak neither for the address nor against it; further ones stay tries, for each costs a hash.
    """
    slot = slot_of(tried_at or timezone.now())
    before = _good_before(f"{kind}:{who}", origin, slot) if who else 0
    if before == 0:
        _add(_scopes(kind, origin, prefix), slot, tried=0, good=1)
    elif before is not None and before <= limits.CONDUCT_REPEATS_OF_ONE:
        _add(_scopes(kind, origin, prefix), slot, tried=-1, good=0)


def count_sent(*, kind: Kind, prefix: str) -> None:
    """A message went to one of the numbers that begin with `prefix`. In the caller's transaction."""
    _add([_Scope("prefix", _scope(kind, "prefix", prefix), "")], slot_of(timezone.now()), tried=1, good=0)


def take_back(*, kind: Kind, origin: Origin, is_own_fault: bool = False) -> None:
    """What was just counted has caused nothing, and is not counted. It is no good end."""
    _add(_blamed(_scopes(kind, origin, ""), is_own_fault), slot_of(timezone.now()), tried=-1, good=0)


def look(*, kind: Kind, origin: Origin, prefix: str = "") -> Conduct:
    """How those stand that a request of `kind` belongs to. One statement."""
    scopes = {scope.name: scope.key for scope in _scopes(kind, origin, prefix)}
    now = slot_of(timezone.now())
    rows = Tally.objects.filter(scope__in=scopes.values(), slot__gt=now - _slots(limits.CONDUCT_WITHIN), slot__lte=now)
    found: dict[str, list[tuple[int, int, int]]] = {scope: [] for scope in scopes.values()}
    for scope, *row in rows.values_list("scope", "slot").annotate(Sum("tried"), Sum("good")):
        found[scope].append((row[0], row[1], row[2]))
    return judge({name: sums_of(kind, found[scope], now) for name, scope in scopes.items()})


def sums_of(kind: Kind, rows: list[tuple[int, int, int]], now: int) -> Sums:
    """What one scope's rows (slot, tried, good) come to in the slot `now`."""
    ripe = sum(tried - good for slot, tried, good in rows if kind != Kind.CODE or slot < now - 1)
    return Sums(sum(row[1] for row in rows), sum(row[2] for row in rows), max(0, ripe))


def population(kind: Kind) -> tuple[Level, int, int]:
    """The level of all together, how much was tried within the hour, and how much of it came to something."""
    now = slot_of(timezone.now())
    rows = Tally.objects.filter(
        scope=_scope(kind, "population", ""), slot__gt=now - _slots(limits.CONDUCT_WITHIN), slot__lte=now
    )
    slots = rows.values_list("slot").annotate(Sum("tried"), Sum("good"))
    sums = sums_of(kind, [(slot, tried, good) for slot, tried, good in slots], now)
    return level_of("population", sums), sums.tried, sums.good


def loudest(kind: Kind) -> tuple[str, int, int] | None:
    """The address or network of which most came to nothing within the hour, if that alone is as much as makes all
    together be watched, and its level pressure: among very many who succeed nobody would see it. Its name ("address",
    "network"), how much was tried there, and how much of it came to something. Codes that may still be used say nothing
    yet. One statement.
    """
    now = slot_of(timezone.now())
    over = now - 2 if kind == Kind.CODE else now
    rows = Tally.objects.filter(
        about__in=[_about(kind, name) for name in _AROUND], slot__gt=now - _slots(limits.CONDUCT_WITHIN), slot__lte=over
    )
    sums = (
        rows.values("scope", "about").annotate(all=Sum("tried"), used=Sum("good")).annotate(vain=F("all") - F("used"))
    )
    times = max(limits.CONDUCT_TIMES[name][1] for name in _AROUND)
    loud = sums.filter(vain__gte=limits.CONDUCT_FLOORS["population"][0], vain__gt=F("used") * times)
    row = loud.order_by("-vain", "about").first()
    return (row["about"].partition(":")[2], row["all"], row["used"]) if row else None


def slot_of(moment: datetime) -> int:
    return int(moment.timestamp() // SLOT)


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete tallies from before `before`; returns how many."""
    old = Tally.objects.filter(slot__lt=slot_of(before))
    return old.count() if dry_run else old.delete()[0]


def _scopes(kind: Kind, origin: Origin, prefix: str) -> list[_Scope]:
    return [
        _Scope(name, _scope(kind, name, value), _about(kind, name) if name in _AROUND else "")
        for name, value in (
            ("address", origin.address),
            ("network", origin.network),
            ("prefix", prefix),
            ("population", ""),
        )
        if value or name != "prefix"
    ]


def _blamed(scopes: list[_Scope], is_own_fault: bool) -> list[_Scope]:
    return [scope for scope in scopes if not (is_own_fault and scope.name == "network")]


def _scope(kind: Kind, name: str, value: str) -> str:
    return keyed_hash("conduct", f"{kind}:{name}:{value}")[:32]


def _about(kind: Kind, name: str) -> str:
    return f"{kind}:{name}"


def _slots(span: timedelta) -> int:
    return int(span.total_seconds()) // SLOT


def _add(scopes: list[_Scope], slot: int, *, tried: int, good: int) -> None:
    _upsert(sorted(_rows(scopes)), slot, tried=tried, good=good)


def _upsert(rows: list[tuple[str, int, str]], slot: int, *, tried: int, good: int) -> None:
    """`rows` (scope, shard, about) always in the same order: no two requests wait for each other in a circle."""
    values = [value for scope, shard, about in rows for value in (scope, slot, shard, tried, good, about)]
    table = connection.ops.quote_name(Tally._meta.db_table)
    statement = (
        f"INSERT INTO {table} (scope, slot, shard, tried, good, about) "  # noqa: S608 - the model's table
        f"VALUES {', '.join(['(%s, %s, %s, %s, %s, %s)'] * len(rows))} ON CONFLICT (scope, slot, shard) "
        f"DO UPDATE SET tried = {table}.tried + excluded.tried, good = {table}.good + excluded.good"
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def _rows(scopes: list[_Scope]) -> Iterator[tuple[str, int, str]]:
    for scope in scopes:
        yield scope.key, secrets.randbelow(_SHARDS) if scope.name == "population" else 0, scope.about


def _good_before(who: str, origin: Origin, slot: int) -> int | None:
    """How many good ends `who` had at this address in the hour of `slot`, now one more; None: elsewhere at enough."""
    hour = slot // _slots(timedelta(hours=1))
    mark = keyed_hash("conduct", f"credited:{hour}:{who}")[:32]
    shard = int(keyed_hash("conduct", f"credited at:{origin.address}")[:4], 16) % 32_768
    marked = dict(Tally.objects.filter(scope=mark).values_list("shard").annotate(Sum("good")))
    if shard not in marked and len(marked) >= limits.CONDUCT_ADDRESSES_OF_ONE:
        return None
    _upsert([(mark, shard, "")], slot, tried=0, good=1)
    return int(marked.get(shard, 0))
