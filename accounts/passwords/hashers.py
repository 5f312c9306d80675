"""Hashes passwords. In a request each hash needs a place (`common.abuse.hashing_places`)."""

from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher

from common.abuse import hashing_places


class _InTheLane:
    """A hasher that computes in a hashing place: the one that its caller holds, else a stranger's."""

    def encode(self, *args: Any, **kwargs: Any) -> str:
        """As the hasher's. Raises PortalError("hashing_busy", seconds=…)."""
        with hashing_places.place():
            return super().encode(*args, **kwargs)  # type: ignore[misc]

    def verify(self, password: str, encoded: str) -> bool:
        """As the hasher's. Raises PortalError("hashing_busy", seconds=…)."""
        with hashing_places.place():
            return super().verify(password, encoded)  # type: ignore[misc]


class PortalArgon2Hasher(_InTheLane, Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane (DESIGN §6; OWASP's second recommendation).

    Django's own parameters (100 MiB, eight lanes) would let a few dozen sign-ins at once take a
    small server's memory. A hash with other parameters is renewed at the next good sign-in.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1


class PortalPBKDF2Hasher(_InTheLane, PBKDF2PasswordHasher):
    """For hashes that were made elsewhere; renewed at the next good sign-in."""
