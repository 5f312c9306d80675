"""What a browser session knows of a registration: a random token, the asker's secret, the grant.

Never an answer, a code or a password. The row is the truth; this only says which row, and proves
that this browser may work on it.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from registration.models import Registration
from registration.services.journey import holds_grant
from tamin_portal.secrets import keyed_hash

_KEY = "registration"
RECEIPT_SECONDS = 15 * 60  # how long the closing page can be refreshed


class Journey:
    """The journey of one browser, read from its session; reading writes nothing."""

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
        """The asker; for a browser without a session yet, made of the page that step one was typed in.

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
        """The row that this browser finished: only its closing page may be shown."""
        return str(self._data.get("receipt", ""))

    def holds(self, registration: Registration) -> bool:
        """Whether this browser's grant opens `registration`."""
        return holds_grant(registration, self.grant)

    def begin(self, registration: Registration, *, duplicate: bool) -> None:
        """Step one is done: this browser waits for the code of `registration`."""
        self._write(token=str(registration.token), grant="", duplicate=duplicate, changing=False, receipt="")

    def change(self) -> None:
        self._write(changing=True)

    def change_is_over(self) -> None:
        self._write(changing=False)

    def granted(self, registration: Registration, grant: str) -> None:
        """The code was right: a new session key with the grant for `registration` in it.

        The old key keeps its row, without a grant: whoever planted it has nothing, and a person
        whose answer was lost on the way can send the same code again from it.
        """
        kept = dict(self.session.items())
        self.session.create()
        self.session.update(kept)
        self._data = {"token": str(registration.token)}
        self._write(grant=grant)

    @property
    def submitted_here(self) -> bool:
        """The receipt is of a registration that this browser has just submitted."""
        return bool(self._data.get("submitted"))

    def finish(self, registration: Registration, *, submitted: bool = False) -> None:
        """The journey is over: nothing is left but the right to see its closing page for a while."""
        self._data = {}
        self._write(receipt=str(registration.token), **({"submitted": True} if submitted else {}))
        self.session.set_expiry(RECEIPT_SECONDS)

    def forget(self) -> None:
        """Begin from nothing, for the next person at this browser."""
        self.session.pop(_KEY, None)
        self._data = {}

    def _write(self, **changes: Any) -> None:
        self._data |= changes
        self.session[_KEY] = self._data
