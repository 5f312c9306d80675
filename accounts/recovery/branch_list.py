"""Lists the branches of a city, for pages that anybody may see."""

from __future__ import annotations

from dataclasses import dataclass, field

from accounts.models import Branch, User
from common.persian import name_key


@dataclass(frozen=True, slots=True)
class Nearby:
    """`city`: as it was asked for, or as the account has it; its `branches`; and all `cities` that have any."""

    city: str
    branches: list[Branch]
    cities: list[str] = field(default_factory=list)


def nearby(*, asked: str | None, account: User | None) -> Nearby:
    """The branches of the city that was asked for, else of the account's city, however its name is spelled."""
    rows = list(Branch.objects.order_by("city", "code"))
    cities = list(dict.fromkeys(row.city for row in rows))
    wanted = city_of(account) if asked is None and account else asked or ""
    key = name_key(wanted)
    there = [row for row in rows if key and name_key(row.city) == key]
    return Nearby(there[0].city if there else wanted, there, cities)


def city_of(account: User) -> str:
    """The city without its province: an account keeps «province، city»."""
    return account.city.split("،")[-1].strip()
