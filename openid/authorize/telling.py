"""What a service will be told, field by field with the values, as the page shows it that asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import Gender, User
from common.persian import local_mobile
from common.sentences import digits, filled, jalali
from openid import claims
from openid.authorize.texts import CLAIMS, PARTS, PROOFS
from openid.models import ConnectedService

_LEFT_TO_RIGHT = ("phone_number", "email", "national_id")


@dataclass(frozen=True, slots=True)
class Line:
    """One field. `value` is empty where we know none: the service will not be told it either."""

    key: str
    value: str
    ltr: bool = False
    persian: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of data, why the service asks for it, and its fields."""

    heading: str
    reason: str
    lines: list[Line]


def parts(
    *, account: User, service: ConnectedService, scopes: list[str], requested: Mapping[str, dict[str, Any]]
) -> list[Part]:
    """All that `service` will be told of `account` for `scopes` and the parameter `claims`."""
    found: list[Part] = []
    shown: set[str] = set()
    for scope in scopes:
        told = claims.claims_of(account=account, service=service, scope=scope, requested={})
        lines = _lines(told)
        shown.update(told)
        if scope in PARTS:
            found.append(Part(str(PARTS[scope]), service.scopes.get(scope, ""), lines))
    more: dict[str, Any] = {}
    for wanted in requested.values():
        more |= claims.claims_of(account=account, service=service, scope="openid", requested=wanted)
    lines = _lines({name: value for name, value in more.items() if name not in shown})
    return [*found, Part("", "", lines)] if lines else found


def proof(account: User) -> str:
    """How the person was proven, as it is told beside verified data; empty where it is not on record."""
    how = PROOFS.get(account.identity_evidence)
    return filled(how, {"date": jalali(account.identity_proven_at)}) if how else ""


def _lines(told: Mapping[str, Any]) -> list[Line]:
    return [
        Line(str(label), _shown(name, told[name]), ltr=name in _LEFT_TO_RIGHT, persian="name" in name)
        for name, label in CLAIMS.items()
        if told.get(name)
    ]


def _shown(name: str, value: Any) -> str:
    """The value as a citizen reads it."""
    if name in ("birthdate", "insured_since"):
        try:
            return jalali(dt.date.fromisoformat(value))
        except ValueError:  # only the year, or year and month, are known
            return digits(value)
    if name == "gender":
        return str(dict(Gender.choices).get(value, value))
    if name == "phone_number":
        return digits(local_mobile(value))
    return digits(value) if name == "national_id" else str(value)
