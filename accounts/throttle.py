"""Growing pauses between wrong passwords, per account and device. Both sign-ins use it.

Every try is counted before the password is looked at, in a transaction of its own, so that
parallel guesses cannot exceed what is free. A right password forgets what was counted.

- A device on which this account signed in before carries a signed cookie and has a bucket of its
  own: no stranger's failures ever hold the owner there.
- Any other device counts in two buckets: the account from this address, and, looser, the account
  from all unknown devices together (a guesser with many addresses).

An ID nobody holds is counted like any other. Only keyed hashes are stored. Why not a library:
docs/decisions/0004-sign-in-throttle.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import SignInFailures
from tamin_portal import limits
from tamin_portal.errors import PortalError
from tamin_portal.leases import lock_name
from tamin_portal.secrets import keyed_hash


@dataclass(frozen=True)
class Bucket:
    """Where tries are counted: a device's keyed hash, and how patient we are with it."""

    device: str
    free: int = limits.SIGN_IN_FREE_FAILURES
    longest: timedelta = limits.SIGN_IN_LONGEST_PAUSE


def account_key(*, kind: str, name: str) -> str:
    """The keyed hash of an account as typed; `kind` (citizen, staff) keeps the two sign-ins apart."""
    return keyed_hash("sign-in account", f"{kind}:{name}")


def buckets(*, device: str, address: str) -> list[Bucket]:
    """Where a try counts. `device`: the known device's secret, or "" when it is not known."""
    if device:
        return [Bucket(keyed_hash("sign-in device", f"known:{device}"))]
    return [
        Bucket(keyed_hash("sign-in device", f"address:{address}")),
        Bucket(
            keyed_hash("sign-in device", "anywhere"),
            limits.SIGN_IN_ELSEWHERE_FREE_FAILURES,
            limits.SIGN_IN_ELSEWHERE_LONGEST_PAUSE,
        ),
    ]


def count_try(*, account: str, where: list[Bucket]) -> None:
    """Count one try, committed before this returns. Call it before the password is looked at.

    Raises PortalError("sign_in_pause", seconds=…) while a pause lasts; such a try is not counted,
    so that trying again never makes a pause longer.
    """
    with transaction.atomic(durable=True):
        lock_name(f"sign-in:{account}")
        now = timezone.now()
        rows = {row.device: row for row in SignInFailures.objects.filter(account=account, device__in=_devices(where))}
        until = max((row.blocked_until for row in rows.values() if row.blocked_until), default=now)
        if until > now:
            raise PortalError("sign_in_pause", seconds=math.ceil((until - now).total_seconds()))
        SignInFailures.objects.bulk_create(
            [_counted(rows.get(bucket.device), account, bucket, now) for bucket in where],
            update_conflicts=True,
            unique_fields=["account", "device"],
            update_fields=["count", "last_at", "blocked_until"],
        )


def forget(*, account: str, where: list[Bucket]) -> None:
    """The password was right: what was counted here is forgotten."""
    SignInFailures.objects.filter(account=account, device__in=_devices(where)).delete()


def pause_after(tries: int, bucket: Bucket) -> timedelta:
    """How long to wait after `tries` wrong ones in a row: nothing, then doubling up to the longest."""
    if tries <= bucket.free:
        return timedelta(0)
    doublings = min(tries - bucket.free - 1, 30)  # enough for any longest pause, no overflow
    return min(limits.SIGN_IN_FIRST_PAUSE * 2**doublings, bucket.longest)


def _counted(row: SignInFailures | None, account: str, bucket: Bucket, now: datetime) -> SignInFailures:
    fresh = row is None or row.last_at < now - limits.SIGN_IN_FORGET_AFTER
    count = 1 if fresh or row is None else row.count + 1
    pause = pause_after(count, bucket)
    return SignInFailures(
        account=account,
        device=bucket.device,
        count=count,
        last_at=now,
        blocked_until=now + pause if pause else None,
    )


def _devices(where: list[Bucket]) -> list[str]:
    return [bucket.device for bucket in where]
