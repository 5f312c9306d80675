"""What a checked authorization request asks about the sign-in: when, how surely, and with which pages in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidRequestError

from openid.models import ConnectedService, Level

NONE, LOGIN, CONSENT, SELECT = "none", "login", "consent", "select_account"
_LONGEST_AGE = 10  # digits of `max_age`


@dataclass(frozen=True, slots=True)
class Asked:
    """`prompts`: what `prompt` holds; `levels`: the wanted levels that are known, the preferred one first; `needed`:
    the level below which there is no answer."""

    prompts: frozenset[str]
    max_age: timedelta | None
    levels: tuple[Level, ...]
    needed: Level
    locales: tuple[str, ...] = field(default=())

    @property
    def silent(self) -> bool:
        """No page may be shown."""
        return NONE in self.prompts


def read(parameters: Mapping[str, str], *, claims: Mapping[str, Any], service: ConnectedService) -> Asked:
    """Read `prompt`, `max_age`, `acr_values`, `ui_locales` and the claim `acr` of a request.

    Raises OAuth2Error, to be told to the service: invalid_request, unmet_authentication_requirements (a level that the
    portal does not know is essential).
    """
    prompts = frozenset(parameters.get("prompt", "").split())
    if NONE in prompts and len(prompts) > 1:
        raise InvalidRequestError("The prompt 'none' cannot be combined with another one.")
    essential = _essential_levels(claims)
    wanted = essential if essential is not None else parameters.get("acr_values", "").split()
    levels = tuple(Level(value) for value in wanted if value in Level.values)
    if essential is not None and not levels:
        raise OAuth2Error(error="unmet_authentication_requirements")
    return Asked(
        prompts=prompts,
        max_age=_max_age(parameters.get("max_age")),
        levels=levels,
        needed=max([Level(service.required_level), *levels[:1]], key=lambda level: level.rank),
        locales=tuple(parameters.get("ui_locales", "").split()),
    )


def told_level(asked: Asked, reached: Level) -> Level:
    """The `acr` of the answer: of the wanted levels the first that the sign-in reaches, else what it reaches. Never
    less than the service requires."""
    for level in asked.levels:
        if level.rank <= reached.rank:
            return max(level, asked.needed, key=lambda one: one.rank) if asked.needed.rank <= reached.rank else reached
    return reached


def _max_age(text: str | None) -> timedelta | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_AGE):
        raise InvalidRequestError("The 'max_age' is not a number of seconds.")
    return timedelta(seconds=int(text))


def _essential_levels(claims: Mapping[str, Any]) -> list[str] | None:
    """The values of an essential claim `acr` (OpenID Connect Core, 5.5.1.1); None where it is not essential."""
    wanted = claims.get("id_token", {}).get("acr")
    if not isinstance(wanted, dict) or wanted.get("essential") is not True:
        return None
    values = wanted.get("values", [wanted["value"]] if "value" in wanted else None)
    if values is None:
        return None
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []
