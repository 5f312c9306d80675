"""Answers sent from a page whose session had ended: kept in the browser's new session, restored after a right code.

The sender is not proven yet, so the answers open nothing and change nothing in the registration. They are taken only
from a page that was made for the row's present grant: such a page carries a mark of the grant, which a stranger who
knows the row's token does not have. They become the row's draft when the same browser types the row's right code,
unless the registration was continued elsewhere meanwhile. See docs/decisions/0028.
"""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from common import limits
from common.secrets import keyed_hash, keyed_hash_matches
from registration.models import Registration
from registration.services.journey import save_draft
from registration.states import State

KEY = "registration_late"
_PURPOSE = "page of a grant"
_TYPING = (State.MOBILE_CONFIRMED, State.REFERRED)


def mark_of(row: Registration) -> str:
    """The mark of the present grant of `row`, for its pages: a keyed hash, from which the grant cannot be found."""
    return keyed_hash(_PURPOSE, row.grant_hash) if row.grant_hash else ""


def keep(session: SessionBase, row: Registration | None, *, mark: str, answers: dict[str, str]) -> bool:
    """Keep `answers` (never secrets) for this browser, if `mark` shows that the page was made for the grant of `row`.

    One set a session: the latest. False: nothing was kept.
    """
    if row is None or row.state not in _TYPING or not answers or not _was_made_for(row, mark):
        return False
    at = timezone.now().timestamp()
    session[KEY] = {"token": str(row.token), "mark": mark, "at": at, "answers": answers}
    return True


def give_back(session: SessionBase, before: Registration, after: Registration, grant: str) -> bool:
    """After a right code, make the kept answers the draft of `after`, which `grant` opens. `before`: the row as it was
    until then. The session forgets whatever was kept. Returns whether answers were restored."""
    kept: dict[str, Any] | None = session.pop(KEY, None)
    if not kept or kept["token"] != str(after.token) or after.state not in _TYPING:
        return False
    age = timezone.now().timestamp() - kept["at"]
    if not 0 <= age < limits.LATE_ANSWERS_KEPT.total_seconds() or not _was_made_for(before, kept["mark"]):
        return False
    save_draft(registration=after, grant=grant, answers=kept["answers"])
    return True


def _was_made_for(row: Registration, mark: str) -> bool:
    return bool(row.grant_hash) and mark.isascii() and keyed_hash_matches(_PURPOSE, row.grant_hash, mark)
