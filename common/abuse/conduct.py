"""Counts what is tried and how much of it comes to a good end, per address, network, number prefix and all together.

The count says how an address behaves, not how much it asks: ten thousand honest people behind one operator's address
use most of their codes, and most of their sign-ins succeed; someone who floods, pumps SMS or sprays passwords uses next
to nothing. Tries and good ends of the last hour are counted for each address (IPv4, IPv6 /64), network (/24, /48), ten
thousand neighbouring numbers (a prefix), and for all together (the population). `look` returns the level of each.
Levels fall by themselves as the hour goes on. Nobody is refused here.

The counts are rows (`Tally`), written by one statement at a time (docs/decisions/0022).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Sum
from django.utils import timezone

from common import limits
from common.abuse.levels import Conduct, Level, Sums, judge, level_of
from common.abuse.origins import Origin
from common.models import Tally
from common.secrets import keyed_hash

__all__ = [
    "Around",
    "Conduct",
    "Kind",
    "Level",
    "Mark",
    "around",
    "around_statement",
    "count",
    "count_statement",
    "credit",
    "credit_known",
    "look",
    "loudest",
    "mark_of",
    "population",
    "purge",
    "slot_of",
]
SLOT = int(limits.CONDUCT_SLOT.total_seconds())
_AROUND = ("address", "network")
_SHARDS = 8  # rows of the population's count, so that concurrent requests do not wait for one row


class Kind(StrEnum):
    """What is counted, and what its good end is."""

    CODE = "code"  # an SMS was asked for; its code was used
    PASSWORD = "password"  # noqa: S105 - tried at a sign-in; it was right, and the person got in
    STATUS = "status"  # a national ID and a tracking code; they belong together


class _Scope(NamedTuple):
    """Where tries are counted together. `about`: how `loudest` finds the scope, if it is an address or a network."""

    name: str
    key: str
    about: str


class _Counted(NamedTuple):
    """What is added to a row."""

    scope: str
    shard: int
    tried: int
    good: int
    about: str


def count(*, kind: Kind, origin: Origin, is_own_fault: bool = False, sent_to: str = "") -> None:
    """Count one try, in one statement: committed before this returns, or with the caller's transaction, of which it has
    to be the last statement about conduct (see `_upsert`).

    `sent_to`: the prefix of the number that is sent a message for it, which is counted with it (`count_sent`).
    `is_own_fault`: the try was held back because of its own address. Then the network is not charged: otherwise one
    address could put a whole network under pressure, by requests that cost it nothing.
    """
    _add(_blamed(_scopes(kind, origin, sent_to), is_own_fault), slot_of(timezone.now()), tried=1, good=0)


def credit(*, kind: Kind, origin: Origin, prefix: str = "", tried_at: datetime | None = None, who: str = "") -> None:
    """Count a good end of a try that was counted at `tried_at` (default: now).

    `who`: who succeeded (an account, a request). It is credited once an hour at each of a few addresses, so that nobody
    can hide a thousand wrong guesses behind a thousand sign-ins to an own account, or vouch for a thousand addresses.
    Some more successes of it there count neither for nor against the address; further ones stay tries, because each
    costs a hash.
    """
    slot = slot_of(tried_at or timezone.now())
    mark = mark_of(kind=kind, origin=origin, who=who, slot=slot) if who else None
    _credit(kind, origin, prefix, slot, mark, _marked(mark) if mark else {})


def credit_known(*, kind: Kind, origin: Origin, mark: Mark, marked: Mapping[int, int]) -> None:
    """As `credit` of `mark`'s `who`, now, where what is marked is known already (`Around.marked`). One statement."""
    _credit(kind, origin, "", mark.slot, mark, marked)


def count_sent(*, kind: Kind, prefix: str) -> None:
    """Count a message to a number that begins with `prefix`. In the caller's transaction."""
    _add([_Scope("prefix", _scope(kind, "prefix", prefix), "")], slot_of(timezone.now()), tried=1, good=0)


