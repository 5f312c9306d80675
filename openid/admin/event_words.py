"""What a change of a service was about, as administrators read it: the field, before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from openid.models import AuthMethod, ConnectedService, Level

SCOPE_NAMES = {
    "profile": gettext_lazy("name, birth date, gender"),
    "phone": gettext_lazy("mobile number"),
    "email": gettext_lazy("e-mail address"),
    "national_id": gettext_lazy("national ID"),
}


def changes(details: Mapping[str, Any]) -> list[tuple[str, list[str], list[str]]]:
    """Each changed field: its name, and the lines of what it was and is; no line for nothing."""
    changed = details.get("changed", {})
    return [(_label(name), _lines(name, before), _lines(name, after)) for name, (before, after) in changed.items()]


def _label(name: str) -> str:
    return str(getattr(ConnectedService._meta.get_field(name), "verbose_name", name))


def _lines(name: str, value: Any) -> list[str]:
    return [line for line in _WRITERS.get(name, _plain)(value) if line]


def _plain(value: Any) -> list[str]:
    if isinstance(value, bool):
        return [_("yes") if value else _("no")]
    if isinstance(value, list):
        return [str(each) for each in value]
    return [str(value)] if value is not None else []


def _scopes(value: Mapping[str, str]) -> list[str]:
    names = {scope: str(SCOPE_NAMES.get(scope, scope)) for scope in value}
    return [f"{names[scope]} ({why})" if why else names[scope] for scope, why in value.items()]


def _keys(value: Mapping[str, Any] | None) -> list[str]:
    """By their names; the numbers of a key say nothing to anybody."""
    keys = (value or {}).get("keys", [])
    return [f"{key.get('kty', '')} {key.get('kid', '')}".strip() for key in keys]


def _choice(choices: type[AuthMethod | Level]) -> Callable[[str], list[str]]:
    return lambda value: [str(dict(choices.choices).get(value, value))]


_WRITERS: dict[str, Callable[[Any], list[str]]] = {
    "scopes": _scopes,
    "jwks": _keys,
    "auth_method": _choice(AuthMethod),
    "required_level": _choice(Level),
}
