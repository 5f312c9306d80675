"""The session store (`SESSION_ENGINE`): sessions in the database with their accounts, an idle and an absolute end, and
one statement for each page.

Extends Django's database sessions in the documented way ("Extending database-backed session engines"). Loading a
session is one statement, which reads it and writes its last use, or finds that it is over. No Redis is asked. The
statement is SQL: the ORM needs two, and is slower even when it runs the second one once a minute only; and a last use
that is known to the minute ends sessions too early, or abandoned ones never
(docs/decisions/0033-what-was-weighed-again.md).

Every session ends after `limits.SESSION_IDLE` without use, and `limits.SESSION_LONGEST` after it began, however busy it
is: a session of an account, and one in which a registration, a recovery, a sign-in or a look at a status is under way.
A request that a page makes by itself does not count as use (`asked_by_itself`): a page that was left open would keep
its session for ever.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import IntegrityError, OperationalError, connection, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Session, User
from accounts.sessions import browsers, listeners
from common import limits
from common.database import is_locked

BEGAN = "began"  # when this life of the session began, as a timestamp: a new key does not begin another life
BROWSER = "browser"  # in which browser, in words
PORTAL_SID = "portal_sid"  # the name of the session, from its sign-in to its end
_NAMED_FOR = "portal_sid_of"  # whose session has that name
RENEWED = "renewed"  # in an address: the page has reloaded itself, where there is no script

_KEY = re.compile("[a-z0-9]{32}")
_SQLITE_WAITS = 250  # ms for the lock of another writer; then the session is only read

_ALIVE = "session_key = %s AND expire_date > %s AND seen_at > %s"
# PostgreSQL: a row that is locked is not waited for (SKIP LOCKED); its session is only read.
_TOUCH_OR_READ = f"""
    WITH touched AS (
        UPDATE accounts_session SET seen_at = %s WHERE session_key IN (
            SELECT session_key FROM accounts_session WHERE {_ALIVE}
            FOR NO KEY UPDATE SKIP LOCKED
        )
    ){{also}}
    SELECT session_data FROM accounts_session{{and_also}} WHERE {_ALIVE}
"""  # noqa: S608 - constants of this module
_WITHIN = _TOUCH_OR_READ.format(also="", and_also="")
# Outside a transaction the commit does not wait for the disk either: a crash may lose the last use of a session.
_ALONE = _TOUCH_OR_READ.format(
    also=", soon AS (SELECT set_config('synchronous_commit', 'off', true))", and_also=", soon"
)
_TOUCH = f"UPDATE accounts_session SET seen_at = %s WHERE {_ALIVE} RETURNING session_data"  # noqa: S608
_READ = f"SELECT session_data FROM accounts_session WHERE {_ALIVE}"  # noqa: S608


class SessionStore(DatabaseStore):
    """The store of one session. `unknown`: the browser's key belongs to no live session. `is_used`: whether loading it
    counts as use."""

    unknown = False
    is_used = True
    _key_is_new = False

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        data = self._touched()
        if data is None:
            self._session_key, self.unknown = None, True
            return {}
        return self.decode(data)

    def save(self, must_create: bool = False) -> None:
        """Write the session. Raises UpdateError when it was ended meanwhile: an ended session stays ended."""
        if self.session_key is None:
            return self.create()
        row = self.create_model_instance(self._get_session(no_load=must_create))  # type: ignore[attr-defined]
        if must_create:
            return self._insert(row)
        fields = ("session_data", "expire_date", "account_id", "began_at", "seen_at", "browser", "portal_sid")
        if not Session.objects.filter(pk=row.pk).update(**{name: getattr(row, name) for name in fields}):
            raise UpdateError
        return None

    def delete(self, session_key: str | None = None) -> None:
        Session.objects.filter(pk=session_key or self.session_key).delete()

    def flush(self) -> None:
        """End the session on purpose: at a sign-out, or because another person signs in here."""
        with transaction.atomic():
            self._tell_end()
            super().flush()
        self.unknown, self._key_is_new = False, True

    def create(self) -> None:
        super().create()
        self._key_is_new = True

    def cycle_key(self) -> None:
        """Give the same session a new key. Raises SessionInterrupted when a signed-in session was ended meanwhile:
        under a new key it would be alive again."""
        data = self._session  # type: ignore[attr-defined]
        if self.session_key:
            key = self._get_new_session_key()  # type: ignore[attr-defined]
            if Session.objects.filter(pk=self.session_key).update(session_key=key):
                self._session_key = key
                self.modified = self._key_is_new = True
                return
            if SESSION_KEY in data:
                raise SessionInterrupted("The session was ended before it could get a new key.")
        self.create()

    def begin(self, *, browser: str) -> None:
        """Begin a new life under a new key at a sign-in, whoever had the session before."""
        if not self._key_is_new:
            self.cycle_key()
        self.pop("_session_expiry", None)
        self[BEGAN] = timezone.now().timestamp()
        self[BROWSER] = browser
        if self.get(_NAMED_FOR) != self.get(
            SESSION_KEY
        ):  # else the same person again: services know the session as it is
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

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        data.setdefault(BEGAN, timezone.now().timestamp())
        return Session(
            session_key=self._get_or_create_session_key(),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            account_id=int(data[SESSION_KEY]) if SESSION_KEY in data else None,
            began_at=self._began(),
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

    def _insert(self, row: Session) -> None:
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            if self.exists(row.pk):
                raise CreateError from None
            raise  # the account was deleted; another key would not help

    def _validate_session_key(self, key: Any) -> bool:
        """Whether `key` has the form of our keys; any other is not looked for."""
        return isinstance(key, str) and bool(_KEY.fullmatch(key))

    def _touched(self) -> str | None:
        """The stored data of a live session, whose last use is set to now unless `is_used` is False; None when none is
        alive."""
        now = timezone.now()
        alive = [self.session_key, now, now - limits.SESSION_IDLE]
        if not self.is_used:
            return _first_value(_READ, alive)
        if connection.vendor == "postgresql":
            return _first_value(_WITHIN if connection.in_atomic_block else _ALONE, [now, *alive, *alive])
        try:
            with _short_lock_wait():
                return _first_value(_TOUCH, [now, *alive])
        except OperationalError as error:
            if not is_locked(error):
                raise
            return _first_value(_READ, alive)


def _first_value(statement: str, values: list[Any]) -> str | None:
    adapt = connection.ops.adapt_datetimefield_value
    with connection.cursor() as cursor:
        cursor.execute(statement, [adapt(value) if isinstance(value, dt.datetime) else value for value in values])
        found = cursor.fetchone()
    return found[0] if found else None


@contextmanager
def _short_lock_wait() -> Iterator[None]:
    """Wait for another writer only a short time. SQLite lets one write at a time, and a page that only shows something
    must not wait for a long write."""
    connection.ensure_connection()
    waits = connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000
    connection.connection.execute(f"PRAGMA busy_timeout = {_SQLITE_WAITS}")
    try:
        yield
    finally:
        connection.connection.execute(f"PRAGMA busy_timeout = {waits:.0f}")


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
