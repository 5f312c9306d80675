"""Checks the signing keys at the start: a file that is broken, or that others may read, is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import DatabaseError
from django.utils import timezone

from common import limits
from openid import key_files, keys
from openid.key_files import ALGORITHMS, BrokenKeyError
from openid.models import ConnectedService

ROTATE = "Run: manage.py rotate_signing_key --by NAME --reason TEXT"
# What is found at a start although it must not stop one: with the other keys the portal signs on.
NEVER_STOPS = ("openid.E002",)


def signing_keys_are_there(**_options: Any) -> list[CheckMessage]:
    """The folder of `OPENID_KEYS` can be listed, each of its files is a key that only its owner can read, and there is
    one of each algorithm. A demo makes its keys itself, so there none may be missing for the moment."""
    if not keys.is_configured():
        return []
    folder = Path(settings.OPENID_KEYS)
    try:
        names = key_files.names(folder)
    except OSError as error:
        if settings.DEMO:
            return []
        what = f"OPENID_KEYS is {folder}, which cannot be listed ({error.strerror})."
        return [Error(what, hint=f"Mend it, or {ROTATE[0].lower()}{ROTATE[1:]}.", id="openid.E001")]
    found = [*_of_the_folder(folder), *(fault for name in names for fault in _of_a_file(folder / name))]
    return found if settings.DEMO else [*found, *_of_each_algorithm(folder)]


def _of_the_folder(folder: Path) -> Iterator[CheckMessage]:
    if folder.stat().st_mode & 0o022:
        what = f"Others may write into {folder}, so a stranger's key could sign."
        yield Error(what, hint=f"chmod go-w {folder}", id="openid.E003")


def _of_a_file(path: Path) -> Iterator[CheckMessage]:
    try:
        key_files.read(path)
        mode = path.stat().st_mode
    except (BrokenKeyError, OSError) as error:
        hint = "It is not used; the other keys sign on. Bring it back from a copy, or remove it."
        yield Error(f"The signing key {path} is broken: {error}.", hint=hint, id="openid.E002")
        return
    if mode & 0o077:
        what = f"Others may read the signing key {path.name}, and so sign in as anybody."
        yield Error(what, hint=f"chmod 600 {path}; if anybody could have read it: {ROTATE} --now", id="openid.E003")


def _of_each_algorithm(folder: Path) -> Iterator[CheckMessage]:
    there, now = keys.usable(folder), timezone.now()
    for algorithm in ALGORITHMS:
        signer = keys.signer(there, algorithm, now)
        if signer is None:
            yield Error(
                f"OPENID_KEYS has no key for {algorithm}, so nothing can be signed.", hint=ROTATE, id="openid.E004"
            )
        elif signer.made_at + limits.OPENID_KEY_OLD < now:
            what = f"The key for {algorithm} was made on {signer.made_at:%Y-%m-%d}: it has signed for long."
            yield Warning(what, hint=f"{ROTATE}. Nobody notices.", id="openid.W001")


def services_have_keys(*, databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """Services are connected, but this installation has no keys. Only where the check may ask the database."""
    if keys.is_configured():
        return []
    try:
        is_used = bool(databases) and ConnectedService.objects.filter(suspended_at__isnull=True).exists()
    except DatabaseError:  # not there, or not migrated yet
        return []
    what = "Services are connected, but OPENID_KEYS is not set, so nobody can sign in to them."
    hint = "Set OPENID_KEYS and OPENID_SUBJECT_KEY as they were, or suspend the services."
    return [Error(what, hint=hint, id="openid.E005")] if is_used else []
