"""Counts inquiries to registries on the network and what they cost, per day (Tehran time), and enforces the daily caps.

An inquiry is counted before it is made, so that a worker that is killed leaves none uncounted; one that was not made
is subtracted again. At a cap nothing more is asked that day. Registries that are not on the network cost nothing and
are not counted. The caps are settings (IDENTITY_DAILY_INQUIRIES, IDENTITY_DAILY_COST; 0: no cap), the costs are
options of each registry, in rials.

A batch reserves several inquiries in one transaction (`Reservations`): a conditional UPDATE for each call takes 30 to
60 times as long for an inquiry (docs/decisions/0033-what-was-weighed-again.md).
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

from common import alarms
from common.leases import lock_name
from common.models import AlarmCode
from identity import configuration
from identity.configuration import PERSON
from identity.models import Inquiries

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
    """The most inquiries, and the highest cost in rials, of one day at all registries together; 0: no limit."""

    inquiries: int
    cost: int


def caps() -> Caps:
    return Caps(settings.IDENTITY_DAILY_INQUIRIES, settings.IDENTITY_DAILY_COST)


def usage(day: date | None = None) -> list[Usage]:
    """What was counted on `day` (default: today), per registry and question."""
    rows = Inquiries.objects.filter(day=day or timezone.localdate()).order_by("registry", "question")
    return [Usage(row.registry, row.question, row.count, row.cost) for row in rows]


@dataclass(frozen=True, slots=True)
class Reservation:
    """One inquiry that is counted on `day` and may be made.

    With `person_registry`, an inquiry about the person at that registry is counted as well: it follows the inquiry
    about the owner.
    """

    registry: str
    question: str
    day: date
    person_registry: str = ""


def reserve(registry: str, question: str, wanted: int, *, person_registry: str = "") -> list[Reservation]:
    """Count up to `wanted` inquiries that are about to be made, and return a reservation for each; [] at a cap.

    Without a cap all are counted, in one statement. Under a cap at most a tenth of what is left of the day, but one at
    least: what one worker has reserved is not available to the others. Call it outside a transaction, so that the
    count is committed before the inquiry is made.

    `person_registry` is the registry that is asked about the person afterwards. Under a cap that inquiry is counted
    together with the owner's: otherwise inquiries about owners could use up the day, and no request could be decided.
    """
    most = caps()
    if most == Caps(0, 0):
        return _count(Reservation(registry, question, timezone.localdate()), wanted)
    reservation = Reservation(registry, question, timezone.localdate(), person_registry)
    with transaction.atomic():
        lock_name(_LOCK)
        left = _left(reservation, most)
        return _count(reservation, min(wanted, left and max(left // 10, 1)))


def give_back(reservations: Iterable[Reservation]) -> None:
    """Subtract inquiries that were counted and certainly not made."""
    counted = [(single.registry, single.question, single.day) for each in reservations for single in _singles(each)]
    for (registry, question, day), count in Counter(counted).items():
        price = configuration.cost(registry, question)
        rows = Inquiries.objects.filter(day=day, registry=registry, question=question)
        enough = rows.filter(count__gte=count, cost__gte=count * price)
        enough.update(count=F("count") - count, cost=F("cost") - count * price)


class Reservations:
    """The reservations of one batch that are not used yet. Use it in one thread, and call `release` at the end."""

    def __init__(self) -> None:
        self._unused: list[Reservation] = []

    def take(
        self, registry: str, question: str, *, wanted: int, person_registry: str = "", persons: int = 0
    ) -> Reservation | None:
        """A reservation for one inquiry; None if the day is used up. If none is unused, up to `wanted` are reserved.

        `persons` inquiries about persons are waiting in this batch. Before anything is reserved with a
        `person_registry`, unused reservations are released, except as many for persons as are waiting.
        """
        person_registry = person_registry if caps() != Caps(0, 0) else ""
        found = self._find(registry, question, person_registry)
        if found:
            return found
        if person_registry:
            self.release(keep=persons)
        self._unused += reserve(registry, question, wanted, person_registry=person_registry)
        return self._find(registry, question, person_registry)

    def put_back(self, reservation: Reservation) -> None:
        """The inquiry of `reservation` was not made; another one may use it."""
        self._unused.append(reservation)

    def keep_person(self, reservation: Reservation) -> None:
        """The inquiry about the owner was made. Keep what was reserved for the person, for any person of this batch."""
        if reservation.person_registry:
            self._unused.append(Reservation(reservation.person_registry, PERSON, reservation.day))

    def release(self, keep: int = 0) -> None:
        """Give back the unused reservations, except up to `keep` of those about persons."""
        kept: list[Reservation] = []
        rest: list[Reservation] = []
        for reservation in self._unused:
            (kept if reservation.question == PERSON and len(kept) < keep else rest).append(reservation)
        give_back(rest)
        self._unused = kept

    def _find(self, registry: str, question: str, person_registry: str) -> Reservation | None:
        wanted = (registry, question, person_registry)
        for number, each in enumerate(self._unused):
            if (each.registry, each.question, each.person_registry) == wanted:
                return self._unused.pop(number)
        return None


def _singles(reservation: Reservation) -> list[Reservation]:
    """`reservation` as one reservation per inquiry: the owner's and, if there is one, the person's."""
    first = Reservation(reservation.registry, reservation.question, reservation.day)
    if not reservation.person_registry:
        return [first]
    return [first, Reservation(reservation.person_registry, PERSON, reservation.day)]


def _left(reservation: Reservation, most: Caps) -> int:
    """How many reservations like this one the day has room for."""
    today = Inquiries.objects.filter(day=reservation.day)
    counted = today.aggregate(inquiries=Sum("count", default=0), cost=Sum("cost", default=0))
    singles = _singles(reservation)
    price = sum(configuration.cost(single.registry, single.question) for single in singles)
    rooms = []
    if most.inquiries:
        rooms.append((most.inquiries - counted["inquiries"]) // len(singles))
    if most.cost and price:
        rooms.append((most.cost - counted["cost"]) // price)
    return max(min(rooms), 0) if rooms else 10**9


def _count(reservation: Reservation, number: int) -> list[Reservation]:
    for single in _singles(reservation) if number else []:
        _count_one(single, number)
    return [reservation] * number


def _count_one(reservation: Reservation, number: int) -> None:
    key = {"day": reservation.day, "registry": reservation.registry, "question": reservation.question}
    row = Inquiries.objects.filter(**key)
    more = {
        "count": F("count") + number,
        "cost": F("cost") + number * configuration.cost(reservation.registry, reservation.question),
    }
    if row.update(**more):
        return
    Inquiries.objects.bulk_create([Inquiries(**key)], ignore_conflicts=True)
    row.update(**more)
    alarms.clear(AlarmCode.DAILY_CAP)  # a new day
