"""System checks of trusted proxies, HTTPS, and connections without encryption.

Malformed settings are refused in every mode, unsafe ones outside a demo. What an administrator may allow by name is in
`common.unsafe`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, transaction

from common import addresses, unsafe
from tamin_portal import links_to_servers, proxies

_NETWORKS = ("TRUSTED_PROXIES", "FRONT_TRUSTED_PROXIES", "INTERNAL_NETWORK")
_PROXIES = _NETWORKS[:2]


@register("portal")
def networks_are_networks(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse what is no network, in every mode: the server would not start with it."""
    found: list[CheckMessage] = []
    for name in _NETWORKS:
        for entry in getattr(settings, name):
            if not addresses.valid_networks([entry]):
                hint = "Write addresses and networks, separated by commas, like 10.0.0.7,10.1.0.0/24."
                found.append(Error(f"{name} has '{entry[:40]}', which is no network.", hint=hint, id="portal.E031"))
    return found


@register("portal")
def receipt_hosts_are_internal_names(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse, in every mode, patterns, ports and the names that citizens use: those are led to HTTPS."""
    hint = "Write names alone, like web,front. The public name is in ALLOWED_HOSTS."
    return [
        Error(f"RECEIPT_HOSTS has '{name[:40]}', which is no internal name.", hint=hint, id="portal.E036")
        for name in settings.RECEIPT_HOSTS
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", name) or name in settings.ALLOWED_HOSTS
    ]


@register("portal")
def unsafe_things_are_known(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse unknown names in ALLOW_UNSAFE, in every mode; warn of what is allowed, outside demo mode."""
    known = ", ".join(unsafe.CONSEQUENCES)
    found: list[CheckMessage] = [
        Error(f"ALLOW_UNSAFE has '{name[:40]}', which is nothing that can be allowed.", hint=known, id="portal.E060")
        for name in settings.ALLOW_UNSAFE
        if name not in unsafe.CONSEQUENCES
    ]
    said = [] if settings.DEMO else unsafe.consequences()
    hint = "Take it out of ALLOW_UNSAFE as soon as it is not needed."
    return found + [Warning(line, hint=hint, id="portal.W060") for line in said]


@register("portal")
def network_is_safe(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Outside demo mode: HTTPS, no trust in networks that anybody may be on, encryption to PostgreSQL and Redis."""
    return [] if settings.DEMO else [*_https(), *_proxies(), *_internal(), *_postgres(), *_redis()]


@register("portal", Tags.database)
def citizens_have_addresses(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """`manage.py check --database default`: whether all of the last minutes came from one private address.

    `migrate` runs it too, before the table it reads is there, or is as it should be: then there is nothing to say.
    """
    if settings.DEMO or not databases or "default" not in databases:
        return []
    try:
        with transaction.atomic():
            posts = proxies.posts_of_one_private_address()
    except DatabaseError:
        return []
    hint = "docs/runbook.md, 'All requests come from one address'."
    return [Warning(f"{proxies.what_is_wrong(posts)}.", hint=hint, id="portal.W032")] if posts else []


def _https() -> Iterator[CheckMessage]:
    if not settings.HTTPS:
        what = "HTTPS is off, so passwords and sessions go over the network in the open."
        yield from unsafe.refused("https", what, hint="Leave HTTPS out, or set it to on.", check_id="portal.E033")
    elif not settings.TRUSTED_PROXIES:
        yield Warning(
            "TRUSTED_PROXIES is empty: behind a proxy every citizen has its address, and no request counts as HTTPS.",
            hint="Set TRUSTED_PROXIES to the address of the TLS proxy.",
            id="portal.W031",
        )


def _proxies() -> Iterator[CheckMessage]:
    for name in _PROXIES:
        for network in addresses.valid_networks(getattr(settings, name)):
            if not addresses.is_one_host_or_private(network):
                what = f"{name} has {network}: whoever is in it could choose the address that limits are counted by."
                hint = "Name the proxies' own addresses, or a private network."
                yield from unsafe.refused("proxies", what, hint=hint, check_id="portal.E032")


def _internal() -> Iterator[CheckMessage]:
    hint = "INTERNAL_HOSTS=db,redis and INTERNAL_NETWORK=172.30.77.0/24, as docker-compose.yml has them."
    if bool(settings.INTERNAL_HOSTS) != bool(settings.INTERNAL_NETWORK):
        what = "INTERNAL_HOSTS and INTERNAL_NETWORK go together: names, and where they have to be."
        yield Error(what, hint=hint, id="portal.E034")
    for network in addresses.valid_networks(settings.INTERNAL_NETWORK):
        if not addresses.is_private(str(network)):
            yield Error(f"INTERNAL_NETWORK has {network}, which is not private.", hint=hint, id="portal.E035")


def _postgres() -> Iterator[CheckMessage]:
    found = links_to_servers.postgres(settings.DATABASES["default"])
    if found and not found.has_tls:
        what = f"DATABASE_URL reaches PostgreSQL at {found.host} without TLS."
        hint = "Add ?sslmode=verify-full&sslrootcert=/path/to/ca.pem (or sslmode=require) to it."
        yield from unsafe.refused("database", what, hint=hint, check_id="portal.E041")
    elif found and not found.is_proven and not unsafe.is_allowed("database"):
        yield Warning(
            f"DATABASE_URL takes any server at {found.host} for PostgreSQL: its certificate or name is not checked.",
            hint="Write ?sslmode=verify-full&sslrootcert=/path/to/ca.pem. ALLOW_UNSAFE=database says that it is meant.",
            id="portal.W041",
        )
    if found and not found.has_password:
        what = f"DATABASE_URL reaches PostgreSQL at {found.host} without a password."
        yield from unsafe.refused("database", what, hint="Give the role a password.", check_id="portal.E042")


def _redis() -> Iterator[CheckMessage]:
    for name in links_to_servers.unusable_authorities(settings.REDIS_URL):
        yield Error(
            f"The file of Redis's authorities, {name}, cannot be read, or has no certificate in it.",
            hint="Set REDIS_CA to a file in PEM that the portal's user may read, or leave it out.",
            id="portal.E045",
        )
    for found in links_to_servers.redis(settings.REDIS_URL):
        if not found.has_tls:
            what = f"REDIS_URL reaches Redis at {found.host} without TLS, or takes any certificate."
            hint = "Write rediss://:password@host:6379/0, and REDIS_CA=/path/to/ca.pem for an authority of your own."
            yield from unsafe.refused("redis", what, hint=hint, check_id="portal.E043")
        if not found.has_password:
            what = f"REDIS_URL reaches Redis at {found.host} without a password."
            hint = "Set requirepass there and name it here."
            yield from unsafe.refused("redis", what, hint=hint, check_id="portal.E044")
