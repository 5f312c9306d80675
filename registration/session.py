"""What a browser's session keeps of a registration: its token, the asker (a secret), the grant.

Never an answer, a code or a password: those are in the row. The token says which row this browser works on,
and the grant proves that it may.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.utils import timezone

from accounts.sessions.keys import change_key
from accounts.sessions.store import BEGAN
from common import limits
from common.secrets import keyed_hash
from registration import late_answers
from registration.models import Registration
from registration.services import lookup
from registration.services.journey import holds_grant

_KEY = "registration"
_STATUS_KEY = "registration_status"
# Named as the store's own keys: it is nothing that was begun, so it keeps no page open (`holds_something`).
_LEFT_KEY = "_session_left_registration"


class Journey:
    """The registration that one browser works on, read from its session; reading writes nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self.session: SessionBase = request.session
        self._csrf_secret = str(request.META.get("CSRF_COOKIE") or "")
        self._data: dict[str, Any] = dict(self.session.get(_KEY) or {})

    @property
    def token(self) -> str:
        """Which row this browser works on; empty: none."""
        return str(self._data.get("token", ""))

    @property
    def asker(self) -> str:
        """The secret that codes are bound to; made at the first use, kept to the session's end."""
        return self.asker_of_page("")

    def asker_of_page(self, nonce: str) -> str:
        """The asker; for a browser without a session yet, derived from the page that step one was typed in.

        A double click on step one arrives twice without a session: both must be the same asker, or
        the browser keeps the session that did not get the code. The CSRF secret ties the page's
        nonce to the browser; the nonce keeps two people at one browser apart.
        """
        if "asker" not in self._data:
            tied = bool(nonce and self._csrf_secret)
            page = keyed_hash("page of step one", f"{self._csrf_secret}:{nonce}")
            self._write(asker=page if tied else secrets.token_urlsafe(32))
        return str(self._data["asker"])

    @property
    def grant(self) -> str:
        return str(self._data.get("grant", ""))

    @property
    def changing(self) -> bool:
        """The person asked to correct the number: step one is shown with what was typed."""
        return bool(self._data.get("changing"))

    @property
    def duplicate(self) -> bool:
        return bool(self._data.get("duplicate"))

    @property
    def receipt(self) -> str:
        """The row that this browser finished: only its closing page may be shown. For a while, whoever goes on with
        the session meanwhile (a sign-in, a recovery)."""
        return str(self._data.get("receipt", "")) if self.receipt_left > 0 else ""

    @property
    def receipt_left(self) -> int:
        """Seconds until the closing page is shown no more."""
        age = timezone.now().timestamp() - float(self._data.get("finished", 0))
        return max(0, int(limits.CLOSING_PAGE_SHOWN.total_seconds() - age))

    @property
    def next_page(self) -> str:
        """Where a service's request goes on, from which the person came; until the code is right, then the row knows
        the service."""
        return str(self._data.get("next", ""))

    def holds(self, registration: Registration) -> bool:
        """Whether this browser's grant opens `registration`."""
        return holds_grant(registration, self.grant)

    def begin(self, registration: Registration, *, duplicate: bool, next_page: str = "") -> None:
        """Step one is done: this browser waits for the code of `registration`."""
        if self.token != str(registration.token):
            _whole_time(self.session)
        fresh = {"token": str(registration.token), "grant": "", "receipt": "", "changing": False}
        self._write(**fresh, duplicate=duplicate, next=next_page)

    def change(self) -> None:
        self._write(changing=True)

    def change_is_over(self) -> None:
        self._write(changing=False)

    def granted(self, registration: Registration, grant: str) -> None:
        """The code was right: a new session key with the grant for `registration` in it.

        The old key keeps its row, without a grant: whoever planted it has nothing, and a person
        whose answer was lost on the way can send the same code again from it.
        """
        change_key(self.session)
        self.session.pop(_STATUS_KEY, None)
        self._data = {"token": str(registration.token)}
        self._write(grant=grant)

    def shown(self) -> None:
        """A page of this journey is looked at: its status is meant from here on, not one that was asked for before."""
        if _STATUS_KEY in self.session:
            del self.session[_STATUS_KEY]

    @property
    def submitted_here(self) -> bool:
        """The receipt is of a registration that this browser has just submitted."""
        return bool(self._data.get("submitted"))

    def finish(self, registration: Registration, *, submitted: bool = False) -> None:
        """The journey is over: nothing is left but the right to see its closing page for a while."""
        self.session.pop(_STATUS_KEY, None)
        late_answers.forget(self.session, str(registration.token))
        self._data = {"finished": timezone.now().timestamp()}
        self._write(receipt=str(registration.token), **({"submitted": True} if submitted else {}))
        if SESSION_KEY not in self.session:  # who is signed in keeps the expiry that they chose
            self.session.set_expiry(int(limits.CLOSING_PAGE_SHOWN.total_seconds()))

    def forget(self) -> None:
        """Begin from nothing, for the next person at this browser. What was kept of late pages stays: nobody sees it
        before that person's own code."""
        left = self.token
        for key in (_KEY, _STATUS_KEY, _LEFT_KEY):
            self.session.pop(key, None)
        if left:
            self.session[_LEFT_KEY] = left
        self._data = {}

    def was_left(self, token: str) -> bool:
        """Whether this browser was asked to register another person instead of going on with the row of `token`."""
        return bool(token) and self.session.get(_LEFT_KEY) == token

    def _write(self, **changes: Any) -> None:
        self._data |= changes
        self.session[_KEY] = self._data


