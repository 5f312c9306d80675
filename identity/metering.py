"""What inquiries cost, counted per Tehran day before they are made: nothing that costs money is ever uncounted.

At the day's cap nothing more is asked that day. Registries that are not on the network cost nothing and are not
counted. The caps are settings (IDENTITY_DAILY_INQUIRIES, IDENTITY_DAILY_COST), the costs options of each registry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from identity import configuration
from identity.configuration import PERSON
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


@dataclass(frozen=True, slots=True)
class Place:
    """An inquiry that is counted on `day` and may be made. `then`: so is one about the person, at this registry."""

    registry: str
    question: str
    day: date
    then: str = ""


def reserve(registry: str, question: str, wanted: int, *, then: str = "") -> list[Place]:
    """Count up to `wanted` inquiries that are about to be made: all, where there is no cap, in one statement. Under a
    cap a tenth of what the day still may see, one at least: what one worker counts and does not use yet, no other has.
    None is left: nothing. Call it outside a transaction: what is asked stays counted.

    `then` is the registry that is asked about the person next. Under a cap its place is counted with the owner's:
    else owners would use up the day, and nobody be decided about.
    """
    most = caps()
    if most == Caps(0, 0):
        return _count(Place(registry, question, timezone.localdate()), wanted)
    place = Place(registry, question, timezone.localdate(), then)
    with transaction.atomic():
        lock_name(_LOCK)
        left = _left(place, most)
        return _count(place, min(wanted, left and max(left // 10, 1)))


def give_back(places: Iterable[Place]) -> None:
    """These were certainly not asked for."""
    asked = [(place.registry, place.question, place.day) for each in places for place in _apart(each)]
    for (registry, question, day), count in Counter(asked).items():
        price = configuration.cost(registry, question)
        rows = Inquiries.objects.filter(day=day, registry=registry, question=question)
        enough = rows.filter(count__gte=count, cost__gte=count * price)
        enough.update(count=F("count") - count, cost=F("cost") - count * price)


class Purse:
    """The places that one round has counted and not used. Use it in one thread, and `settle` at the end."""

    def __init__(self) -> None:
        self._places: list[Place] = []

    def take(self, registry: str, question: str, *, wanted: int, then: str = "", persons: int = 0) -> Place | None:
        """A place for one inquiry; where there is none here, up to `wanted` are reserved. None: the day is used up.

        `persons` wait here for their question: what is kept for more of them is given back before `then` needs any.
        """
        then = then if caps() != Caps(0, 0) else ""
        found = self._find(registry, question, then)
        if found:
            return found
        if then:
            self.settle(keep=persons)
        self._places += reserve(registry, question, wanted, then=then)
        return self._find(registry, question, then)

    def put(self, place: Place) -> None:
        """`place` was not used after all."""
        self._places.append(place)

    def asked_first(self, place: Place) -> None:
        """The owner's half of `place` was used: the other half is for whoever is asked about as a person next."""
        if place.then:
            self._places.append(Place(place.then, PERSON, place.day))

    def settle(self, keep: int = 0) -> None:
        """Give back what is left, without as many places for persons as `keep` says."""
        kept: list[Place] = []
        rest: list[Place] = []
        for place in self._places:
            (kept if place.question == PERSON and len(kept) < keep else rest).append(place)
        give_back(rest)
        self._places = kept

    def _find(self, registry: str, question: str, then: str) -> Place | None:
        for number, place in enumerate(self._places):
            if (place.registry, place.question, place.then) == (registry, question, then):
                return self._places.pop(number)
        return None


def _apart(place: Place) -> list[Place]:
    """Each inquiry of `place` by itself."""
    first = Place(place.registry, place.question, place.day)
    return [first, Place(place.then, PERSON, place.day)] if place.then else [first]


def _left(place: Place, most: Caps) -> int:
    """How many of `place` the day still may see."""
    today = Inquiries.objects.filter(day=place.day)
    seen = today.aggregate(inquiries=Sum("count", default=0), cost=Sum("cost", default=0))
    each = _apart(place)
    price = sum(configuration.cost(one.registry, one.question) for one in each)
    rooms = []
    if most.inquiries:
        rooms.append((most.inquiries - seen["inquiries"]) // len(each))
    if most.cost and price:
        rooms.append((most.cost - seen["cost"]) // price)
    return max(min(rooms), 0) if rooms else 10**9


def _count(place: Place, number: int) -> list[Place]:
    for each in _apart(place) if number else []:
        _count_one(each, number)
    return [place] * number


def _count_one(place: Place, number: int) -> None:
    key = {"day": place.day, "registry": place.registry, "question": place.question}
    row = Inquiries.objects.filter(**key)
    more = {
        "count": F("count") + number,
        "cost": F("cost") + number * configuration.cost(place.registry, place.question),
    }
    if row.update(**more):
        return
    Inquiries.objects.bulk_create([Inquiries(**key)], ignore_conflicts=True)
    row.update(**more)
    alarms.clear(AlarmCode.DAILY_CAP)  # a new day
