"""`verified_claims` (OpenID Identity Assurance Schema 1.0): who says so, when it was checked, and by what.

Only what a registry matched or a clerk saw in the papers, and only of accounts of which that is on record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from accounts.models import User

TRUST_FRAMEWORK = "urn:tamin:identity"
ORGANISATION = "Social Security Organization of Iran"
# What is compared with the registry, or looked at in the papers. The phone is proven by a code, the e-mail by a link.
CLAIMS = ("given_name", "family_name", "birthdate", "birthdate_jalali", "gender", "national_id")

Json = dict[str, Any]


def verification_of(account: User) -> Json | None:
    """The `verification` of the account's person; None: nothing on record says how it was proven."""
    if not account.identity_evidence or account.identity_proven_at is None:
        return None
    at = f"{account.identity_proven_at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    evidence: Json = {"type": "document", "check_details": [{"check_method": "vpip", "organization": ORGANISATION}]}
    if account.identity_evidence == "registry":
        evidence = {
            "type": "electronic_record",
            "check_details": [{"check_method": "data", "organization": ORGANISATION}],
            "record": {
                "type": "population_register",
                "source": {"name": "National Organization for Civil Registration", "country_code": "IR"},
            },
        }
    return {"trust_framework": TRUST_FRAMEWORK, "time": at, "evidence": [evidence | {"time": at}]}


def everything(account: User, values: Mapping[str, Any]) -> Json | None:
    """`values` as verified claims; None if there are none, or they are not verified."""
    verification = verification_of(account)
    return {"verification": verification, "claims": dict(values)} if verification and values else None


def answer(account: User, values: Mapping[str, Any], requested: Any) -> Json | list[Json] | None:
    """What answers a request for `verified_claims`, which may hold several; None: nothing fits it.

    `values`: all that the service may be told. What a request asks of the verification (its trust framework, kind of
    evidence, age) is met, or its claims are left out.
    """
    if isinstance(requested, list):
        answers = [given for one in requested if isinstance(given := answer(account, values, one), dict)]
        return answers or None
    verification = verification_of(account)
    if (
        verification is None
        or not isinstance(requested, Mapping)
        or not _fits(requested.get("verification"), verification)
    ):
        return None
    return everything(
        account, {name: values[name] for name in CLAIMS if name in claims_named(requested) & values.keys()}
    )


def claims_named(requested: Any) -> set[str]:
    """The names of the claims in a request for `verified_claims`."""
    each = requested if isinstance(requested, list) else [requested]
    asked = [one.get("claims") for one in each if isinstance(one, Mapping)]
    return {name for claims in asked if isinstance(claims, Mapping) for name in claims}


def _fits(asked: Any, has: Any, *, each: bool = False) -> bool:
    """Whether a part of the verification is as it is asked for; what is not asked about fits. Of a list of wishes one
    is enough, except of checks (`each`), which all have to have been made."""
    if isinstance(asked, list):
        met = [isinstance(has, list) and any(_fits(wish, part) for part in has) for wish in asked]
        return all(met) if each else any(met)
    if not isinstance(asked, Mapping):
        return asked is None
    if isinstance(has, Mapping):
        wishes = [(name, wish) for name, wish in asked.items() if name not in ("essential", "purpose")]
        return all(_fits(wish, has.get(name), each=name == "check_details") for name, wish in wishes)
    if isinstance(has, list) or ("value" in asked and asked["value"] != has):
        return False
    if "values" in asked and has not in _listed(asked["values"]):
        return False
    return "max_age" not in asked or _is_recent(has, asked["max_age"])


def _listed(values: Any) -> list[Any]:
    return values if isinstance(values, list) else []


def _is_recent(moment: Any, seconds: Any) -> bool:
    if not isinstance(moment, str) or isinstance(seconds, bool) or not isinstance(seconds, int):
        return False
    return timezone.now() - dt.datetime.fromisoformat(moment) <= dt.timedelta(seconds=max(-1, min(seconds, 10**9)))
