"""Gives the portal new signing keys: in time, with an overlap that no service notices, or at once after a leak."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from common import limits
from common.errors import PortalError
from common.links import absolute
from openid import key_files, keys
from openid.key_files import ALGORITHMS, SigningKey
from openid.models import ServiceEvent, ServiceEventKind


@dataclass(frozen=True)
class Rotated:
    """What was done. `signs_from`: when the new keys begin to sign; None: they do already."""

    made: list[SigningKey]
    removed: list[str]  # names of files
    signs_from: datetime | None
    is_recorded: bool


def rotate(*, by: str, reason: str, algorithms: Iterable[str] = ALGORITHMS, at_once: bool = False) -> Rotated:
    """Make a new key of each algorithm, and remove the files whose time is over; with `at_once` every other file of
    these algorithms, broken ones too, so that the new keys are the only ones and sign within seconds.

    The files come first and the record afterwards: a leaked key goes also while the database is away. Raises
    PortalError("no_key_folder") without `OPENID_KEYS`, OSError if the folder cannot be written.
    """
    if not keys.is_configured():
        raise PortalError("no_key_folder")
    folder, now = Path(settings.OPENID_KEYS), timezone.now()
    begins = _after_all(folder, now)
    made = [key_files.make(folder, algorithm, begins) for algorithm in algorithms]
    removed = _others(folder, made) if at_once else _outlived(folder, now)
    for name in removed:
        (folder / name).unlink(missing_ok=True)
    keys.look_again()
    signs_now = all(keys.signer(keys.usable(folder), key.algorithm, now) == key for key in made)
    return Rotated(
        made=made,
        removed=removed,
        signs_from=None if signs_now else begins + limits.OPENID_KEY_SIGNS_AFTER,
        is_recorded=_record(by, reason, made, removed, at_once=at_once),
    )


def make_first_keys() -> None:
    """In a demo: make the keys that are not there, so that services can be connected. Raises OSError."""
    folder = Path(settings.OPENID_KEYS)
    there = {key.algorithm for key in keys.usable(folder)} if folder.exists() else set()
    for algorithm in ALGORITHMS:
        if algorithm not in there:
            key_files.make(folder, algorithm, timezone.now())


def address_of_keys() -> str:
    """Where services read the public keys."""
    return absolute("/openid/jwks")


def _after_all(folder: Path, now: datetime) -> datetime:
    """Now, or just after the newest key there: in the same second, or after a clock was set back, the new key's name
    must still be the later one."""
    there = [key.made_at for key in keys.usable(folder)] if folder.exists() else []
    return max([now, *(made_at + timedelta(seconds=1) for made_at in there)])


def _others(folder: Path, made: list[SigningKey]) -> list[str]:
    """The files of the algorithms of `made` that are not them."""
    new = {key.name for key in made}
    old = [name for name in key_files.names(folder) if name not in new]
    return [name for name in old if any(f"-{key.algorithm}-" in name for key in made)]


def _outlived(folder: Path, now: datetime) -> list[str]:
    return [key.name for key in keys.outlived(keys.usable(folder), now, limits.OPENID_KEY_KEPT)]


def _record(by: str, reason: str, made: list[SigningKey], removed: list[str], *, at_once: bool) -> bool:
    """Write it down; returns whether that was possible."""
    details = {"made": [key.name for key in made], "removed": removed, "at_once": at_once}
    try:
        ServiceEvent.objects.create(kind=ServiceEventKind.KEY_ROTATED, actor=by, reason=reason, details=details)
    except DatabaseError:
        return False
    return True
