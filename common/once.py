"""What is written once in a process for each language of the pages, because nothing of a request is in it: the options
of a select, the fixed attributes of a field, a piece of a template, an empty page.

It is kept in the memory of the process and ends with it, so a deployed template or catalogue is never shown stale. A
setting changes only in tests; with each change everything is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from django.core.signals import setting_changed
from django.utils.translation import get_language

from common.process_state import register_reset

Written = TypeVar("Written")
_kept: list[dict[Hashable, Any]] = []


class OncePerLanguage(Generic[Written]):
    """Texts, or what they are made of, by a key and the language. The keys are few and live as long as the process:
    fields of a class, nodes of a template. All threads share what was written, so it is immutable."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Written] = {}
        _kept.append(self._known)

    def get(self, key: Hashable, write: Callable[[], Written]) -> Written:
        """What `write` returned for `key`. Two threads may write the same at the same time; both are right."""
        place = (key, get_language())
        found = self._known.get(place)
        if found is None:
            found = self._known[place] = write()
        return found


@register_reset
def forget() -> None:
    for known in _kept:
        known.clear()


def _on_change(**_said: object) -> None:
    forget()


setting_changed.connect(_on_change)
