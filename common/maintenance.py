"""Maintenance: citizens see a page with its end, while staff go on; docs/decisions/0040-maintenance-mode.md.

The row is the truth. No page asks for it: a thread of each web process looks every few seconds (`watch`), and pages
read what it saw (`standing`). A database that does not answer changes nothing of it.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from common import limits
from common.errors import PortalError
from common.models import Maintenance
from common.process_state import register_reset

log = logging.getLogger("portal.maintenance")
FIRST_LOOK = 2.0  # seconds that a web process waits for it before it serves


@dataclass(frozen=True, slots=True)
class Standing:
    """Maintenance is on. `until`: the end that was announced, which may be over."""

    until: datetime
    began_at: datetime

    @property
    def left(self) -> timedelta:
        """Time until the announced end; negative after it."""
        return self.until - timezone.now()

    @property
    def is_late(self) -> bool:
        """Whether the announced end has passed."""
        return self.left <= timedelta()


_seen: Standing | None = None


def begin(*, until: datetime) -> None:
    """Switch it on, or announce another end. Raises PortalError `past` or `too_far`."""
    if until <= timezone.now():
        raise PortalError("past")
    if until > timezone.now() + limits.MAINTENANCE_LONGEST:
        raise PortalError("too_far")
    Maintenance.objects.update_or_create(pk=1, defaults={"until": until})


def end() -> bool:
    """Switch it off; whether it was on."""
    return Maintenance.objects.all().delete()[0] > 0


def look() -> Standing | None:
    """What the database says, for this process to remember. Raises DatabaseError."""
    global _seen
    row = Maintenance.objects.first()
    _seen = Standing(row.until, row.began_at) if row else None
    return _seen


def standing() -> Standing | None:
    """What this process saw at its last look; None: off."""
    return _seen


def watch() -> None:
    """Look every few seconds for as long as the process lives. Returns after the first look, or after two seconds."""
    looked = threading.Event()
    threading.Thread(target=_watch, args=(looked,), name="maintenance", daemon=True).start()
    looked.wait(FIRST_LOOK)


def _watch(looked: threading.Event) -> None:
    while True:
        before = _seen
        try:
            close_old_connections()
            if look() != before:
                log.info("maintenance is %s", "on" if _seen else "off")
        except (DatabaseError, ImproperlyConfigured):
            pass  # pages that need the database say so themselves
        looked.set()
        time.sleep(limits.MAINTENANCE_SEEN_WITHIN.total_seconds())


@register_reset
def _forget() -> None:
    global _seen
    _seen = None
