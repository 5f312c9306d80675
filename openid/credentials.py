"""Secrets of services, codes, tokens and handles: 256 random bits each, of which only a keyed hash is stored."""

from __future__ import annotations

import secrets

from common.secrets import keyed_hash, keyed_hash_matches, keyed_hashes

# What a secret is for: a hash of one kind never fits another kind.
CLIENT_SECRET = "openid-client-secret"  # noqa: S105 - a purpose
CODE = "openid-code"
TOKEN = "openid-token"  # noqa: S105 - a purpose
HANDLE = "openid-handle"
ASSERTION = "openid-assertion"
SESSION = "openid-session"


def new() -> str:
    """A new secret, 43 characters that need no escaping anywhere."""
    return secrets.token_urlsafe(32)


def hash_of(kind: str, secret: str) -> str:
    """The hash under which a new `secret` of this kind is stored."""
    return keyed_hash(kind, secret)


def hashes_of(kind: str, secret: str) -> list[str]:
    """The hashes under which a `secret` may have been stored; to look it up."""
    return keyed_hashes(kind, secret)


def matches(kind: str, secret: str, stored: str) -> bool:
    """Whether `stored` is the hash of `secret`; in constant time. An empty `stored`: never."""
    return keyed_hash_matches(kind, secret, stored)
