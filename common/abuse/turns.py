"""The queue of requests without proof of work: lets a set number through each minute, in turns of their networks.

The `rank` of a place is how much its network has asked for in vain within the hour (`Conduct.rank`), so a thousandth
request comes after everybody's first one, and high ranks have a slow queue of their own. One place for each `name`. The
number of rows is limited.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from common import limits
from common.abuse.origins import Origin
from common.leases import lock_name
from common.models import Turn
from common.secrets import keyed_hash

_MINUTE = timedelta(minutes=1)


def take(*, queue: str, name: str, origin: Origin, rank: int, reference: str = "") -> int:
    """Take a place in `queue` for `name`, or find the one it has; returns the seconds until its turn (0: now).

    `reference`: what `call` returns for it.
    """
    key, now = _key(queue, name), timezone.now()
    row = Turn.objects.filter(queue=queue, name=key, created_at__gt=now - limits.TURN_LIFE).first()
    if row is None or (row.called_at and row.called_at <= now - limits.TURN_SERVES):
        _make_room(queue, origin)
        facts = {"reference": reference, "rank": rank, "created_at": now, "called_at": None, **_whence(origin)}
        row, _ = Turn.objects.update_or_create(queue=queue, name=key, defaults=facts)
    return _wait(row)


def wait(*, queue: str, name: str) -> int:
    """The seconds until the turn of `name`, if nobody with a lower rank comes in between; 0: it has come, or there is
    no place."""
    row = Turn.objects.filter(queue=queue, name=_key(queue, name)).first()
    return _wait(row) if row else 0


def renews(seconds: int) -> int:
    """After how many seconds a page without script reloads itself, if the turn comes in `seconds`."""
    soonest, latest = (int(span.total_seconds()) for span in limits.TURN_RENEWS)
    return max(soonest, min(seconds, latest))


def call(queue: str) -> list[str]:
    """Call those whose turn it is by now; returns their references. For a worker and for pages."""
    with transaction.atomic():
        lock_name(f"turns:{queue}")
        now = timezone.now()
        Turn.objects.filter(queue=queue, created_at__lte=now - limits.TURN_LIFE).delete()
        called = [row for is_late in (False, True) for row in _due(queue, is_late, now)]
        Turn.objects.filter(pk__in=[row.pk for row in called]).update(called_at=now)
    return [row.reference for row in called]


def use(*, queue: str, name: str) -> bool:
    """Whether the turn of `name` has come; it is used up then. Of two callers at once only one gets it."""
    since = timezone.now() - limits.TURN_SERVES
    mine = Turn.objects.filter(queue=queue, name=_key(queue, name), called_at__gt=since)
    return bool(mine.delete()[0])  # one statement


def grant(*, queue: str, name: str, origin: Origin) -> None:
    """Let the turn of `name` come at once, whoever waits."""
    now = timezone.now()
    facts = {"reference": "", "rank": 0, "created_at": now, "called_at": now, **_whence(origin)}
    Turn.objects.update_or_create(queue=queue, name=_key(queue, name), defaults=facts)


def leave(*, queue: str, name: str) -> None:
    """Delete the place of `name`: a proof of work came."""
    Turn.objects.filter(queue=queue, name=_key(queue, name), called_at__isnull=True).delete()


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete places from before `before`; returns how many."""
    old = Turn.objects.filter(created_at__lt=before)
    return old.count() if dry_run else old.delete()[0]


def _due(queue: str, is_late: bool, now: datetime) -> list[Turn]:
    """Those whose turn it is now, of the late ones or of the others: each group has a rate of its own."""
    called = Turn.objects.filter(queue=queue, called_at__gt=now - _MINUTE, called_at__lte=now)
    most = _per_minute(queue, is_late) - called.filter(_which(is_late)).count()
    return list(_waiting(queue).filter(_which(is_late)).order_by("rank", "created_at", "pk")[: max(0, most)])


def _wait(row: Turn) -> int:
    if row.called_at:
        return 0
    is_late = row.rank > limits.TURN_IS_LATE
    sooner = Q(rank__lt=row.rank) | Q(rank=row.rank, created_at__lt=row.created_at)
    before = _waiting(row.queue).filter(sooner, _which(is_late)).count()
    return math.ceil((before + 1) * 60 / _per_minute(row.queue, is_late))


def _per_minute(queue: str, is_late: bool) -> int:
    return limits.TURNS_LATE_PER_MINUTE if is_late else limits.TURNS_PER_MINUTE[queue]


def _which(is_late: bool) -> Q:
    return Q(rank__gt=limits.TURN_IS_LATE) if is_late else Q(rank__lte=limits.TURN_IS_LATE)


def _make_room(queue: str, origin: Origin) -> None:
    """If the network has too many places, delete the oldest one of its address that has the most, so that one address
    does not displace its neighbours. If the queue has too many, delete the newest one of the highest rank."""
    waiting = _waiting(queue)
    near = waiting.filter(network=origin.network)
    if near.count() >= limits.TURNS_OF_NETWORK:
        fullest = near.order_by().values("address").annotate(places=Count("pk")).order_by("-places", "address").first()
        _drop(near.filter(address=fullest["address"] if fullest else "").order_by("created_at", "pk"))
    elif waiting.count() >= limits.TURNS_AT_MOST:
        _drop(waiting.order_by("-rank", "-created_at", "-pk"))


def _whence(origin: Origin) -> dict[str, str]:
    return {"address": origin.address, "network": origin.network}


def _drop(rows: QuerySet[Turn]) -> None:
    Turn.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:1])).delete()


def _waiting(queue: str) -> QuerySet[Turn]:
    return Turn.objects.filter(queue=queue, called_at__isnull=True)


def _key(queue: str, name: str) -> str:
    return keyed_hash("turn", f"{queue}:{name}")[:32]