def new_nonce() -> str:
    """What tells an empty step one from every other page, see `Journey.asker_of_page`."""
    return secrets.token_urlsafe(16)


def city_of_journey(request: HttpRequest) -> str:
    """The city of the registration that this browser has proven or finished, «province، city»; else empty. Who only
    knows a tracking code is not told where the person lives."""
    journey = Journey(request)
    token = journey.receipt or (journey.token if journey.grant else "")
    row = lookup.by_token(token) if token else None
    if row is None or not (journey.receipt or journey.holds(row)):
        return ""
    return row.city or str(row.draft.get("city", ""))


class StatusAccess:
    """Whose status a browser may see: the one whose tracking code it typed, the one it has just finished, or the
    one it has a grant for. What came last counts: a family shares a browser."""

    def __init__(self, request: HttpRequest) -> None:
        self.session: SessionBase = request.session
        self._journey = Journey(request)
        self._data: dict[str, Any] = dict(self.session.get(_STATUS_KEY) or {})

    def begin(self, registration: Registration) -> None:
        """National ID and tracking code were right: from here on under a new session key."""
        change_key(self.session)
        _whole_time(self.session)
        self._data = {"token": str(registration.token), "at": timezone.now().isoformat()}
        self.session[_STATUS_KEY] = self._data

    def forget(self) -> None:
        """For the next person at this browser; a journey that is under way goes on."""
        self.session.pop(_STATUS_KEY, None)
        self._data = {}
        if self._journey.receipt:
            self._journey.forget()

    @property
    def since(self) -> datetime | None:
        """When the tracking code was typed; None: this browser sees a journey of its own."""
        return datetime.fromisoformat(self._data["at"]) if self._data else None

    @property
    def closes_in(self) -> int:
        """Seconds until it is shown no more, however busy this browser is."""
        if self.since:
            return max(0, int((self.since + limits.STATUS_SHOWN - timezone.now()).total_seconds()))
        return self._journey.receipt_left if self._journey.receipt else int(limits.STATUS_SHOWN.total_seconds())

    def registration(self) -> Registration | None:
        """The request that may be shown now, if there is one that was handed in."""
        if self.since and timezone.now() - self.since > limits.STATUS_SHOWN:
            self._data = {}
        token = str(self._data.get("token", "") or self._journey.receipt)
        row = lookup.by_token(token) if token else self._granted()
        return row if row and row.tracking_code else None

    def _granted(self) -> Registration | None:
        row = lookup.by_token(self._journey.token) if self._journey.grant else None
        return row if row and self._journey.holds(row) else None


def _whole_time(session: SessionBase) -> None:
    """What is begun now does not end with the closing page of a journey before, nor by that one's age. Not for who is
    signed in: their session stays as they chose."""
    if SESSION_KEY not in session:
        session.pop(BEGAN, None)
        session.set_expiry(None)
