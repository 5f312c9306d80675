"""Lists the branches of a city, for pages that anybody may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from urllib.parse import quote

from django.conf import settings

from accounts.models import Branch
from common.persian import name_key


@dataclass(frozen=True, slots=True)
class Place:
    """A branch, and the address of its place on a map; empty where nobody has said where it is."""

    branch: Branch
    map_link: str


@dataclass(frozen=True, slots=True)
class Nearby:
    """`city`: as it was asked for, or the person's own; its branches are `places`; and all `cities` that have any.

    Where the city has none, `around` has the branches of the same `province`, each city with its own."""

    city: str
    places: list[Place]
    cities: list[str] = field(default_factory=list)
    province: str = ""
    around: list[tuple[str, list[Place]]] = field(default_factory=list)


def nearby(*, asked: str | None, own: str) -> Nearby:
    """The branches of the city that was asked for, else of the person's `own` («province، city»), however its name is
    spelled; else of the same province."""
    rows = list(Branch.objects.order_by("city", "code"))
    cities = list(dict.fromkeys(row.city for row in rows))
    province, wanted = ("", asked) if asked is not None else _parts(own)
    key, wide = name_key(wanted), name_key(province)
    there = [row for row in rows if key and name_key(row.city) == key and _may_be_in(row, wide)]
    if there:
        return Nearby(there[0].city, _places(there), cities)
    near = [row for row in rows if wide and name_key(row.province) == wide]
    around = [(city, _places(some)) for city, some in groupby(near, key=attrgetter("city"))]
    return Nearby(wanted, [], cities, province, around)


def map_link(branch: Branch) -> str:
    """Where the map shows `branch`: by its coordinates, else by its address. `settings.MAP_LINK` says whose map."""
    if branch.latitude is not None and branch.longitude is not None:
        place = f"{branch.latitude:.6f},{branch.longitude:.6f}"
    elif branch.address:
        place = branch.address if branch.city in branch.address else f"{branch.city}، {branch.address}"
    else:
        return ""
    return str(settings.MAP_LINK).replace("{place}", quote(place, safe=","))


def _parts(own: str) -> tuple[str, str]:
    """Province and city; the province is empty where only a city is known."""
    province, _comma, city = own.rpartition("،")
    return province.strip(), city.strip()


def _may_be_in(row: Branch, province_key: str) -> bool:
    """Two cities may have one name. A branch whose province nobody has entered counts by the city alone."""
    return not (province_key and row.province) or name_key(row.province) == province_key


def _places(rows: Iterable[Branch]) -> list[Place]:
    return [Place(row, map_link(row)) for row in rows]
