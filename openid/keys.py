"""Which key signs, which keys are published, and signing itself.

Both follow from the times in the names of the files alone (docs/decisions/0050), so all processes agree without
talking: a key is published from its first moment on, signs once every service has had time to read it, and stays
published until nothing that it signed is good any more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from joserfc import jws, jwt
from joserfc.errors import JoseError

from common import limits
from common.errors import PortalError
from common.process_state import register_reset
from openid import key_files
from openid.key_files import ALGORITHMS, BrokenKeyError, SigningKey

log = logging.getLogger(__name__)


def is_configured() -> bool:
    """Whether this installation connects services at all."""
    return bool(settings.OPENID_KEYS)


def sign(claims: dict[str, Any], algorithm: str, typ: str = "JWT") -> str:
    """`claims` as a signed token. Raises PortalError("no_signing_key") if there is no key of this algorithm."""
    key = signer(_folder().held(), algorithm, timezone.now())
    if key is None:
        raise PortalError("no_signing_key")
    return jwt.encode({"alg": algorithm, "kid": key.kid, "typ": typ}, claims, key.key, algorithms=[algorithm])


def public_jwks() -> dict[str, Any]:
    """The public keys that services may have to check with at this moment, as a JWK set."""
    return {
        "keys": [
            {**key.key.as_dict(private=False), "kid": key.kid, "alg": key.algorithm, "use": "sig"}
            for key in published(_folder().held(), timezone.now())
        ]
    }


def verified(token: str) -> dict[str, Any] | None:
    """The claims of a token that we signed, also of one that is over, as long as its key's file is kept; None: it is
    not ours. Who asks judges its times, audience and type."""
    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")  # not verified yet
        key = next((key for key in _folder().held() if key.kid == kid), None)
        return dict(jwt.decode(token, key.key, algorithms=[key.algorithm]).claims) if key else None
    except (JoseError, ValueError):
        return None


def signer(keys: Iterable[SigningKey], algorithm: str, now: datetime) -> SigningKey | None:
    """The newest key that has been published for long enough; while there is none, the oldest."""
    ours = _of(keys, algorithm)
    ripe = [key for key in ours if key.made_at + limits.OPENID_KEY_SIGNS_AFTER <= now]
    usable = ripe or ours[:1]
    return usable[-1] if usable else None


def published(keys: Sequence[SigningKey], now: datetime) -> list[SigningKey]:
    """All but those whose last token is over, and out of every cache."""
    gone = {key.name for key in outlived(keys, now, limits.OPENID_KEY_STAYS)}
    return [key for key in keys if key.name not in gone]


def outlived(keys: Sequence[SigningKey], now: datetime, by: timedelta) -> Iterator[SigningKey]:
    """The keys whose successor began to sign longer than `by` ago."""
    for algorithm in ALGORITHMS:
        for key, successor in pairwise(_of(keys, algorithm)):
            if successor.made_at + limits.OPENID_KEY_SIGNS_AFTER + by <= now:
                yield key


def _of(keys: Iterable[SigningKey], algorithm: str) -> list[SigningKey]:
    """Those of one algorithm, the oldest first."""
    return sorted((key for key in keys if key.algorithm == algorithm), key=lambda key: (key.made_at, key.kid))


class Folder:
    """The keys in a folder, as one process knows them. Each file is read once; the folder's names when the folder has
    changed, and every few seconds, for a disk that does not say so at once.

    Nothing that happens to the folder takes signing down: a broken file is left out, with a line in the log; a key that
    was read stays while its name is there; and while the folder cannot be listed or has no key at all, the keys
    known so far stay. (`manage.py check` says all of these plainly.)
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, SigningKey] = {}
        self._said: dict[str, str] = {}  # what was logged of a file, or of the folder, so that it is once
        self._look_at = 0.0
        self._changed: int | None = None  # when the folder had last changed, at the last look
        self._lock = threading.Lock()

    def held(self) -> list[SigningKey]:
        """The keys; looks into the folder if it is time."""
        # While one thread looks, the others go on with what is known, if there is anything.
        if self._is_time() and self._lock.acquire(blocking=not self._known):
            try:
                self._look()
            finally:
                self._lock.release()
        return list(self._known.values())

    def look_at_next_call(self) -> None:
        self._look_at = 0.0

    def _look(self) -> None:
        if not self._is_time():  # another thread looked while this one waited
            return
        self._changed = self._changed_at()  # first: what changes from here on is seen by the next call
        found = self._found()
        if found:
            self._known = found
            self._said.pop("", None)
        else:
            self._say_once(
                "", "has no key that can be used" + ("; those read before still sign" if self._known else "")
            )
        self._look_at = time.monotonic() + limits.OPENID_KEYS_READ_EVERY

    def _is_time(self) -> bool:
        return time.monotonic() >= self._look_at or self._changed_at() != self._changed

    def _changed_at(self) -> int | None:
        """A file was added to the folder or removed from it at this time; None: there is no folder."""
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return None

    def _found(self) -> dict[str, SigningKey]:
        try:
            names = key_files.names(self.path)
        except OSError:
            return {}
        return {name: key for name in names if (key := self._known.get(name) or self._read(name))}

    def _read(self, name: str) -> SigningKey | None:
        try:
            return key_files.read(self.path / name)
        except BrokenKeyError as error:
            self._say_once(name, f"is not used: {error}")
            return None

    def _say_once(self, name: str, why: str) -> None:
        if self._said.get(name) != why:
            self._said[name] = why
            log.error("signing keys: %s %s", self.path / name, why)


def usable(path: Path) -> list[SigningKey]:
    """The keys that can be read in this folder at this moment; for commands and checks."""
    return Folder(path).held()


_folders: dict[str, Folder] = {}


@register_reset
def forget() -> None:
    """Read all keys anew."""
    _folders.clear()


def _folder() -> Folder:
    """The folder of `OPENID_KEYS`. Another folder in the settings (tests) is another object."""
    path = settings.OPENID_KEYS
    if not path:
        raise PortalError("no_signing_key")
    found = _folders.get(path)
    return found or _folders.setdefault(path, Folder(Path(path)))


def look_again() -> None:
    """Forget when this process last looked into the folder: for a command that has just changed it."""
    _folder().look_at_next_call()
