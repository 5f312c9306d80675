"""What a clerk's session keeps: the asker (the secret that codes are bound to) and unfinished work. Never a code."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from registration.models import Registration

_ASKER, _WORK = "desk_asker", "desk_work"
_REVISION = "round"  # the key in sessions that began before the name was changed
_MOST_UNFINISHED = 5  # citizens a clerk has open at a time


class Desk:
    """The desk of one signed-in clerk."""

    def __init__(self, session: SessionBase) -> None:
        self.session = session

    def open(self) -> None:
        """Make the secret when the first page is opened: two clicks on "send" must find the same one."""
        if _ASKER not in self.session:
            self.session[_ASKER] = secrets.token_urlsafe(32)

    def asker(self, row: Registration) -> str:
        """The secret for codes about `row` as it is now: a code for another registration opens nothing here, not
        even one on the same mobile; nor does one from before a correction."""
        self.open()
        return f"{self.session[_ASKER]}:{row.pk}:{row.revision}"

    def work(self, row: Registration) -> dict[str, Any]:
        """The ticks and the note that were kept for `row`; without the ticks once the citizen has corrected what
        the papers were compared with."""
        kept: dict[str, Any] = self.session.get(_WORK, {}).get(str(row.pk), {})
        return kept if kept.get(_REVISION) == row.revision else {**kept, "papers": []}

    def keep(self, row: Registration, *, papers: list[str], note: str) -> None:
        """Keep ticks and note over a redirect; the oldest of too many are forgotten."""
        kept = {key: value for key, value in self.session.get(_WORK, {}).items() if key != str(row.pk)}
        kept[str(row.pk)] = {"papers": papers, "note": note, _REVISION: row.revision}
        self.session[_WORK] = dict([*kept.items()][-_MOST_UNFINISHED:])

    def done(self, row: Registration) -> None:
        """`row` is decided: forget the work on it."""
        if str(row.pk) in self.session.get(_WORK, {}):
            self.session[_WORK] = {key: value for key, value in self.session[_WORK].items() if key != str(row.pk)}
