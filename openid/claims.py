"""What a service is told of a citizen: claims by scope, one by one, and as verified ones; and the ID token.

Nothing here is handed out that an administrator did not give to the service by scope. docs/levels.md describes each.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone

from accounts.models import User
from common import limits
from common.links import absolute
from openid import keys, subjects, verified
from openid.birthdates import birthdate, birthdate_jalali
from openid.models import ConnectedService, Grant, Level

Claims = dict[str, Any]

# The claims of each scope, and where each comes from. An empty value is not handed out.
SCOPES: dict[str, dict[str, Callable[[User], Any]]] = {
    "profile": {
        "name": lambda account: account.get_full_name(),
        "given_name": lambda account: account.first_name,
        "family_name": lambda account: account.last_name,
        "birthdate": lambda account: birthdate(account.birth_date, account.birth_unknown),
        "birthdate_jalali": lambda account: birthdate_jalali(account.birth_date, account.birth_unknown),
        "gender": lambda account: account.gender,
    },
    "phone": {
        "phone_number": lambda account: account.mobile,
        "phone_number_verified": lambda account: bool(account.mobile) or None,  # none is stored without its code
    },
    "email": {
        "email": lambda account: account.email,
        "email_verified": lambda account: account.email_confirmed_at is not None if account.email else None,
    },
    "national_id": {"national_id": lambda account: account.national_id},
}
SCOPE_OF = {claim: scope for scope, claims in SCOPES.items() for claim in claims}
VERIFIED = "verified_claims"

# Authentication methods (RFC 8176) of each level.
AMR = {Level.PASSWORD: ["pwd"], Level.CODE: ["pwd", "sms", "mfa"]}


def claims_of(*, account: User, service: ConnectedService, scope: str, requested: Mapping[str, Any]) -> Claims:
    """What `service` is told of the citizen: all claims of `scope`, and of the others those that are `requested` by
    name (one member of the request's parameter `claims`), as far as an administrator gave their scope to the service.

    Also the `verified_claims` among them. Not `sub`. The page that asks the citizen shows exactly this.
    """
    granted = {name for name in SCOPES if name in service.scopes}
    names = {claim for name in scope.split() if name in granted for claim in SCOPES[name]}
    names |= {claim for claim in requested if SCOPE_OF.get(claim) in granted}
    told = _values(account, names)
    allowed = {claim for claim in verified.CLAIMS if SCOPE_OF[claim] in granted}
    if VERIFIED in requested:
        answer = verified.answer(account, _values(account, allowed), requested[VERIFIED])
    else:
        answer = verified.everything(account, {name: told[name] for name in allowed & told.keys()})
    return told | ({VERIFIED: answer} if answer else {})


def scopes_of(requested: Mapping[str, Any]) -> set[str]:
    """The scopes of the claims that are `requested` by name, for a citizen is asked by scope."""
    named = set(requested) | verified.claims_named(requested.get(VERIFIED))
    return {SCOPE_OF[claim] for claim in named if claim in SCOPE_OF}


def id_token(*, grant: Grant, access_token: str) -> str:
    """The signed ID token of a sign-in (OpenID Connect Core, 2), with the claims that were requested for it.

    Raises PortalError as `keys.sign` and `subjects.subject_of` do.
    """
    service, now = grant.service, int(timezone.now().timestamp())
    requested = grant.claims.get("id_token") or {}
    said = claims_of(account=grant.account, service=service, scope="", requested=requested) if requested else {}
    said |= {
        "iss": absolute(""),
        "sub": subjects.subject_of(account=grant.account, service=service),
        "aud": service.client_id,
        "iat": now,
        "exp": now + int(limits.OPENID_ID_TOKEN.total_seconds()),
        "auth_time": int(grant.auth_time.timestamp()),
        "acr": grant.acr,
        "amr": AMR[Level(grant.acr)],
        "sid": grant.sid,
        "at_hash": _half_hash(access_token),
    }
    if grant.nonce:
        said["nonce"] = grant.nonce
    return keys.sign(said, service.id_token_algorithm)


def _values(account: User, names: set[str]) -> Claims:
    """The values of these claims, in a fixed order; of what is not there, nothing."""
    read = {name: source(account) for claims in SCOPES.values() for name, source in claims.items() if name in names}
    return {name: value for name, value in read.items() if value not in ("", None)}


def _half_hash(token: str) -> str:
    """`at_hash`: the left half of its SHA-256, for both of our algorithms."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()
