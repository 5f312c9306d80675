"""A sign of life of processes that nobody can ask over the network, workers and beat: the file `ALIVE_FILE` is touched.

Where a container's health is looked at (docker-compose.yml), its age is; without the setting there is no file.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from django.conf import settings

from common import limits


def say() -> None:
    """Touch the file. A disk that refuses it ends nothing: the file grows old, and that is seen."""
    if settings.ALIVE_FILE:
        with contextlib.suppress(OSError):
            Path(settings.ALIVE_FILE).touch()


def keep_saying() -> None:
    """Say it from now on in a thread of its own; a process that is stopped, frozen or without memory does not."""
    threading.Thread(target=_keep, name="alive", daemon=True).start()


def _keep() -> None:
    pause = threading.Event()
    while True:
        say()
        pause.wait(limits.ALIVE_SAID_EVERY.total_seconds())
