"""What inquiries cost, counted per Tehran day before they are made: nothing that costs money is ever uncounted.

At the day's cap nothing more is asked that day. Registries that are not on the network cost nothing and are not
counted. The caps are settings (IDENTITY_DAILY_INQUIRIES, IDENTITY_DAILY_COST), the costs options of each registry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from identity import configuration
from identity.models import Inquiries
from tamin_portal import alarms
from tamin_portal.leases import lock_name
from tamin_portal.models import AlarmCode

_LOCK = "identity.inquiries"


@dataclass(frozen=True, slots=True)
class Usage:
    """What one registry was asked on one day, and what that cost in rials."""

    registry: str
    question: str
    inquiries: int
    cost: int


@dataclass(frozen=True, slots=True)
class Caps:
    """How much a day may see of all registries together; 0: no limit."""

    inquiries: int
    cost: int


def caps() -> Caps:
    return Caps(settings.IDENTITY_DAILY_INQUIRIES, settings.IDENTITY_DAILY_COST)


def usage(day: date | None = None) -> list[Usage]:
    """By registry and question, on `day` (today)."""
    rows = Inquiries.objects.filter(day=day or timezone.localdate()).order_by("registry", "question")
    return [Usage(row.registry, row.question, row.count, row.cost) for row in rows]


def reserve(registry: str, question: str, wanted: int) -> int:
    """Count `wanted` inquiries that are about to be made, or as many as the day still may see; returns how many.
    One statement where there is no cap. Call it outside a transaction: what is asked stays counted."""
    price, most = configuration.cost(registry, question), caps()
    if most == Caps(0, 0):
        _count(registry, question, wanted, wanted * price)
        return wanted
    with transaction.atomic():
        lock_name(_LOCK)
        granted = min(wanted, _left(price, most))
        if granted:
            _count(registry, question, granted, granted * price)
    return granted


def give_back(registry: str, question: str, count: int) -> None:
    """`count` reserved inquiries were certainly not made."""
    price = configuration.cost(registry, question)
    rows = Inquiries.objects.filter(registry=registry, question=question, count__gte=count, cost__gte=count * price)
    last = rows.order_by("-day").values("pk")[:1]  # a round may end after midnight
    Inquiries.objects.filter(pk__in=last).update(count=F("count") - count, cost=F("cost") - count * price)


def _left(price: int, most: Caps) -> int:
    today = Inquiries.objects.filter(day=timezone.localdate())
    seen = today.aggregate(inquiries=Sum("count", default=0), cost=Sum("cost", default=0))
    rooms = []
    if most.inquiries:
        rooms.append(most.inquiries - seen["inquiries"])
    if most.cost and price:
        rooms.append((most.cost - seen["cost"]) // price)
    return max(min(rooms), 0) if rooms else 10**9


def _count(registry: str, question: str, count: int, cost: int) -> None:
    day = timezone.localdate()
    row = Inquiries.objects.filter(day=day, registry=registry, question=question)
    more = {"count": F("count") + count, "cost": F("cost") + cost}
    if row.update(**more):
        return
    Inquiries.objects.bulk_create([Inquiries(day=day, registry=registry, question=question)], ignore_conflicts=True)
    row.update(**more)
    alarms.clear(AlarmCode.DAILY_CAP)  # a new day