def look(*, kind: Kind, origin: Origin, prefix: str = "") -> Conduct:
    """The conduct of the scopes that a request of `kind` belongs to. One statement, by hand: at each sign-in and
    each request for a code Django would take longer to write it than the database to answer."""
    scopes = {scope.name: scope.key for scope in _scopes(kind, origin, prefix)}
    now = slot_of(timezone.now())
    statement = (
        f"SELECT scope, slot, SUM(tried), SUM(good) FROM {_table()} "  # noqa: S608 - the model's table
        f"WHERE scope IN ({', '.join(['%s'] * len(scopes))}) AND slot > %s AND slot <= %s GROUP BY scope, slot"
    )
    found: dict[str, list[tuple[int, int, int]]] = {scope: [] for scope in scopes.values()}
    with connection.cursor() as cursor:
        cursor.execute(statement, [*scopes.values(), now - _slots(limits.CONDUCT_WITHIN), now])
        for scope, slot, tried, good in cursor.fetchall():
            found[scope].append((slot, tried, good))
    return judge({name: sums_of(kind, found[scope], now) for name, scope in scopes.items()})


class Mark(NamedTuple):
    """Where the good ends of somebody are marked: those of one hour, each address in a shard."""

    scope: str
    shard: int
    slot: int


@dataclass(frozen=True, slots=True)
class Around:
    """What `around_statement` found. `marked`: how many good ends somebody has had, by the shards of addresses."""

    conduct: Conduct
    marked: Mapping[int, int]


def around_statement(*, kind: Kind, origin: Origin, mark: Mark) -> tuple[str, list[Any]]:
    """A statement, and its values, whose rows (name, slot, shard, tried, good) `around` reads: for who puts it into one
    of their own, by UNION ALL."""
    table, scopes = _table(), [scope.key for scope in _scopes(kind, origin, "")]
    now = slot_of(timezone.now())
    statement = (
        f"SELECT scope, slot, 0, SUM(tried), SUM(good) FROM {table} "  # noqa: S608 - the model's table
        f"WHERE scope IN ({', '.join(['%s'] * len(scopes))}) AND slot > %s AND slot <= %s GROUP BY scope, slot "
        f"UNION ALL SELECT scope, 0, shard, 0, SUM(good) FROM {table} WHERE scope = %s GROUP BY scope, shard"
    )
    return statement, [*scopes, now - _slots(limits.CONDUCT_WITHIN), now, mark.scope]


def around(*, kind: Kind, origin: Origin, mark: Mark, rows: Iterable[tuple[str, int, int, int, int]]) -> Around:
    """What the rows of `around_statement` say: as `look`, and what is marked; other names are left alone."""
    scopes, now = {scope.name: scope.key for scope in _scopes(kind, origin, "")}, slot_of(timezone.now())
    found: dict[str, list[tuple[int, int, int]]] = {key: [] for key in scopes.values()}
    marked = {}
    for name, slot, shard, tried, good in rows:
        if name in found:
            found[name].append((slot, int(tried), int(good)))
        elif name == mark.scope:
            marked[shard] = int(good)
    return Around(judge({name: sums_of(kind, found[key], now) for name, key in scopes.items()}), marked)


def mark_of(*, kind: Kind, origin: Origin, who: str, slot: int | None = None) -> Mark:
    """Where a good end of `who` at this address is marked, in the hour of `slot` (default: now)."""
    slot = slot_of(timezone.now()) if slot is None else slot
    hour = slot // _slots(timedelta(hours=1))
    scope = keyed_hash("conduct", f"credited:{hour}:{kind}:{who}")[:32]
    return Mark(scope, int(keyed_hash("conduct", f"credited at:{origin.address}")[:4], 16) % 32_768, slot)


