"""Growing pauses between wrong tries: both sign-ins, per account and device, and the status page.

Every try is counted before it is looked at, in a transaction of its own, so that parallel guesses
cannot exceed what is free. A right password forgets what was counted; a right pair at the status page only
its own try, for one ID has several right pairs: a stranger's request has a tracking code too.

- A device that its owner called their own carries a signed cookie and has a bucket of its own (`accounts.devices`),
  and so has a browser that has just proven the account's mobile by a code: no stranger's failures ever hold the owner
  there.
- Any other device counts in two buckets: the account from this address, and, looser, the account
  from all unknown devices together (a guesser with many addresses). The first tries of an address that has made none
  do not wait for the latter: a guesser with many addresses must not keep the owner out, who has one.
- The status page needs no device to be known: an address waits only for its own tries. Those of all
  addresses together make its pauses begin sooner (`Bucket.waits`), so that no stranger at another address ever
  holds anybody. Who shares the owner's address can (docs/decisions/0012).

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
from tamin_portal import limits
from tamin_portal.errors import PortalError
from tamin_portal.leases import lock_name
from tamin_portal.secrets import keyed_hash, keyed_hashes


@dataclass(frozen=True)
class Bucket:
    """Where tries are counted: a device's keyed hash, and how patient we are with it.

    `waits` False: nobody waits here; the pause that its count asks for is waited at the others, after a try there.
    `spares`: whoever has made fewer tries than this in the first of the buckets does not wait here.
    """

    device: str
    free: int = limits.SIGN_IN_FREE_FAILURES
    longest: timedelta = limits.SIGN_IN_LONGEST_PAUSE
    first: timedelta = limits.SIGN_IN_FIRST_PAUSE
    waits: bool = True
    spares: int = 0


def account_key(*, kind: str, name: str) -> str:
    """The keyed hash of a name as typed; `kind` (citizen, staff, status) keeps the pages apart."""
    return keyed_hash("sign-in account", f"{kind}:{name}")


def account_keys(*, kind: str, name: str) -> list[str]:
    """As `account_key`, under every key: what a device's cookie may know the account by."""
    return keyed_hashes("sign-in account", f"{kind}:{name}")


def buckets(*, device: str, address: str, proof: str = "") -> list[Bucket]:
    """Where a try counts. `device`: which known device it is, or "" when it is not known; `proof`: which proof of the
    account's mobile this browser holds, if it does. That one comes first: it gets even through a pause of the device.
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
            spares=limits.SIGN_IN_ELSEWHERE_SPARES,
        ),
    ]


def buckets_of_status(*, address: str) -> list[Bucket]:
    """Where a try at the status page counts: this address, which waits, and all addresses together."""
    longest, first = limits.STATUS_LONGEST_PAUSE, limits.STATUS_FIRST_PAUSE
    here, anywhere = (keyed_hash("sign-in device", name) for name in (f"address:{address}", "anywhere"))
    return [
        Bucket(here, limits.STATUS_FREE_FAILURES, longest, first),
        Bucket(anywhere, limits.STATUS_ELSEWHERE_FREE_FAILURES, longest, first, waits=False),
    ]


def count_try(*, account: str, where: list[Bucket]) -> None:
    """Count one try, committed before this returns. Call it before the try is looked at.

    Raises PortalError("sign_in_pause", seconds=…) while a pause lasts; such a try is not counted,
    so that trying again never makes a pause longer.
    """
    with transaction.atomic(durable=True):
        lock_name(f"sign-in:{account}")
        now = timezone.now()
        rows = {row.device: row for row in SignInFailures.objects.filter(account=account, device__in=_devices(where))}
        until = _until(rows, where, now)
        if until > now:
            raise PortalError("sign_in_pause", seconds=math.ceil((until - now).total_seconds()))
        SignInFailures.objects.bulk_create(
            _counted(rows, account, where, now),
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
    doublings = min(tries - bucket.free - 1, 30)  # enough for any longest pause, no overflow
    return min(bucket.first * 2**doublings, bucket.longest)


def _until(rows: dict[str, SignInFailures], where: list[Bucket], now: datetime) -> datetime:
    """Until when a try from here waits; `now`: it does not.

    Nor for a pause that is longer than its bucket has any: the clock was put back.
    """
    own = rows.get(where[0].device)
    made = own.count if own and own.last_at >= now - limits.SIGN_IN_FORGET_AFTER else 0
    closed = [(rows[bucket.device].blocked_until, bucket) for bucket in where if bucket.device in rows]
    waited = [until for until, bucket in closed if until and until <= now + bucket.longest and made >= bucket.spares]
    return max([now, *waited])


def _counted(rows: dict[str, SignInFailures], account: str, where: list[Bucket], now: datetime) -> list[SignInFailures]:
    """The rows of this try: one more in each bucket, and until when those that wait are closed."""
    counted, served = [], timedelta(0)
    for bucket in where:
        row = rows.get(bucket.device)
        fresh = row is None or row.last_at < now - limits.SIGN_IN_FORGET_AFTER
        count = 1 if fresh or row is None else row.count + 1
        counted.append(SignInFailures(account=account, device=bucket.device, count=count, last_at=now))
        if not bucket.waits:
            served = max(served, pause_after(count, bucket))
    for row, bucket in zip(counted, where, strict=True):
        pause = max(pause_after(row.count, bucket), served) if bucket.waits else timedelta(0)
        row.blocked_until = now + pause if pause else None
    return counted


def _devices(where: list[Bucket]) -> list[str]:
    return [bucket.device for bucket in where]
