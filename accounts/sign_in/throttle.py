"""Throttles wrong tries by growing pauses: at both sign-ins, the current password in the profile, the status page.

A try is counted before it is compared, in a transaction of its own, so that parallel guesses cannot exceed the free
tries. A right password deletes what was counted. A right pair at the status page takes back its own try only: one ID
has several right pairs, because a stranger's request has a tracking code too.

- A trusted device carries a signed cookie and has a bucket of its own (`accounts.sessions.devices`), and so has a
  browser that has just proven the account's mobile by a code: failures of strangers never delay the owner there.
- Any other device counts in two buckets: the account from this address, and, with more free tries, the account from all
  unknown devices together (against a guesser with many addresses). The first tries of an address that has made none do
  not wait for the second bucket: such a guesser must not keep out the owner, who has one address. Addresses can be had
  by the thousand, so these spare tries are counted as well (`Spares`): of each network, and of the account.
- At the status page no device is known: an address waits only for its own tries and those of its network. The tries of
  all addresses together make its pauses begin sooner and last longer (`Bucket.waits`): a stranger at another address
  never delays anybody who types the pair without a mistake. A stranger at the owner's own address can
  (docs/decisions/0012).

An ID without an account is counted like any other. Only keyed hashes are stored; after a change of the hash key what
was counted is forgotten, which gives a guesser the free tries once more (docs/runbook.md, Keys). Why no library is
used: docs/decisions/0004-sign-in-throttle.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import SignInFailures
from common import backoff, limits
from common.errors import PortalError
from common.leases import lock_name
from common.prepared import Prepared
from common.secrets import keyed_hash, keyed_hashes

_counted = Prepared(lambda values: SignInFailures.objects.filter(account=values[0], device__in=values[1:]).order_by())


@dataclass(frozen=True)
class Spares:
    """Tries that do not wait for a bucket: those of an address with fewer than `of_address` tries in the first bucket,
    while every one of the `counters` (its keyed hash, and how many a day) has some left."""

    of_address: int
    counters: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Bucket:
    """A counter of tries, by the keyed hash of a device, with its free tries and its pauses.

    `waits`: False when nobody waits for this bucket; the pause that its count requires is then waited in the other
    buckets, after a try there, at most for as long as their `serves`. `spares`: the tries that pass while this bucket
    is closed.
    """

    device: str
    free: int = limits.SIGN_IN_FREE_FAILURES
    longest: timedelta = limits.SIGN_IN_LONGEST_PAUSE
    first: timedelta = limits.SIGN_IN_FIRST_PAUSE
    waits: bool = True
    serves: timedelta = timedelta(0)
    spares: Spares | None = None


def account_key(*, kind: str, name: str) -> str:
    """The keyed hash of a typed name; `kind` (citizen, staff, status, profile) separates the pages."""
    return keyed_hash("sign-in account", f"{kind}:{name}")


def account_keys(*, kind: str, name: str) -> list[str]:
    """As `account_key`, one for each hash key: a device's cookie may hold any of them."""
    return keyed_hashes("sign-in account", f"{kind}:{name}")


def buckets(*, device: str, address: str, network: str = "", proof: str = "") -> list[Bucket]:
    """The buckets in which a try counts. `device`: the known device, or ""; `network`: the network of the address
    (`common.abuse.origins`); `proof`: the proof of the account's mobile that this browser holds, or "". A proof goes
    before a device: it passes even while the device has to pause."""
    if proof:
        return [Bucket(keyed_hash("sign-in device", f"proof:{proof}"))]
    if device:
        return [Bucket(keyed_hash("sign-in device", f"known:{device}"))]
    return [
        Bucket(keyed_hash("sign-in device", f"address:{address}")),
        Bucket(
            keyed_hash("sign-in device", "anywhere"),
            limits.SIGN_IN_ELSEWHERE_FREE_FAILURES,
            limits.SIGN_IN_ELSEWHERE_LONGEST_PAUSE,
            spares=Spares(
                limits.SIGN_IN_ELSEWHERE_SPARES,
                (
                    (keyed_hash("sign-in device", f"spares:{network}"), limits.SIGN_IN_SPARES_OF_NETWORK),
                    (keyed_hash("sign-in device", "spares"), limits.SIGN_IN_SPARES_A_DAY),
                ),
            ),
        ),
    ]


def buckets_of_status(*, address: str, network: str = "") -> list[Bucket]:
    """The buckets in which a try at the status page counts: this address and its network, which wait, and all addresses
    together, which make the pauses begin sooner after some tries, and last longer after very many."""
    longest, first = limits.STATUS_LONGEST_PAUSE, limits.STATUS_FIRST_PAUSE
    here, around, anywhere, crowd = (
        keyed_hash("sign-in device", name)
        for name in (f"address:{address}", f"network:{network}", "anywhere", "anywhere, very many")
    )
    return [
        Bucket(here, limits.STATUS_FREE_FAILURES, longest, first, serves=limits.STATUS_CROWD_LONGEST_PAUSE),
        Bucket(around, limits.STATUS_NETWORK_FREE_FAILURES, longest, first),
        Bucket(anywhere, limits.STATUS_ELSEWHERE_FREE_FAILURES, longest, first, waits=False),
        Bucket(crowd, limits.STATUS_CROWD_FREE_FAILURES, limits.STATUS_CROWD_LONGEST_PAUSE, first, waits=False),
    ]


