"""Faults in settings: the type, and hints about misspelt names. Each app checks the settings that it reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: `check_id` of the system check, what is wrong, and a hint what to write instead."""

    check_id: str
    what: str
    hint: str


def unknown_choice(setting: str, allowed: Sequence[str], *, check_id: str) -> list[CheckMessage]:
    """An error where `setting` is none of the values that are `allowed`; `check_id`: of the system check."""
    value = getattr(settings, setting)
    if value in allowed:
        return []
    return [Error(f"{setting} is '{value}'.", hint=f"Set it to {' or '.join(map(repr, allowed))}.", id=check_id)]


def as_messages(faults: Iterable[Fault], doubts: Iterable[Fault]) -> list[CheckMessage]:
    """What a system check returns: an error for each of `faults`, a warning for each of `doubts`."""
    found: list[CheckMessage] = [Error(fault.what, hint=fault.hint, id=fault.check_id) for fault in faults]
    return [*found, *(Warning(doubt.what, hint=doubt.hint, id=doubt.check_id) for doubt in doubts)]


def hint_for_unknown(option: str, known: Sequence[str], *, prefix: str) -> str:
    """A hint for a service's setting `prefix` + `option` that its kind does not know: the closest known one,
    else all."""
    if close := difflib.get_close_matches(option, known, n=1):
        return f"Did you mean {prefix}{close[0]}?"
    return f"Known are {', '.join(prefix + each for each in known)}."


def hint_for_unread(setting: str, meant: Sequence[str], *, lists: str) -> str:
    """A hint for a setting (SMS_ONE_KEY) that is never read: the closest of `meant`, else that its service is in none
    of the lists; `lists`: their name and verb."""
    if close := difflib.get_close_matches(setting, meant, n=1, cutoff=0.8):
        return f"Did you mean {close[0]}?"
    return f"{lists} no '{setting.split('_')[1].lower()}': add it there, or take this out."
