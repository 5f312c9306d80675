"""Reads registries and caps from the settings, builds the registries, and lists every mistake with a hint.

IDENTITY_OWNER_REGISTRIES=one,local       who is asked whose the mobile is, in this order
IDENTITY_PERSON_REGISTRIES=one,two        who is asked who the person is, in this order
IDENTITY_ONE_KIND=jibit                   which adapter (or a class by its dotted path); without it the name
IDENTITY_ONE_TOKEN=…                      the adapter's own options (its REQUIRED and OPTIONAL)
IDENTITY_ONE_OWNER_COST=1200              rials for one inquiry; 0 if it is not set
IDENTITY_ONE_PERSON_COST=4500
IDENTITY_DAILY_INQUIRIES=20000            of all that cost money, a day; 0: no limit
IDENTITY_DAILY_COST=50000000              rials a day; 0: no limit
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.module_loading import import_string

from common import limits, unsafe
from common.process_state import register_reset
from common.setting_faults import Fault, hint_for_unknown, hint_for_unread
from identity.registries import KINDS
from identity.registries.base import Registry

OWNER, PERSON = "owner", "person"
QUESTIONS = (OWNER, PERSON)
COSTS = {OWNER: "OWNER_COST", PERSON: "PERSON_COST"}
OWN_OPTIONS = ("KIND", *COSTS.values())  # of every registry
_NAME = re.compile(r"[a-z][a-z0-9]{0,19}")
OF_ALL = (  # the settings that belong to no single registry
    "IDENTITY_OWNER_REGISTRIES",
    "IDENTITY_PERSON_REGISTRIES",
    "IDENTITY_DAILY_INQUIRIES",
    "IDENTITY_DAILY_COST",
)
_GONE = "IDENTITY_REGISTRIES"
_TAKEN = ("owner", "person", "daily")  # IDENTITY_OWNER_REGISTRIES is no option of a registry
_building = threading.Lock()
_NUMBER = re.compile(r"[0-9]{1,12}")
_WRITTEN_AS_IT_IS = re.compile(r"URL|.*(TOKEN|KEY|ID|PATH)")  # options that go into a request unchanged
_TOO_LOW = {
    "MATCH_FROM": "From it on an account is made without anybody looking: lower, two people could be taken for one.",
    "REVIEW_FROM": "From it on a person looks: lower, names are so little alike that a look could only mislead.",
}


def names(question: str) -> tuple[str, ...]:
    """The registries that are asked `question`, in order."""
    return tuple(settings.IDENTITY_OWNER_REGISTRIES if question == OWNER else settings.IDENTITY_PERSON_REGISTRIES)


def all_names() -> tuple[str, ...]:
    """Every registry of the settings, once."""
    return tuple(dict.fromkeys(name for question in QUESTIONS for name in names(question)))


def kind(name: str) -> str:
    return _all_options(name).get("KIND") or name


def options(name: str) -> dict[str, str]:
    """The options of registry `name` from the environment, without the prefix and without those that every registry
    has."""
    return {key: value for key, value in _all_options(name).items() if key not in OWN_OPTIONS}


def cost(name: str, question: str) -> int:
    """The cost of one inquiry in rials. 0 also if the setting is no number, which the system check refuses."""
    text = _all_options(name).get(COSTS[question], "")
    return int(text) if _NUMBER.fullmatch(text) else 0


def is_at_hand(question: str) -> bool:
    """Whether the first registry of `question` is not on the network. True also if there is none, or it cannot be
    built: nothing is paid for then either."""
    for name in names(question)[:1]:
        with suppress(ValueError):
            return not build(name).on_network
    return True


def takes_part_of_a_date(question: str) -> bool:
    """Whether every registry of `question` can look for somebody whose day of birth is not known."""
    takes = []
    for name in names(question):
        with suppress(ValueError):
            takes.append(build(name).takes_part_of_a_date)
    return all(takes)


def at_once(most: int) -> int:
    """How many claims to ask about in one batch, `most` at the most: no more than the first registry of each question
    can take in `limits.REGISTRY_TURNS` rounds of its connections, because no other worker can start with a claimed
    batch."""
    bounds = [most]
    for question in QUESTIONS:
        for name in names(question)[:1]:
            with suppress(ValueError):
                registry = build(name)
                bounds += [registry.connections * limits.REGISTRY_TURNS] if registry.on_network else []
    return min(bounds)


def build(name: str) -> Registry:
    """The registry called `name`, one object in each process. Raises ValueError if its kind or its options are
    wrong."""
    with _building:  # by one thread: a registry counts its own connections
        return _build(name, kind(name), tuple(sorted(options(name).items())))


@cache
def _build(name: str, kind_: str, options_: tuple[tuple[str, str], ...]) -> Registry:
    return _class(kind_)(name=name, options=dict(options_))


@register_reset
def forget() -> None:
    """Drop the registries, with their tokens; the next call builds them again."""
    _build.cache_clear()


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


def _prefix(name: str) -> str:
    return f"IDENTITY_{name.upper()}_"


def _all_options(name: str) -> dict[str, str]:
    prefix = _prefix(name)
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
    if _GONE in settings.IDENTITY_ENVIRONMENT:
        hint = "Set IDENTITY_OWNER_REGISTRIES and IDENTITY_PERSON_REGISTRIES, which say who is asked what."
        yield Fault("identity.E007", f"{_GONE} is a setting no more.", hint)


def _faults_of(name: str) -> Iterator[Fault]:
    if not _NAME.fullmatch(name) or name in _TAKEN:
        hint = "Up to 20 small Latin letters and digits, a letter first: its settings are IDENTITY_<NAME>_…"
        hint += f" {', '.join(_TAKEN)} are taken."
        yield Fault("identity.E002", f"'{name}' cannot be a registry's name.", hint)
        return
    try:
        registry_class = _class(kind(name))
    except ValueError:
        hint = f"Known are {', '.join(KINDS)}. Set {_prefix(name)}KIND to one of them."
        yield Fault("identity.E001", f"The registry '{name}' does not exist.", hint)
        return
    yield from _faults_of_options(name, registry_class)
    yield from _faults_of_costs(name)


def _faults_of_options(name: str, registry_class: type[Registry]) -> Iterator[Fault]:
    prefix, given = _prefix(name), _all_options(name)
    too_low = list(_faults_of_percents(name))
    yield from (*_faults_of_url(name), *_faults_of_text(name), *too_low)
    try:
        build(name)
    except ValueError as error:
        if not too_low:  # if MATCH_FROM is too low, REVIEW_FROM may be above it: that is no second fault
            yield Fault("identity.E004", f"The settings {prefix}… are wrong: {error}.", _hint(prefix, registry_class))
    known = _known_options(registry_class)
    for option in sorted(given.keys() - set(known)):
        hint = hint_for_unknown(option, known, prefix=prefix)
        yield Fault("identity.E005", f"{prefix}{option} is no setting of a registry of kind '{kind(name)}'.", hint)


def _hint(prefix: str, registry_class: type[Registry]) -> str:
    """A hint that names every option: those required, and the others with their defaults."""
    wanted = ", ".join(prefix + option for option in registry_class.REQUIRED) or "nothing"
    others = "; ".join(f"{prefix}{option}: {what}" for option, what in registry_class.OPTIONAL.items())
    return f"Required: {wanted}." + (f" Others: {others}." if others else "")


def _known_options(registry_class: type[Registry]) -> list[str]:
    return [*OWN_OPTIONS, *registry_class.REQUIRED, *registry_class.OPTIONAL]


def _faults_of_url(name: str) -> Iterator[Fault]:
    """National IDs and keys are sent to the URL: it must be encrypted, and must contain no password, because logs may
    show it."""
    setting = f"{_prefix(name)}URL"
    try:
        url = urlsplit(options(name).get("URL", ""))
    except ValueError:  # the adapter reports an invalid URL
        return
    if unsafe.plain_http_host(url.geturl()) and not unsafe.is_allowed("registries"):
        hint = "Write https://…; http:// only to this machine, for a tunnel or a stand-in. "
        hint += unsafe.how_to_allow("registries")
        yield Fault("identity.E010", f"{setting} would send national IDs and keys in the open.", hint)
    if "@" in url.netloc:
        hint = "Take out what stands before the @; the key has settings of its own."
        yield Fault("identity.E011", f"{setting} has a user or password in it.", hint)


def _faults_of_text(name: str) -> Iterator[Fault]:
    for option, text in sorted(options(name).items()):
        sound = text.isascii() and text.isprintable() and text == text.strip()
        if _WRITTEN_AS_IT_IS.fullmatch(option) and not (sound and (option != "URL" or " " not in text)):
            hint = "Copy it again: Latin letters, digits and signs in one line, no space around it."
            setting = f"{_prefix(name)}{option}"
            yield Fault("identity.E012", f"{setting} has a line break, a space or a letter that is not Latin.", hint)


def _faults_of_percents(name: str) -> Iterator[Fault]:
    for option, least in limits.REGISTRY_LEAST_PERCENT.items():
        text = options(name).get(option, "")
        if _NUMBER.fullmatch(text) and int(text) < least:
            setting = f"{_prefix(name)}{option}"
            hint = f"{_TOO_LOW[option]} {least} is the lowest known to be in use."
            yield Fault("identity.E013", f"{setting} is below {least}.", hint)


def _faults_of_costs(name: str) -> Iterator[Fault]:
    for option in COSTS.values():
        text = _all_options(name).get(option, "0")
        if not _NUMBER.fullmatch(text):
            setting = f"{_prefix(name)}{option}"
            yield Fault("identity.E006", f"{setting} is no whole number.", "Rials for one inquiry, digits only.")


def _faults_of_caps() -> Iterator[Fault]:
    for setting in ("IDENTITY_DAILY_INQUIRIES", "IDENTITY_DAILY_COST"):
        if getattr(settings, setting) < 0:
            yield Fault("identity.E008", f"{setting} is negative.", "A whole number a day; 0 means no limit.")


# ── What is probably a mistake


def doubts() -> list[Fault]:
    """Settings that are never read: misspelt, or of a registry that is in no list. The portal works without them."""
    of_registries = tuple(_prefix(name) for name in all_names())
    given = sorted(settings.IDENTITY_ENVIRONMENT.keys() - {*OF_ALL, _GONE})
    unread = [setting for setting in given if not setting.startswith(of_registries)]
    meant = [*OF_ALL]
    for name in all_names():
        with suppress(ValueError):
            meant += [_prefix(name) + option for option in _known_options(_class(kind(name)))]
    hints = {each: hint_for_unread(each, meant, lists="The lists of registries have") for each in unread}
    return [Fault("identity.W001", f"{each} is read by nobody.", hint) for each, hint in hints.items()]