def count_try(*, account: str, where: list[Bucket], write: Callable[[list[SignInFailures]], int] | None = None) -> int:
    """Count one try; it is committed when this returns. Call it before the try is compared. `write`: writes the rows,
    and what else belongs to the try, in the same transaction; its result is returned.

    Raises PortalError("sign_in_pause", seconds=…) during a pause; such a try is not counted, so that trying again never
    makes a pause longer.
    """
    with transaction.atomic(durable=True):
        lock_name(f"sign-in:{account}")
        now = timezone.now()
        devices = [*devices_of(where), *(name for bucket in where for name, _most in _counters(bucket))]
        rows = {row.device: row for row in _counted.all([account, *devices])}
        shut = {bucket.device: until for bucket in where if (until := _closed_until(rows, bucket, now)) > now}
        spared = [bucket for bucket in where if bucket.device in shut and _has_spares(rows, where, bucket, now)]
        waits = [until for device, until in shut.items() if device not in devices_of(spared)]
        if waits:
            raise PortalError("sign_in_pause", seconds=math.ceil((max(waits) - now).total_seconds()))
        return (write or _write)([*_try_rows(rows, account, where, now), *_spare_rows(rows, account, spared, now)])


def _write(rows: list[SignInFailures]) -> int:
    changed = ["count", "last_at", "blocked_until"]
    SignInFailures.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["account", "device"], update_fields=changed
    )
    return len(rows)


def forget(*, account: str, where: list[Bucket]) -> None:
    """Delete what was counted in these buckets: the password was right."""
    SignInFailures.objects.filter(account=account, device__in=devices_of(where)).delete()


def take_back(*, account: str, where: list[Bucket]) -> None:
    """Uncount this try, which was right, and end its pause. The wrong tries before it stay counted."""
    counted = SignInFailures.objects.filter(account=account, device__in=devices_of(where), count__gt=0)
    counted.update(count=F("count") - 1, blocked_until=None)


def pause_after(tries: int, bucket: Bucket) -> timedelta:
    """The pause after `tries` wrong tries in a row: none after the free ones, then doubling up to the longest."""
    if tries <= bucket.free:
        return timedelta(0)
    return backoff.doubling_exactly(tries - bucket.free, first=bucket.first, longest=bucket.longest)


def _closed_until(rows: dict[str, SignInFailures], bucket: Bucket, now: datetime) -> datetime:
    """Until when this bucket is closed; `now` when it is open.

    A pause longer than the longest of the bucket does not count: the clock was put back.
    """
    until = rows[bucket.device].blocked_until if bucket.device in rows else None
    return until if until and until <= now + max(bucket.longest, bucket.serves) else now


def _has_spares(rows: dict[str, SignInFailures], where: list[Bucket], bucket: Bucket, now: datetime) -> bool:
    """Whether this try passes although `bucket` is closed."""
    if bucket.spares is None or _tries_made(rows, where[0].device, now) >= bucket.spares.of_address:
        return False
    return all(_tries_made(rows, name, now) < most for name, most in bucket.spares.counters)


def _counters(bucket: Bucket) -> tuple[tuple[str, int], ...]:
    return bucket.spares.counters if bucket.spares else ()


def _tries_made(rows: dict[str, SignInFailures], device: str, now: datetime) -> int:
    row = rows.get(device)
    return row.count if row and row.last_at >= now - limits.SIGN_IN_FORGET_AFTER else 0


def _spare_rows(
    rows: dict[str, SignInFailures], account: str, spared: list[Bucket], now: datetime
) -> list[SignInFailures]:
    """The rows of the spare counters that this try uses, each with one more. They are forgotten a day after their first
    try: otherwise a few tries every day would keep them used up for ever."""
    spent = []
    for name, _most in {counter for bucket in spared for counter in _counters(bucket)}:
        made = _tries_made(rows, name, now)
        since = rows[name].last_at if made else now
        spent.append(SignInFailures(account=account, device=name, count=made + 1, last_at=since))
    return spent


def _try_rows(
    rows: dict[str, SignInFailures], account: str, where: list[Bucket], now: datetime
) -> list[SignInFailures]:
    """The rows of this try: one more in each bucket, and until when the buckets that wait are closed."""
    counted, served = [], timedelta(0)
    for bucket in where:
        count = _tries_made(rows, bucket.device, now) + 1
        counted.append(SignInFailures(account=account, device=bucket.device, count=count, last_at=now))
        if not bucket.waits:
            served = max(served, pause_after(count, bucket))
    for row, bucket in zip(counted, where, strict=True):
        pause = max(pause_after(row.count, bucket), min(served, bucket.serves)) if bucket.waits else timedelta(0)
        row.blocked_until = now + pause if pause else None
    return counted


def devices_of(where: list[Bucket]) -> list[str]:
    """The keyed hashes under which the tries of these buckets are counted."""
    return [bucket.device for bucket in where]
