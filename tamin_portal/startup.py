"""What must hold before a process serves citizens or works on their behalf."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from tamin_portal.installation import ensure_mode


def refuse_unsafe() -> None:
    """Run Django's checks and compare the database's mode. Raises ImproperlyConfigured with plain sentences."""
    faults: list[CheckMessage] = [found for found in run_checks() if found.is_serious() and not found.is_silenced()]
    if faults:
        raise ImproperlyConfigured(" ".join(f"{found.msg} {found.hint or ''}".strip() for found in faults))
    try:
        ensure_mode()
    except DatabaseError as error:
        raise ImproperlyConfigured(
            f"the database does not answer or was not migrated ({type(error).__name__}). "
            "Run: manage.py migrate, and look at DATABASE_URL."
        ) from error
    finally:
        connections.close_all()  # the caller may fork


def refuse_unsafe_or_exit() -> None:
    """`refuse_unsafe` for a server process: the reason goes to its log as one line, and it ends."""
    try:
        refuse_unsafe()
    except ImproperlyConfigured as error:
        sys.exit(f"{settings.PORTAL_MODE}: refused to start: {error}")
