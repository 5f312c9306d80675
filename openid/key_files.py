"""The files of the signing keys: their names, reading, writing. Knows neither the clock nor which key signs.

A key is one file, `<UTC time of its making>-<algorithm>-<kid>.pem`, that only its owner may read. Its content never
changes, so it is read once; what is read again is the folder's names.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

ALGORITHMS = ("ES256", "RS256")
RSA_BITS = 2048
_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(?P<time>[0-9]{8}T[0-9]{6}Z)-(?P<algorithm>ES256|RS256)-(?P<kid>[0-9a-f]{16})\.pem")


class BrokenKeyError(Exception):
    """A file that is no signing key. Its text says why, in one sentence without anything of the key."""


@dataclass(frozen=True)
class SigningKey:
    """A key, and when its file was made: from that moment on it is published."""

    kid: str
    algorithm: str
    made_at: datetime
    key: ECKey | RSAKey
    name: str


def make(folder: Path, algorithm: str, now: datetime) -> SigningKey:
    """Write a new key into `folder`, which is made if it is not there. Whole or not at all: whoever lists the folder
    meanwhile sees no half a file. Raises OSError."""
    key = ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(RSA_BITS)
    kid = _kid(key)
    name = f"{now.astimezone(UTC):{_TIME}}-{algorithm}-{kid}.pem"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f".{name}.new"
    with open(unfinished, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(key.as_pem(private=True))
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(folder / name)
    return read(folder / name)


def read(path: Path) -> SigningKey:
    """The key in the file. Raises BrokenKeyError."""
    named = _NAME.fullmatch(path.name)
    if not named:
        raise BrokenKeyError("its name is not <time>-<algorithm>-<kid>.pem")
    algorithm = named["algorithm"]
    try:
        made_at = datetime.strptime(named["time"], _TIME).replace(tzinfo=UTC)
        pem = path.read_bytes()
        key = ECKey.import_key(pem) if algorithm == "ES256" else RSAKey.import_key(pem)
        is_right = key.is_private and (
            key.curve_name == "P-256" if isinstance(key, ECKey) else key.public_key.key_size >= RSA_BITS
        )
    except OSError as error:
        raise BrokenKeyError(f"it cannot be read ({error.strerror})") from None
    except (JoseError, ValueError, TypeError):  # the cause may quote the file
        raise BrokenKeyError("it holds no private key in PEM, or its name no time") from None
    if not is_right:
        raise BrokenKeyError(f"it holds no private key for {algorithm}")
    if _kid(key) != named["kid"]:
        raise BrokenKeyError("the key in it is another one than its name says")
    return SigningKey(named["kid"], algorithm, made_at, key, path.name)


def names(folder: Path) -> list[str]:
    """The names of all key files, and of what looks as if it were meant as one; the oldest first. Raises OSError."""
    return sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))


def _kid(key: ECKey | RSAKey) -> str:
    """A name that follows from the key alone (the beginning of RFC 7638's), so one name can never mean two keys."""
    return hashlib.sha256(key.thumbprint().encode()).hexdigest()[:16]
