"""Growing pauses between wrong tries: both sign-ins, per account and device, and the status page.

Every try is counted before it is looked at, in a transaction of its own, so that parallel guesses
cannot exceed what is free. A right password forgets what was counted; a right pair at the status page only
its own try, for one ID has several right pairs: a stranger's request has a tracking code too.

- A device that its owner called their own carries a signed cookie and has a bucket of its own
  (`accounts.sessions.devices`), and so has a browser that has just proven the account's mobile by a code: no stranger's
  failures ever hold the owner there.
- Any other device counts in two buckets: the account from this address, and, looser, the account
  from all unknown devices together (a guesser with many addresses). The first tries of an address that has made none
  do not wait for the latter: a guesser with many addresses must not keep the owner out, who has one. Addresses can be
  had by the thousand, so these spare tries are counted as well (`Spares`): those of a network, and all of the account.
- The status page needs no device to be known: an address waits only for its own tries, and its network's. Those of all
  addresses together make its pauses begin sooner, and longer (`Bucket.waits`), so that no stranger at another address
  ever holds anybody who types the pair without a mistake. Who shares the owner's address can (docs/decisions/0012).

An ID nobody holds is counted like any other. Only keyed hashes are stored; with a new key what was counted is
forgotten, which gives a guesser one more free round (docs/runbook.md, Keys). Why not a library:
docs/decisions/0004-sign-in-throttle.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import SignInFailures
from common import backoff, limits
from common.errors import PortalError
from common.leases import lock_name
from common.secrets import keyed_hash, keyed_hashes


@dataclass(frozen=True)
class Spares:
    """Tries that do not wait for a bucket: `of_address` for who has made fewer in the first of the buckets, as long as
    the counters (a device's keyed hash, and how many a day) have some left."""

    of_address: int
    counters: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Bucket:
    """Where tries are counted: a device's keyed hash, and how patient we are with it.

    `waits` False: nobody waits here; the pause that its count asks for is waited at those that `serve` so long a one,
    after a try there.
    `spares`: who does not wait here although everybody else does.
    """

    device: str
    free: int = limits.SIGN_IN_FREE_FAILURES
    longest: timedelta = limits.SIGN_IN_LONGEST_PAUSE
    first: timedelta = limits.SIGN_IN_FIRST_PAUSE
    waits: bool = True
    serves: timedelta = timedelta(0)
    spares: Spares | None = None


def account_key(*, kind: str, name: str) -> str:
    """The keyed hash of a name as typed; `kind` (citizen, staff, status) keeps the pages apart."""
    return keyed_hash("sign-in account", f"{kind}:{name}")


def account_keys(*, kind: str, name: str) -> list[str]:
    """As `account_key`, under every key: what a device's cookie may know the account by."""
    return keyed_hashes("sign-in account", f"{kind}:{name}")


def buckets(*, device: str, address: str, network: str = "", proof: str = "") -> list[Bucket]:
    """Where a try counts. `device`: which known device it is, or "" when it is not known; `proof`: which proof of the
    account's mobile this browser holds, if it does. That one comes first: it gets even through a pause of the device.
    `network`: what the address lies in (`common.abuse.origins`).
    """
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
    """Where a try at the status page counts: this address and its network, which wait, and all addresses together: past
    some tries they make pauses begin sooner, and past very many longer."""
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


def count_try(*, account: str, where: list[Bucket]) -> None:
    """Count one try, committed before this returns. Call it before the try is looked at.

    Raises PortalError("sign_in_pause", seconds=…) while a pause lasts; such a try is not counted,
    so that trying again never makes a pause longer.
    """
    with transaction.atomic(durable=True):
        lock_name(f"sign-in:{account}")
        now = timezone.now()
        devices = [*_devices(where), *(name for bucket in where for name, _most in _counters(bucket))]
        rows = {row.device: row for row in SignInFailures.objects.filter(account=account, device__in=devices)}
        shut = {bucket.device: until for bucket in where if (until := _closed_until(rows, bucket, now)) > now}
        spared = [bucket for bucket in where if bucket.device in shut and _has_spares(rows, where, bucket, now)]
        waits = [until for device, until in shut.items() if device not in _devices(spared)]
        if waits:
            raise PortalError("sign_in_pause", seconds=math.ceil((max(waits) - now).total_seconds()))
        SignInFailures.objects.bulk_create(
            [*_try_rows(rows, account, where, now), *_spare_rows(rows, account, spared, now)],
            update_conflicts=True,
            unique_fields=["account", "device"],
            update_fields=["count", "last_at", "blocked_until"],
        )


def forget(*, account: str, where: list[Bucket]) -> None:
    """The password was right: what was counted here is forgotten."""
    SignInFailures.objects.filter(account=account, device__in=_devices(where)).delete()


def take_back(*, account: str, where: list[Bucket]) -> None:
    """This try was right: it is not counted, and asks for no pause. The wrong ones before it stay."""
    counted = SignInFailures.objects.filter(account=account, device__in=_devices(where), count__gt=0)
    counted.update(count=F("count") - 1, blocked_until=None)


def pause_after(tries: int, bucket: Bucket) -> timedelta:
    """How long to wait after `tries` wrong ones in a row: nothing, then doubling up to the longest."""
    if tries <= bucket.free:
        return timedelta(0)
    return backoff.doubling_exactly(tries - bucket.free, first=bucket.first, longest=bucket.longest)


def _closed_until(rows: dict[str, SignInFailures], bucket: Bucket, now: datetime) -> datetime:
    """Until when this bucket is shut; `now`: it is not.

    Nor by a pause that is longer than it has any: the clock was put back.
    """
    until = rows[bucket.device].blocked_until if bucket.device in rows else None
    return until if until and until <= now + max(bucket.longest, bucket.serves) else now


def _has_spares(rows: dict[str, SignInFailures], where: list[Bucket], bucket: Bucket, now: datetime) -> bool:
    """Whether this try does not wait for `bucket`, although it is shut."""
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
    """One more in each counter of the spare try that this one is. They are forgotten a day after the first of them:
    who comes a little every day must not keep them used up for ever."""
    spent = []
    for name, _most in {counter for bucket in spared for counter in _counters(bucket)}:
        made = _tries_made(rows, name, now)
        since = rows[name].last_at if made else now
        spent.append(SignInFailures(account=account, device=name, count=made + 1, last_at=since))
    return spent


def _try_rows(
    rows: dict[str, SignInFailures], account: str, where: list[Bucket], now: datetime
) -> list[SignInFailures]:
    """The rows of this try: one more in each bucket, and until when those that wait are closed."""
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


def _devices(where: list[Bucket]) -> list[str]:
    return [bucket.device for bucket in where]
