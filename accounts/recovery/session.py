"""Keeps in a browser's session which recovery it has, and whether the code was right in this browser (its grant).

Never a code, an answer or a password. The challenge's row has the state; the session only says which row, and proves
that this browser may continue with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import SESSION_KEY, logout
from django.http import HttpRequest

from accounts.codes import challenges
from accounts.models import Challenge
from accounts.recovery import service as recovery_service
from accounts.recovery.service import Standing, Step
from accounts.sessions import browsers
from accounts.sessions.guards import is_citizen
from accounts.sessions.keys import change_key
from accounts.sessions.store import BEGAN

_KEY = "recovery"
_CITY_FINDERS: list[Callable[[HttpRequest], str]] = []


def register_city_finder(find: Callable[[HttpRequest], str]) -> None:
    """Have `own_city` ask `find` as well: for apps above, whose journeys know a person's city."""
    if find not in _CITY_FINDERS:
        _CITY_FINDERS.append(find)


def own_city(request: HttpRequest) -> str:
    """The city of the person at this browser, «province، city»: of who is signed in, of the account whose number it has
    proven, else of a journey of another app. Empty where this browser has proven nothing."""
    if is_citizen(request.user):
        return str(request.user.city)  # type: ignore[union-attr]
    browser = Recovering(request)
    row = browser.challenge() if browser.has_proven else None
    if row is not None:
        return row.account.city if row.account else ""
    return next(filter(None, (find(request) for find in _CITY_FINDERS)), "")


class Recovering:
    """The recovery of one browser, read from its session. Reading writes nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._data: dict[str, Any] = dict(request.session.get(_KEY) or {})
        if self._data and self._data.get(browsers.ENGINE) != browsers.engine(request):
            self._data = {}  # a session that was copied to another browser has no recovery there

    @property
    def has_proven(self) -> bool:
        """Whether the code was right in this browser."""
        return bool(self._data.get("proven"))

    def challenge(self) -> Challenge | None:
        """The challenge's row; None: this browser has no recovery."""
        token = str(self._data.get("token", ""))
        return recovery_service.find(token=token) if token else None

    def standing(self, challenge: Challenge) -> Standing:
        """Which step this browser may see. Until it has proven the number, the same for every national ID."""
        if self.has_proven:
            return recovery_service.standing(challenge=challenge)
        return Standing(Step.OVER, "late") if challenges.is_too_old(challenge=challenge) else Standing(Step.CODE)

    def begin(self, challenge: Challenge) -> None:
        """The first step is done: this browser waits for the code of `challenge`."""
        self._write(challenge)

    def grant(self, challenge: Challenge) -> None:
        """The code was right: the proof goes into the session under a new key, and only that session may continue.

        The old key keeps its row, without the proof: an attacker who planted the key has nothing, and a person whose
        answer was lost can send the same code again from it. Whoever was signed in here is signed out.
        """
        session = self._request.session
        if SESSION_KEY in session:
            logout(self._request)
        else:
            change_key(session)
        self._write(challenge, proven=True)

    def forget(self) -> None:
        """Remove the recovery from the session: for another one, or for the next person at this browser."""
        self._request.session.pop(_KEY, None)
        self._data = {}

    def _write(self, challenge: Challenge, **more: bool) -> None:
        self._data = {"token": str(challenge.token), browsers.ENGINE: browsers.engine(self._request), **more}
        self._request.session[_KEY] = self._data
        if SESSION_KEY not in self._request.session:
            self._request.session.pop(BEGAN, None)  # the time of the session begins now, however old it is
            self._request.session.set_expiry(
                None
            )  # not the shorter end that a registration in the same browser has set
