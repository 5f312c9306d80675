"""Keyed hashes for secrets that must be recognised but never read: codes, grants, sessions, devices."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from django.conf import settings


def keyed_hash(purpose: str, value: str) -> str:
    """HMAC-SHA-256 of `value` under `CODE_HASH_KEY`, 64 hex characters; `purpose` separates uses."""
    return _hash(settings.CODE_HASH_KEY, purpose, value)


def keyed_hashes(purpose: str, value: str) -> list[str]:
    """The hashes by which `value` may be stored: under `CODE_HASH_KEY` first, then under the keys before it. Each once,
    also where a key is named twice."""
    keys = dict.fromkeys((settings.CODE_HASH_KEY, *settings.CODE_HASH_KEY_FALLBACKS))
    return [_hash(key, purpose, value) for key in keys]


def keyed_hash_matches(purpose: str, value: str, digest: str) -> bool:
    """Whether `digest` is a keyed hash of `value`, under any of the keys; constant time. An empty one: never."""
    matches = [hmac.compare_digest(candidate, digest) for candidate in keyed_hashes(purpose, value)]
    return bool(digest) and any(matches)


def _hash(secret: str, purpose: str, value: str) -> str:
    # A purpose of one row names its mobile ("code:…"): what is made from it is not kept.
    derived = _derived.__wrapped__ if ":" in purpose else _derived
    return hmac.digest(derived(secret, purpose), value.encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


@lru_cache(maxsize=256)
def _derived(secret: str, purpose: str) -> bytes:
    """The key of a purpose, derived once. The secret itself is what it is found by: another one, or one that is no
    longer a fallback, has nothing to forget."""
    return hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)
