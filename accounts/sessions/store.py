"""The session store (`SESSION_ENGINE`): sessions in the database with their accounts, an idle and an absolute end; read
by one statement, and written by one at the end of the request.

Extends Django's database sessions in the documented way ("Extending database-backed session engines"). No Redis is
asked. What a page costs, and why idleness is exact all the same, is in `accounts.sessions.uses` and
docs/decisions/0064-a-session-is-read-by-one-select-and-written-once.md.

Every session ends after `limits.SESSION_IDLE` without use, and `limits.SESSION_LONGEST` after it began, however busy it
is: a session of an account, and one in which a registration, a recovery, a sign-in or a look at a status is under way.
A request that a page makes by itself does not count as use (`asked_by_itself`): a page that was left open would keep
its session for ever.

A new key is written together with what the session holds by then, by `save`: whoever knows the key before never has a
row with the rights that came with the new one, and a request that fails in between has changed nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import get_random_string

from accounts.models import Session, User
from accounts.sessions import browsers, listeners, sql, uses
from common import limits

BEGAN = "began"  # when this life of the session began, as a timestamp: a new key does not begin another life
BROWSER = "browser"  # in which browser, in words
PORTAL_SID = "portal_sid"  # the name of the session, from its sign-in to its end
_NAMED_FOR = "portal_sid_of"  # whose session has that name
RENEWED = "renewed"  # in an address: the page has reloaded itself, where there is no script

_KEY = re.compile("[a-z0-9]{32}")


class SessionStore(DatabaseStore):
    """The store of one session. `unknown`: the browser's key belongs to no live session. `is_used`: whether loading it
    counts as use. `stored_key`: the key under which its row stands in the table; None: it has none yet."""

    unknown = False
    is_used = True
    _read_at: dt.datetime | None = None  # when the row was read that no write of this request has replaced
    _is_behind = False  # the last use that this row knows is old
    _must_be_there = True  # whether the row must be there still when its new key is written

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.stored_key = self.session_key

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        now = timezone.now()
        since = {"idle_since": now - limits.SESSION_IDLE, "fresh_since": now - limits.SESSION_USE_BEHIND}
        found = sql.read(self.session_key, now=now, **since) if self.session_key else None
        if found is None:
            self._session_key, self.stored_key, self.unknown = None, None, True
            return {}
        data, self._is_behind = found
        self._read_at = now
        return self.decode(data)

    def note_use(self) -> None:
        """Note that the session was used by this request, unless it was only looked at, or its row was written, which
        says so too."""
        if self._read_at and self.stored_key and self.is_used:
            uses.note(self.stored_key, self._read_at, at_once=self._is_behind)
        self._read_at = None

    def save(self, must_create: bool = False) -> None:
        """Write the session. Raises UpdateError when it was ended meanwhile: an ended session stays ended."""
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        if must_create:  # nobody chooses the key of a new row
            self._session_key = self.stored_key = None
        key = self._get_or_create_session_key()  # type: ignore[attr-defined]
        if self.stored_key is None:
            self._insert(key, data)
        elif not sql.update(self.stored_key, self._row(key, data)):
            if self._must_be_there or key == self.stored_key:
                raise UpdateError
            self._insert(key, data)
        self.stored_key, self._must_be_there, self._read_at = self.session_key, True, None

    def delete(self, session_key: str | None = None) -> None:
        Session.objects.filter(pk=session_key or self.stored_key).delete()

    def flush(self) -> None:
        """End the session on purpose: at a sign-out, or because another person signs in here."""
        with transaction.atomic():
            self._tell_end()
            super().flush()
        self.unknown, self.stored_key, self._read_at = False, None, None

    def create(self) -> None:
        self.save(must_create=True)
        self.modified = True

    def cycle_key(self) -> None:
        """Give the same session a new key. When a signed-in session was ended meanwhile, `save` raises UpdateError:
        under a new key it would be alive again."""
        if SESSION_KEY not in self._session:  # type: ignore[attr-defined]
            self._must_be_there = self._has_new_key and self._must_be_there
        self._renew_key()

    def copy_to_new_key(self) -> None:
        """Go on under a new key, in a row of its own. The row of the key before stays as it is, and was used now."""
        self._session  # type: ignore[attr-defined]  # noqa: B018 - read before its key is forgotten
        self.note_use()
        self._renew_key()
        self.stored_key = None

    def _renew_key(self) -> None:
        """A key that no answer has told yet is new enough."""
        if not self._has_new_key:
            self._session_key = self._get_new_session_key()
        self.modified = True

    @property
    def _has_new_key(self) -> bool:
        return self.session_key is None or self.session_key != self.stored_key

    def begin(self, *, browser: str) -> None:
        """Begin a new life under a new key at a sign-in, whoever had the session before."""
        self.cycle_key()
        self.pop("_session_expiry", None)
        self[BEGAN] = timezone.now().timestamp()
        self[BROWSER] = browser
        if self.get(_NAMED_FOR) != self.get(
            SESSION_KEY
        ):  # else the same person again: services know the session as it is
            if _NAMED_FOR in self:
                with transaction.atomic():
                    self._tell_end()
            self[PORTAL_SID], self[_NAMED_FOR] = secrets.token_hex(16), self[SESSION_KEY]

    def give_name(self) -> None:
        """Name a session that was begun before sessions had names. Two requests at once give it the same name."""
        of = f"{self[SESSION_KEY]}:{self.get(BEGAN)}"
        self[PORTAL_SID], self[_NAMED_FOR] = hashlib.sha256(of.encode()).hexdigest()[:32], self[SESSION_KEY]

    def _tell_end(self) -> None:
        """Whose session it is or was (half-way into another sign-in nobody is signed in) hears of its end."""
        if PORTAL_SID in self and _NAMED_FOR in self:
            account_id, sids = int(self[_NAMED_FOR]), [self[PORTAL_SID]]
            # What is granted in the name of a session is written under this lock (`standing`): it is there already and
            # ends as well, or it finds the session gone.
            User.objects.select_for_update(no_key=True).filter(pk=account_id).values_list("pk").first()
            listeners.tell(account_id=account_id, portal_sids=sids, reason=listeners.Reason.SIGNED_OUT)

    def get_expiry_date(self, **kwargs: Any) -> dt.datetime:
        """The absolute end. What a journey without a sign-in sets (`set_expiry`) can only bring its end forward."""
        ends = self._began() + limits.SESSION_LONGEST
        return ends if SESSION_KEY in self else min(ends, super().get_expiry_date(**kwargs))

    def get_expiry_age(self, **kwargs: Any) -> int:
        return max(0, round((self.get_expiry_date(**kwargs) - timezone.now()).total_seconds()))

    def _row(self, key: str, data: dict[str, Any]) -> sql.Row:
        """What is written of this session. The write is a use."""
        data.setdefault(BEGAN, timezone.now().timestamp())
        return sql.Row(
            session_key=key,
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            account_id=int(data[SESSION_KEY]) if SESSION_KEY in data else None,
            began_at=self._began(),
            seen_at=timezone.now(),
            browser=data.get(BROWSER, ""),
            portal_sid=data.get(PORTAL_SID, ""),
        )

    def seconds_left(self) -> int:
        """Seconds until a session that is used now ends, by idleness or by its absolute end."""
        return min(int(limits.SESSION_IDLE.total_seconds()), self.get_expiry_age())

    def holds_something(self) -> bool:
        """Whether somebody is signed in or has begun something here; False for a session that is over or empty."""
        return any(not key.startswith("_session") and key not in (BEGAN, BROWSER) for key in self.keys())

    def _began(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self.get(BEGAN, timezone.now().timestamp()), dt.UTC)

    def _insert(self, key: str, data: dict[str, Any]) -> None:
        """Write a new row. Its key is not looked for before: the unique column says if it is somebody's already."""
        while not sql.insert(self._row(key, data)):
            key = self._get_new_session_key()
        self._session_key = key

    def _get_new_session_key(self) -> str:
        return get_random_string(32, VALID_KEY_CHARS)

    def _validate_session_key(self, key: Any) -> bool:
        """Whether `key` has the form of our keys; any other is not looked for."""
        return isinstance(key, str) and bool(_KEY.fullmatch(key))


_View = Callable[..., Any]


def asked_by_itself(view: _View) -> _View:
    """Decorator of a view that a script asks for over and over: the request does not count as use of the session."""

    @wraps(view)
    def looked_at(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        _not_used(request)
        return view(request, *args, **kwargs)

    return looked_at


def renews_itself(view: _View) -> _View:
    """Decorator of a page that reloads itself where there is no script: with `RENEWED` in its address the request does
    not count as use."""

    @wraps(view)
    def looked_at(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if RENEWED in request.GET:
            _not_used(request)
        return view(request, *args, **kwargs)

    return looked_at


def _not_used(request: HttpRequest) -> None:
    """Do not count this request as use. Call it before anything has loaded the session, so before `request.user` is
    read."""
    if isinstance(request.session, SessionStore):
        request.session.is_used = False


def begin_life(sender: object, request: HttpRequest, **kwargs: Any) -> None:
    """Begin the session's new life after every `login`. Called by the signal `user_logged_in`."""
    session = request.session
    if isinstance(session, SessionStore):
        session.begin(browser=browsers.in_words(request))
