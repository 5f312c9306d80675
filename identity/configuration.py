"""Registries as the settings describe them: parsed, checked, every mistake in a sentence.

IDENTITY_OWNER_REGISTRIES=one,local       who is asked whose the mobile is, in this order
IDENTITY_PERSON_REGISTRIES=one,two        who is asked who the person is, in this order
IDENTITY_ONE_KIND=jibit                   which adapter (or a class by its dotted path); without it the name
IDENTITY_ONE_TOKEN=…                      the adapter's own options (its REQUIRED and OPTIONAL)
IDENTITY_ONE_OWNER_COST=1200              rials for one inquiry; 0 where it is not set
IDENTITY_ONE_PERSON_COST=4500
IDENTITY_DAILY_INQUIRIES=20000            of all that cost money, a day; 0: no limit
IDENTITY_DAILY_COST=50000000              rials a day; 0: no limit
"""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from identity.registries import KINDS
from identity.registries.base import Registry
from tamin_portal import limits

OWNER, PERSON = "owner", "person"
QUESTIONS = (OWNER, PERSON)
COSTS = {OWNER: "OWNER_COST", PERSON: "PERSON_COST"}
OWN_OPTIONS = ("KIND", *COSTS.values())  # of every registry
_NAME = re.compile(r"[a-z][a-z0-9]{0,19}")
_TAKEN = ("owner", "person", "daily")  # IDENTITY_OWNER_REGISTRIES is no option of a registry
_building = threading.Lock()
_NUMBER = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake: `id` of the system check, what is wrong, what to write instead."""

    id: str
    what: str
    hint: str


def names(question: str) -> tuple[str, ...]:
    """The registries that `question` is put to, in order."""
    return tuple(settings.IDENTITY_OWNER_REGISTRIES if question == OWNER else settings.IDENTITY_PERSON_REGISTRIES)


def all_names() -> tuple[str, ...]:
    """Every registry of the settings once."""
    return tuple(dict.fromkeys(name for question in QUESTIONS for name in names(question)))


def kind(name: str) -> str:
    return _all_options(name).get("KIND") or name


def options(name: str) -> dict[str, str]:
    """What the environment says about `name`, without the prefix and without what every registry has."""
    return {key: value for key, value in _all_options(name).items() if key not in OWN_OPTIONS}


def cost(name: str, question: str) -> int:
    """Rials for one inquiry. 0 also for what is no number: the system check refuses it."""
    text = _all_options(name).get(COSTS[question], "")
    return int(text) if _NUMBER.fullmatch(text) else 0


def is_at_hand(question: str) -> bool:
    """Whether the first registry of `question` is not on the network; one that cannot be asked costs nothing either."""
    for name in names(question)[:1]:
        with suppress(ValueError):
            return not build(name).on_network
    return True


def at_once(most: int) -> int:
    """How many claims are best asked about together, `most` at the most: no more than the first registry of each
    question takes in a few turns of its connections. What one batch holds, no other worker can begin with."""
    turns = [most]
    for question in QUESTIONS:
        for name in names(question)[:1]:
            with suppress(ValueError):
                registry = build(name)
                turns += [registry.connections * limits.REGISTRY_TURNS] if registry.on_network else []
    return min(turns)


def build(name: str) -> Registry:
    """The registry called `name`, the same one each time in a process. Raises ValueError with what is wrong: its
    kind or its options."""
    with _building:  # by one thread: a registry counts its own connections
        return _build(name, kind(name), tuple(sorted(options(name).items())))


@cache
def _build(name: str, kind_: str, options_: tuple[tuple[str, str], ...]) -> Registry:
    return _class(kind_)(name=name, options=dict(options_))


def _class(kind_: str) -> type[Registry]:
    if kind_ in KINDS:
        return KINDS[kind_]
    try:
        found = import_string(kind_)
    except ImportError:
        found = None
    if isinstance(found, type) and issubclass(found, Registry):
        return found
    raise ValueError(f"there is no kind of registry called '{kind_}'")


def _all_options(name: str) -> dict[str, str]:
    prefix = f"IDENTITY_{name.upper()}_"
    environment: Mapping[str, str] = settings.IDENTITY_ENVIRONMENT
    return {key.removeprefix(prefix): value for key, value in environment.items() if key.startswith(prefix)}


# ── What is wrong with it


def faults() -> list[Fault]:
    """Every mistake in the settings of registries; empty: everybody can be asked about."""
    return [*_faults_of_lists(), *(fault for name in all_names() for fault in _faults_of(name)), *_faults_of_caps()]


def _faults_of_lists() -> Iterator[Fault]:
    for question in QUESTIONS:
        setting, listed = f"IDENTITY_{question.upper()}_REGISTRIES", names(question)
        for name in sorted({name for name in listed if listed.count(name) > 1}):
            yield Fault("identity.E003", f"{setting} has '{name}' twice.", "Name each registry once.")
    if "IDENTITY_REGISTRIES" in settings.IDENTITY_ENVIRONMENT:
        hint = "Set IDENTITY_OWNER_REGISTRIES and IDENTITY_PERSON_REGISTRIES, which say who is asked what."
        yield Fault("identity.E007", "IDENTITY_REGISTRIES is a setting no more.", hint)


def _faults_of(name: str) -> Iterator[Fault]:
    if not _NAME.fullmatch(name) or name in _TAKEN:
        hint = "Up to 20 small Latin letters and digits, a letter first: its settings are IDENTITY_<NAME>_…"
        hint += f" {', '.join(_TAKEN)} are taken."
        yield Fault("identity.E002", f"'{name}' cannot be a registry's name.", hint)
        return
    try:
        registry_class = _class(kind(name))
    except ValueError:
        hint = f"Known are {', '.join(KINDS)}. Set IDENTITY_{name.upper()}_KIND to one of them."
        yield Fault("identity.E001", f"The registry '{name}' does not exist.", hint)
        return
    yield from _faults_of_options(name, registry_class)
    yield from _faults_of_costs(name)


def _faults_of_options(name: str, registry_class: type[Registry]) -> Iterator[Fault]:
    prefix = f"IDENTITY_{name.upper()}_"
    try:
        build(name)
    except ValueError as error:
        wanted = ", ".join(prefix + option for option in registry_class.REQUIRED) or "nothing"
        yield Fault("identity.E004", f"The settings {prefix}… are wrong: {error}.", f"Required: {wanted}.")
    known = [*OWN_OPTIONS, *registry_class.REQUIRED, *registry_class.OPTIONAL]
    for option in sorted(_all_options(name).keys() - set(known)):
        close = difflib.get_close_matches(option, known, n=1)
        hint = f"Did you mean {prefix}{close[0]}?" if close else f"Known are {', '.join(prefix + k for k in known)}."
        yield Fault("identity.E005", f"{prefix}{option} is no setting of a registry of kind '{kind(name)}'.", hint)


def _faults_of_costs(name: str) -> Iterator[Fault]:
    for option in COSTS.values():
        text = _all_options(name).get(option, "0")
        if not _NUMBER.fullmatch(text):
            setting = f"IDENTITY_{name.upper()}_{option}"
            yield Fault("identity.E006", f"{setting} is no whole number.", "Rials for one inquiry, digits only.")


def _faults_of_caps() -> Iterator[Fault]:
    for setting in ("IDENTITY_DAILY_INQUIRIES", "IDENTITY_DAILY_COST"):
        if getattr(settings, setting) < 0:
            yield Fault("identity.E008", f"{setting} is negative.", "A whole number a day; 0 means no limit.")
