"""Notes when sessions were last used.

A request that writes its session's row writes the use with it. For all others the row may be behind the last use by
`limits.SESSION_USE_BEHIND` at most, and by `settings.SESSION_USES_WRITTEN_WITHIN` seconds of time: a use is written at
once where the row is older than that; else it is gathered, and the uses of a process are written together. So idleness
is judged by the row alone, in any process, to the second: long before a session could look idle, its uses are written.
Only a process that is killed loses uses, and a session ends by so much too early then, never too late
(docs/decisions/0064-a-session-is-read-by-one-select-and-written-once.md).
"""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError

from accounts.sessions import sql
from common.gathering import Gathered
from common.process_state import register_reset

log = logging.getLogger(__name__)
_TOGETHER = 500  # rows of one statement


def note(key: str, at: dt.datetime, *, at_once: bool) -> None:
    """The session with this key was used at `at`. `at_once`: what its row says is too old to wait. Never an error: a
    page is not refused for it."""
    within = settings.SESSION_USES_WRITTEN_WITHIN
    if at_once or not within:
        try:
            with sql.short_lock_wait():
                return sql.note_uses({key: at})
        except (DatabaseError, InterfaceError) as error:
            log.warning("a session's use could not be written at once: %s", type(error).__name__)
    if within:
        gathered.add(key, at, within=within)


def _write(uses: dict[str, dt.datetime]) -> dict[str, dt.datetime]:
    keys = sorted(uses)
    for begin in range(0, len(keys), _TOGETHER):
        part = keys[begin : begin + _TOGETHER]
        try:
            sql.note_uses({key: uses[key] for key in part})
        except (OperationalError, InterfaceError):
            return {key: uses[key] for key in keys[begin:]}
        except DatabaseError as error:
            log.warning("%d uses of sessions are not written: %s", len(part), type(error).__name__)
    return {}


gathered: Gathered[str, dt.datetime] = Gathered("uses of sessions", max, _write)
register_reset(gathered.forget)
