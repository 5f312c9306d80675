"""Pages that apps above add to the profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the profile: its title, translated lazily, and the name of its address."""

    title: Any
    name: str


_pages: list[Page] = []


def register(title: Any, name: str) -> None:
    """Add a page to the profile's ways. For `AppConfig.ready`; again changes nothing."""
    page = Page(title, name)
    if all(other.name != name for other in _pages):
        _pages.append(page)


def unregister(name: str) -> None:
    """Take the page out again. For tests."""
    _pages[:] = [page for page in _pages if page.name != name]


def pages() -> list[Page]:
    """The pages that were added, in the order in which they were."""
    return list(_pages)
