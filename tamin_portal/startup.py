"""Checks that run before a process serves citizens or works on their behalf."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from common import unsafe
from common.connecting import is_loopback
from common.installation import ensure_mode, refuse_superuser
from openid.checks import NEVER_STOPS, services_have_keys
from tamin_portal.links_to_servers import internal_hosts_elsewhere

log = logging.getLogger(__name__)


def refuse_unsafe() -> None:
    """Run Django's checks, compare the database's mode and look at what only a running installation can tell.

    Raises ImproperlyConfigured with plain sentences. What is unsafe and allowed is a WARNING line in the log.
    """
    faults: list[CheckMessage] = [found for found in run_checks() if found.is_serious() and not found.is_silenced()]
    for found in faults:
        if found.id in NEVER_STOPS:
            log.error("%s %s", found.msg, found.hint or "")
    faults = [found for found in faults if found.id not in NEVER_STOPS]
    if faults:
        raise ImproperlyConfigured(" ".join(f"{found.msg} {found.hint or ''}".strip() for found in faults))
    if not settings.DEMO:
        for line in unsafe.consequences():
            log.warning("%s", line)
        refuse_internal_hosts_elsewhere()
    try:
        ensure_mode()
        refuse_superuser()
        if without_keys := services_have_keys(databases=["default"]):
            raise ImproperlyConfigured(f"{without_keys[0].msg} {without_keys[0].hint}")
    except DatabaseError as error:
        raise ImproperlyConfigured(
            f"the database does not answer or was not migrated ({type(error).__name__}). "
            "Run: manage.py migrate, and look at DATABASE_URL."
        ) from error
    finally:
        connections.close_all()  # the caller may fork


def refuse_internal_hosts_elsewhere() -> None:
    """Refuse an internal host whose name leads out of the internal network: it would be reached without encryption.
    Raises ImproperlyConfigured."""
    if elsewhere := internal_hosts_elsewhere():
        raise ImproperlyConfigured(
            f"INTERNAL_HOSTS has {' and '.join(elsewhere)}, whose address is not in INTERNAL_NETWORK. "
            "Take it out, and use TLS; or mend the name."
        )


def refuse_open_demo(addresses: Iterable[Any], *, behind_loopback: bool) -> None:
    """Refuse a demo that others can open, for it shows every SMS: it listens on the loopback or a socket file only.

    `addresses` are gunicorn's: (host, port), the path of a socket, or the number of one that was handed
    over, of which nothing is known. `behind_loopback`: something before it sees to that
    (docker-compose.yml). Raises ImproperlyConfigured with plain sentences.
    """
    if not settings.DEMO or behind_loopback:
        return
    for address in addresses:
        place = str(address[0]) if isinstance(address, tuple) else address
        if not (isinstance(address, str) or is_loopback(place)):
            raise ImproperlyConfigured(
                f"a demo shows every code to whoever can open it, and would listen on {place or 'every address'}. "
                "Set BIND to the loopback (127.0.0.1:9090). PORTAL_DEMO_BEHIND_LOOPBACK=1 says that only this "
                "machine can reach that address, as in docker-compose.yml."
            )


def refuse_unsafe_or_exit(addresses: Iterable[Any] = (), *, behind_loopback: bool = False) -> None:
    """`refuse_unsafe` for a server process: the reason goes to its log as one line, and it ends."""
    try:
        refuse_open_demo(addresses, behind_loopback=behind_loopback)
        refuse_unsafe()
    except ImproperlyConfigured as error:
        sys.exit(f"{settings.PORTAL_MODE}: refused to start: {error}")
