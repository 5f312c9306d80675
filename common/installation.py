"""Checks of the database at start: that it belongs to this mode (demo or real), and that our role has no excessive
rights.

The demo's staff, fake registries and SMS page must never be used with a real citizen's data. So the first start writes
its mode into the database, and every process compares before it works.
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from common import unsafe
from common.models import Installation


def ensure_mode(*, fresh: bool = False) -> None:
    """Return if this database belongs to the current `PORTAL_MODE`; else raise ImproperlyConfigured.

    A database without a mode gets one: from a real service always, from a demo only if the caller knows that it is
    `fresh` (nobody has registered or works in it).
    """
    mode = settings.PORTAL_MODE
    row = Installation.objects.first()
    if row is None and (fresh or not settings.DEMO):
        row, _ = Installation.objects.get_or_create(pk=1, defaults={"mode": mode})
    if row is None:
        raise ImproperlyConfigured(
            "this is demo mode, and the database was not made by a demo. "
            "Name an empty database in DATABASE_URL, or a new folder in PORTAL_HOME."
        )
    if row.mode != mode:
        raise ImproperlyConfigured(
            f"PORTAL_MODE is '{mode}', and the database was made in mode '{row.mode}'. "
            "Name another database in DATABASE_URL, or another folder in PORTAL_HOME."
        )


def refuse_superuser() -> None:
    """Raise ImproperlyConfigured outside demo mode if our role is a PostgreSQL superuser or may become one: an SQL
    injection would then reach the database's machine too. Allowed by ALLOW_UNSAFE=superuser."""
    if settings.DEMO or connection.vendor != "postgresql" or unsafe.is_allowed("superuser"):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ours, rolname FROM pg_roles, unnest(ARRAY[current_user, session_user]) AS ours "
            "WHERE (rolsuper OR rolname IN ('pg_execute_server_program', 'pg_write_server_files')) "
            "AND pg_has_role(ours, oid, 'MEMBER') ORDER BY rolname <> ours LIMIT 1"
        )
        found = cursor.fetchone()
    if found:
        ours, what = found
        so = "a superuser" if ours == what else f"a superuser, by being a member of '{what}'"
        raise ImproperlyConfigured(
            f"the database role '{ours}' is {so}. Make a role that owns the portal's database and nothing "
            f"else (docs/runbook.md), and name it in DATABASE_URL. {unsafe.how_to_allow('superuser')}"
        )
