"""Keyed hashes for what must be recognised but never read: codes, grants, sessions, devices."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings


def keyed_hash(purpose: str, value: str) -> str:
    """HMAC-SHA-256 of `value` under `CODE_HASH_KEY`, 64 hex characters; `purpose` separates uses."""
    key = hmac.digest(settings.CODE_HASH_KEY.encode(), purpose.encode(), hashlib.sha256)
    return hmac.new(key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def keyed_hash_matches(purpose: str, value: str, digest: str) -> bool:
    """Whether `digest` is the keyed hash of `value`; constant time. An empty digest matches nothing."""
    return bool(digest) and hmac.compare_digest(keyed_hash(purpose, value), digest)
