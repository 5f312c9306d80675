"""The network links to PostgreSQL and Redis that the settings describe: whether they have TLS and a password.

Left out are links that do not leave this machine, and hosts that `INTERNAL_HOSTS` and `INTERNAL_NETWORK` name: a
network on which only processes of this installation are.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings

from common import addresses
from common.connecting import is_loopback, resolve
from common.redis_url import takes_any_certificate

_TLS = ("require", "verify-ca", "verify-full")  # sslmode; less falls back to plain
_RESOLVE_WITHIN = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a server, over a network that others may be on."""

    host: str
    has_tls: bool
    has_password: bool
    is_proven: bool  # the server's certificate is checked, and that it is for this host


def postgres(database: Mapping[str, Any]) -> Link | None:
    """`database` as in Django's DATABASES; what is left open there is libpq's to take from its own environment. None:
    SQLite, a UNIX socket, this machine, or an internal host."""
    if "postgresql" not in database.get("ENGINE", ""):
        return None
    options: Mapping[str, Any] = database.get("OPTIONS") or {}
    named = [
        database.get("HOST") or options.get("host") or os.environ.get("PGHOST", ""),
        options.get("hostaddr") or os.environ.get("PGHOSTADDR", ""),
    ]
    if not any(named) and (service := options.get("service") or os.environ.get("PGSERVICE")):
        named = [f"whatever the service '{service}' means"]
    outside = [host for host in ",".join(named).split(",") if _is_outside(host)]
    if not outside:
        return None
    proven = bool(database.get("PASSWORD") or options.get("passfile") or options.get("sslcert"))
    proven = proven or any(os.environ.get(name) for name in ("PGPASSWORD", "PGPASSFILE", "PGSSLCERT"))
    mode = options.get("sslmode") or os.environ.get("PGSSLMODE")
    return Link(outside[0], mode in _TLS, proven, is_proven=mode == "verify-full")


def redis(url: str) -> list[Link]:
    """Each server of REDIS_URL (Celery takes several, separated by ";"), unless it is on this machine or internal."""
    links = []
    for each in url.split(";"):
        parts = urlsplit(each)
        if not parts.scheme.endswith("socket") and _is_outside(parts.hostname or ""):
            verified = parts.scheme == "rediss" and not takes_any_certificate(each)
            links.append(Link(parts.hostname or "", verified, bool(parts.password), is_proven=verified))
    return links


def unusable_authorities(url: str) -> list[str]:
    """The files in REDIS_URL that should hold the trusted certificates (REDIS_CA) and cannot be used."""
    unusable = []
    for each in url.split(";"):
        name = dict(parse_qsl(urlsplit(each).query)).get("ssl_ca_certs")
        try:
            ssl.create_default_context(cafile=name)
        except OSError:
            unusable.append(str(name))
    return unusable


def internal_hosts_elsewhere() -> list[str]:
    """Names of INTERNAL_HOSTS that lead out of INTERNAL_NETWORK at the moment. One that cannot be looked up leads
    nowhere. Asks the name server."""
    networks = addresses.networks(settings.INTERNAL_NETWORK)
    wrong = []
    for host in settings.INTERNAL_HOSTS:
        try:
            found = [addresses.parse(str(entry[4][0])) for entry in resolve(host, within=_RESOLVE_WITHIN)]
        except (OSError, UnicodeError):
            continue
        if not all(address and any(address in network for network in networks) for address in found):
            wrong.append(host)
    return wrong


def _is_outside(host: str) -> bool:
    if not host or host.startswith(("/", "@")) or is_loopback(host) or host in settings.INTERNAL_HOSTS:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return True
    return not any(address in network for network in addresses.valid_networks(settings.INTERNAL_NETWORK))
