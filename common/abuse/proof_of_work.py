"""Proof of work by ALTCHA's protocol, version 2: makes challenges and checks solutions.

The page carries a challenge, a worker script solves it, and the solution is good once, for one target, for some minutes
(docs/decisions/0022). A challenge is signed and not stored; a used one is a row. Solving means deriving keys (PBKDF2
with SHA-512, which WebCrypto has) for one counter after another. The right counter is drawn here, so that the number of
trials has a limit.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime

import altcha
from django.db import IntegrityError, transaction
from django.utils import timezone

from common import limits
from common.models import SpentProof
from common.secrets import keyed_hash

_ALGORITHM = "PBKDF2/SHA-512"
_LONGEST = 2_000  # characters of a solution


def challenge(*, target: str, price: int) -> str:
    """A challenge for `target` (whoever it is), as JSON for the page; `price`: how many times the first difficulty."""
    made = altcha.create_challenge(
        _ALGORITHM,
        limits.PROOF_COST,
        counter=secrets.randbelow(limits.PROOF_TRIALS * max(1, price)),
        expires_at=timezone.now() + limits.PROOF_LIFE,
        data={"target": _target(target), "price": price},
        hmac_secret=_key("challenge"),
        hmac_key_secret=_key("solution"),
    )
    return json.dumps(made.to_dict(), separators=(",", ":"))


def spend(*, solution: str, target: str, price: int = 1) -> bool:
    """Whether `solution` (as the script sent it) solves a challenge of ours for `target`, for the first time. `price`:
    the price now; a solution of a much cheaper challenge is refused, because an attacker could fetch challenges through
    an address of good conduct.

    The solution is used up then, in a transaction of its own, whatever happens afterwards.
    """
    if not solution or len(solution) > _LONGEST:
        return False
    try:
        payload = altcha.Payload.from_base64(solution)
        right = altcha.verify_solution(payload, _key("challenge"), hmac_key_secret=_key("solution")).verified
        data = payload.challenge.parameters.data
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
    if not right or not isinstance(data, dict) or data.get("target") != _target(target):
        return False
    if data.get("price", 1) * limits.PROOF_LEEWAY < price:
        return False
    return _is_first(payload.challenge.parameters.nonce)


def purge(*, before: datetime, dry_run: bool = False) -> int:
    """Delete proofs that were used before `before`, when their challenges are out of date; returns how many."""
    old = SpentProof.objects.filter(used_at__lt=before)
    return old.count() if dry_run else old.delete()[0]


def _is_first(nonce: str) -> bool:
    try:
        with transaction.atomic():
            SpentProof.objects.create(nonce=nonce)
    except IntegrityError:
        return False
    return True


def _target(target: str) -> str:
    return keyed_hash("target of a proof", target)[:32]


def _key(use: str) -> str:
    return keyed_hash("proof of work", use)