def sums_of(kind: Kind, rows: list[tuple[int, int, int]], now: int) -> Sums:
    """The sums of one scope's rows (slot, tried, good) in the slot `now`."""
    ripe = sum(tried - good for slot, tried, good in rows if kind != Kind.CODE or slot < now - 1)
    return Sums(sum(row[1] for row in rows), sum(row[2] for row in rows), max(0, ripe))


def population(kind: Kind) -> tuple[Level, int, int]:
    """The level of all together, how much was tried within the hour, and how much of it came to a good end."""
    now = slot_of(timezone.now())
    rows = Tally.objects.filter(
        scope=_scope(kind, "population", ""), slot__gt=now - _slots(limits.CONDUCT_WITHIN), slot__lte=now
    )
    slots = rows.values_list("slot").annotate(Sum("tried"), Sum("good"))
    sums = sums_of(kind, [(slot, tried, good) for slot, tried, good in slots], now)
    return level_of("population", sums), sums.tried, sums.good


def loudest(kind: Kind) -> tuple[str, int, int] | None:
    """The address or network with the most tries without a good end within the hour, if they alone are enough for all
    together to be watched, and its level is pressure: among many successful requests it would not be noticed otherwise.
    Returns what it is ("address", "network"), its tries and its good ends. Codes that may still be used are not
    counted. One statement."""
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
    """The number of the time slot (`limits.CONDUCT_SLOT`) that `moment` is in."""
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


def _credit(kind: Kind, origin: Origin, prefix: str, slot: int, mark: Mark | None, marked: Mapping[int, int]) -> None:
    """Mark a good end, if there is a mark and it is not one address too many; and count it for what it is here."""
    if mark and mark.shard not in marked and len(marked) >= limits.CONDUCT_ADDRESSES_OF_ONE:
        return
    before = marked.get(mark.shard, 0) if mark else 0
    counted = (0, 1) if before == 0 else (-1, 0)
    rows = _tallied(_scopes(kind, origin, prefix), *counted) if before <= limits.CONDUCT_REPEATS_OF_ONE else []
    if mark:
        rows.append(_Counted(mark.scope, mark.shard, 0, 1, ""))
    _upsert(rows, slot)


def _marked(mark: Mark) -> dict[int, int]:
    return dict(Tally.objects.filter(scope=mark.scope).values_list("shard").annotate(Sum("good")))


def _add(scopes: list[_Scope], slot: int, *, tried: int, good: int) -> None:
    _upsert(_tallied(scopes, tried, good), slot)


def _tallied(scopes: list[_Scope], tried: int, good: int) -> list[_Counted]:
    return [
        _Counted(scope.key, secrets.randbelow(_SHARDS) if scope.name == "population" else 0, tried, good, scope.about)
        for scope in scopes
    ]


def count_statement(*, kind: Kind, origin: Origin) -> tuple[str, list[Any]]:
    """The statement of `count`, and its values: for who puts it into one of their own, by WITH."""
    return _upsert_statement(_tallied(_scopes(kind, origin, ""), tried=1, good=0), slot_of(timezone.now()))


def _table() -> str:
    return connection.ops.quote_name(Tally._meta.db_table)


def _upsert(rows: list[_Counted], slot: int) -> None:
    statement, values = _upsert_statement(rows, slot)
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def _upsert_statement(rows: list[_Counted], slot: int) -> tuple[str, list[Any]]:
    """Add to `rows`, in an order, so that two requests cannot deadlock; nor can a transaction that has one such
    statement after all its other locks."""
    values = [
        value for scope, shard, tried, good, about in sorted(rows) for value in (scope, slot, shard, tried, good, about)
    ]
    table = _table()
    statement = (
        f"INSERT INTO {table} (scope, slot, shard, tried, good, about) "  # noqa: S608 - the model's table
        f"VALUES {', '.join(['(%s, %s, %s, %s, %s, %s)'] * len(rows))} ON CONFLICT (scope, slot, shard) "
        f"DO UPDATE SET tried = {table}.tried + excluded.tried, good = {table}.good + excluded.good"
    )
    return statement, values
