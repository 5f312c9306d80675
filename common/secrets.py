"""Keyed hashes for secrets that must be recognised but never read: codes, grants, sessions, devices."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings


def keyed_hash(purpose: str, value: str) -> str:
    """HMAC-SHA-256 of `value` under `CODE_HASH_KEY`, 64 hex characters; `purpose` separates uses."""
    return _hash(settings.CODE_HASH_KEY, purpose, value)


def keyed_hashes(purpose: str, value: str) -> list[str]:
    """The hashes by which `value` may be stored: under `CODE_HASH_KEY` first, then under the keys before it."""
    keys = (settings.CODE_HASH_KEY, *settings.CODE_HASH_KEY_FALLBACKS)
    return [_hash(key, purpose, value) for key in keys]


def keyed_hash_matches(purpose: str, value: str, digest: str) -> bool:
    """Whether `digest` is a keyed hash of `value`, under any of the keys; constant time. An empty one: never."""
    matches = [hmac.compare_digest(candidate, digest) for candidate in keyed_hashes(purpose, value)]
    return bool(digest) and any(matches)


def _hash(secret: str, purpose: str, value: str) -> str:
    key = hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256)
    return hmac.new(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
