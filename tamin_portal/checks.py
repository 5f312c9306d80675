"""System checks that refuse an unsafe installation. Each says what is wrong and what to write instead.

Demo mode is safe by other means: it listens on the loopback only and works only on a database
that a demo made (common/installation.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from common import unsafe
from tamin_portal.key_strength import looks_random

SHORTEST_KEY = 50  # characters; what Django's own startproject writes
KEY_HINT = "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
DEMO_DATABASE_PASSWORD = "demo-only"  # noqa: S105 - docker-compose.yml's default


@register("portal")
def contacts_are_addresses(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """In every mode: each contact of security.txt is one URI on one line (RFC 9116, 2.5.3)."""
    return [
        Error(
            f"SECURITY_CONTACT has '{contact[:40]}'.",
            hint="Write mailto:…, https://… or tel:…, separated by commas.",
            id="portal.E070",
        )
        for contact in settings.SECURITY_CONTACT
        if not re.fullmatch(r"(?:mailto:|https://|tel:)[!-~]+", contact)
    ]


@register("portal")
def installation_is_safe(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Outside demo mode: real keys, named hosts, nothing of the demo. (Each app checks what is its own.)"""
    return [] if settings.DEMO else [*_keys(), *_hosts(), *_database()]


def _keys() -> Iterator[CheckMessage]:
    for number, name in enumerate(("SECRET_KEY", "CODE_HASH_KEY"), start=20):
        if _is_weak(getattr(settings, name)):
            yield Error(f"{name} is too short or a known one.", hint=KEY_HINT, id=f"portal.E0{number}")
        elif not looks_random(getattr(settings, name)):
            what = f"{name} is made of repetitions, sequences or words, so it could be guessed."
            yield from unsafe.refused("keys", what, hint=KEY_HINT, check_id=f"portal.E0{number + 6}")
    if settings.CODE_HASH_KEY == settings.SECRET_KEY:
        yield Error(
            "CODE_HASH_KEY is missing or the same as SECRET_KEY, so the two could not be changed one by one.",
            hint=KEY_HINT,
            id="portal.E022",
        )
    yield from _keys_before("SECRET_KEY", "portal.E023")
    yield from _keys_before("CODE_HASH_KEY", "portal.E024")


def _keys_before(name: str, fault: str) -> Iterator[CheckMessage]:
    """Keys that were replaced: what they signed is still accepted, so each has to be as strong as the one in force."""
    before: list[str] = getattr(settings, f"{name}_FALLBACKS")
    if any(_is_weak(key) for key in before):
        yield Error(
            f"{name}_FALLBACKS has a key that is too short or a known one.",
            hint="Take it out: only keys that were in force before belong there, separated by commas.",
            id=fault,
        )
    elif not all(map(looks_random, before)):
        what = f"{name}_FALLBACKS has a key of repetitions, sequences or words, so it could be guessed."
        hint = "Take it out: what it has signed is still believed."
        yield from unsafe.refused("keys", what, hint=hint, check_id="portal.E028")
    if getattr(settings, name) in before:
        yield Error(
            f"{name}_FALLBACKS has the key that is in force, so nothing was changed.",
            hint=f"Put the old key there, and a new one into {name}. {KEY_HINT}",
            id="portal.E025",
        )


def _is_weak(key: str) -> bool:
    return len(key) < SHORTEST_KEY or key.startswith(("demo-", "django-insecure-"))


def _hosts() -> Iterator[CheckMessage]:
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS is empty or '*', so a forged host name could be put into links.",
            hint="Set ALLOWED_HOSTS to the portal's own names.",
            id="portal.E030",
        )


def _database() -> Iterator[CheckMessage]:
    if settings.DATABASES["default"].get("PASSWORD") == DEMO_DATABASE_PASSWORD:
        yield Error(
            "The database has the demo's password.",
            hint="Set POSTGRES_PASSWORD (docker-compose.yml) or DATABASE_URL.",
            id="portal.E040",
        )
