"""Answers sent from a page whose session has ended, or that another tab has left: kept in the browser's session,
restored after a right code.

The sender is not proven yet, so the answers open nothing and change nothing in the registration. They are taken only
from a page that was made for the row's present grant: such a page carries a mark of the grant, which a stranger who
knows the row's token does not have. They become the row's draft when the same browser types the row's right code,
unless the registration was continued elsewhere meanwhile. Several people's are kept side by side: each comes back after
that person's code only. See docs/decisions/0028 and 0036.
"""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from common import limits
from common.secrets import keyed_hash, keyed_hash_matches
from registration.models import Registration
from registration.services.journey import TYPING, save_draft

KEY = "registration_late_sets"
_PURPOSE = "page of a grant"


def mark_of(row: Registration) -> str:
    """The mark of the present grant of `row`, for its pages: a keyed hash, from which the grant cannot be found."""
    return keyed_hash(_PURPOSE, row.grant_hash) if row.grant_hash else ""


def keep(session: SessionBase, row: Registration | None, *, mark: str, answers: dict[str, str]) -> bool:
    """Keep `answers` (never secrets) for this browser, if `mark` shows that the page was made for the grant of `row`.

    The latest set of each row, and of the latest rows only. False: nothing was kept.
    """
    if row is None or row.state not in TYPING or not answers or not _was_made_for(row, mark):
        return False
    token, sets = str(row.token), _sets(session)
    before = sets.pop(token, None)
    if before and before["mark"] == mark:  # another part of the same step
        answers = before["answers"] | answers
    newest = [*sets.items(), (token, {"mark": mark, "at": timezone.now().timestamp(), "answers": answers})]
    session[KEY] = dict(newest[-limits.LATE_ANSWERS_OF :])
    return True


def give_back(session: SessionBase, before: Registration, after: Registration, grant: str) -> bool:
    """After a right code, add the kept answers to the draft of `after`, which `grant` opens. `before`: the row as it
    was until then. The session forgets what was kept of it. Returns whether answers were restored."""
    kept = forget(session, str(after.token))
    if not kept or after.state not in TYPING:
        return False
    age = timezone.now().timestamp() - kept["at"]
    if not 0 <= age < limits.LATE_ANSWERS_KEPT.total_seconds() or not _was_made_for(before, kept["mark"]):
        return False
    save_draft(registration=after, grant=grant, answers=kept["answers"])
    return True


def forget(session: SessionBase, token: str) -> dict[str, Any] | None:
    """Remove what is kept of the row with this token; returns it."""
    sets = _sets(session)
    kept = sets.pop(token, None)
    if kept is not None:
        session[KEY] = sets
        if not sets:
            del session[KEY]
    return kept


def _sets(session: SessionBase) -> dict[str, dict[str, Any]]:
    """What is kept, by the tokens of the rows, the oldest first."""
    return dict(session.get(KEY) or {})


def _was_made_for(row: Registration, mark: str) -> bool:
    return bool(row.grant_hash) and mark.isascii() and keyed_hash_matches(_PURPOSE, row.grant_hash, mark)
