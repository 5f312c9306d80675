"""Sessions in the database, with whose they are; idle and absolute ends; one statement a page.

Django's own way to extend its database sessions (docs: "Extending database-backed session engines"). Loading
a session is one UPDATE … RETURNING: it is read, and its last use written, or it is over. No Redis is asked.

A session of an account ends after `limits.SESSION_IDLE` without a page, and `limits.SESSION_LONGEST` after the
sign-in however busy it is. One without an account (a registration under way) has only the absolute end.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import connection
from django.utils import timezone

from accounts.models import Session
from tamin_portal import limits

BEGAN = "began"  # when this person signed in, as a timestamp: a new key does not begin a new life
BROWSER = "browser"  # which browser, in words


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        data = self._touched()
        if data is None:
            self._session_key = None
            return {}
        return self.decode(data)

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row = cast(Session, super().create_model_instance(data))
        if data.get(SESSION_KEY):
            began = dt.datetime.fromtimestamp(data.setdefault(BEGAN, timezone.now().timestamp()), dt.UTC)
            row.session_data = self.encode(data)
            row.account_id, row.began_at = int(data[SESSION_KEY]), began
            row.browser = data.get(BROWSER, "")
            row.expire_date = min(row.expire_date, began + limits.SESSION_LONGEST)
        return row

    def _touched(self) -> str | None:
        """The stored data of a session that is alive, which is used now; None: there is none."""
        now, adapt = timezone.now(), connection.ops.adapt_datetimefield_value
        table = connection.ops.quote_name(Session._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET seen_at = %s WHERE session_key = %s AND expire_date > %s "  # noqa: S608 - the model's table
                "AND (account_id IS NULL OR seen_at > %s) RETURNING session_data",
                [adapt(now), self.session_key, adapt(now), adapt(now - limits.SESSION_IDLE)],
            )
            found = cursor.fetchone()
        return found[0] if found else None
