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


# The keys, and what their checks are called: too weak, not random, too weak among those before.
_KEYS = {
    "SECRET_KEY": ("portal.E020", "portal.E026", "portal.E023"),
    "CODE_HASH_KEY": ("portal.E021", "portal.E027", "portal.E024"),
    "ANSWER_HASH_KEY": ("portal.E083", "portal.E084", "portal.E086"),
}


def _keys() -> Iterator[CheckMessage]:
    for name, (weak, made_up, _) in _KEYS.items():
        if _is_weak(getattr(settings, name)):
            yield Error(f"{name} is too short or a known one.", hint=KEY_HINT, id=weak)
        elif not looks_random(getattr(settings, name)):
            what = f"{name} is made of repetitions, sequences or words, so it could be guessed."
            yield from unsafe.refused("keys", what, hint=KEY_HINT, check_id=made_up)
    if settings.CODE_HASH_KEY == settings.SECRET_KEY:
        yield Error(
            "CODE_HASH_KEY is missing or the same as SECRET_KEY, so the two could not be changed one by one.",
            hint=KEY_HINT,
            id="portal.E022",
        )
    if settings.ANSWER_HASH_KEY in (settings.SECRET_KEY, settings.CODE_HASH_KEY):
        yield Error(
            "ANSWER_HASH_KEY is missing or the same as another key, so they could not be changed one by one.",
            hint=f"{KEY_HINT} Keep it with the backups, apart from the database.",
            id="portal.E085",
        )
    yield from _subject_key()
    for name, (_, _, weak_before) in _KEYS.items():
        yield from _keys_before(name, weak_before)


def _subject_key() -> Iterator[CheckMessage]:
    """The key behind the names by which services know citizens: asked for where services can be connected."""
    key = settings.OPENID_SUBJECT_KEY
    if not settings.OPENID_KEYS and not key:
        return
    if _is_weak(key):
        what = "OPENID_SUBJECT_KEY is missing, too short or a known one."
        hint = f"{KEY_HINT} It never changes afterwards: keep it with the backups."
        yield Error(what, hint=hint, id="portal.E080")
    elif not looks_random(key):
        what = "OPENID_SUBJECT_KEY is made of repetitions, sequences or words, so it could be guessed."
        yield from unsafe.refused("keys", what, hint=KEY_HINT, check_id="portal.E082")
    if key and key in (settings.SECRET_KEY, settings.CODE_HASH_KEY, settings.ANSWER_HASH_KEY):
        what = "OPENID_SUBJECT_KEY is the same as another key, which has to be changed some day; this one never may be."
        yield Error(what, hint=KEY_HINT, id="portal.E081")


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
