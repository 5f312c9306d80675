"""The services to which citizens go on from here, as an app above knows them: the one behind an address of the sign-in,
and the one from which somebody came who had to register first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

_NONE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """The way back to a service. `path`: our address that leads there; `short`: the same for an SMS."""

    name: str
    path: str
    short: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    name_of: Callable[[str], str]
    came_from: Callable[..., str]
    ways_back: Callable[..., Mapping[str, WayBack]]


_known: list[_Known] = []


def register(
    name_of: Callable[[str], str],
    *,
    came_from: Callable[..., str] = lambda **_asked: "",
    ways_back: Callable[..., Mapping[str, WayBack]] = lambda **_asked: {},
) -> None:
    """Have these ask for services. For `AppConfig.ready`; the same `name_of` again changes nothing.

    `name_of` gets a path of the portal with its query, and returns the name of the service that it leads to, or "".
    `came_from(next_page=…, cookies=…)` and `ways_back(client_ids=…, cookies=…)` as the functions below.
    """
    if all(known.name_of != name_of for known in _known):
        _known.append(_Known(name_of=name_of, came_from=came_from, ways_back=ways_back))


def unregister(name_of: Callable[[str], str]) -> None:
    """Ask what was registered with `name_of` no more. For tests."""
    _known[:] = [known for known in _known if known.name_of != name_of]


def service_name(next_page: str) -> str:
    """The name of the service to which this page leads; "" for a page of the portal's own."""
    return next(filter(None, (known.name_of(next_page) for known in _known)), "") if next_page else ""


def came_from(next_page: str, cookies: Mapping[str, str]) -> str:
    """The public name (client ID) of the service that led this very browser, which sent `cookies`, to `next_page`; ""
    for any other page, and for what another browser was led to."""
    asked = (known.came_from(next_page=next_page, cookies=cookies) for known in _known) if next_page else ()
    return next(filter(None, asked), "")


def ways_back(client_ids: Collection[str], cookies: Mapping[str, str] = _NONE) -> dict[str, WayBack]:
    """The ways back to these services, by client ID; none to a service that is gone or suspended. `cookies`: of the
    browser that goes; without them it may be any. Nothing is asked for no service."""
    wanted, found = set(client_ids) - {""}, dict[str, WayBack]()
    for known in _known if wanted else ():
        found |= known.ways_back(client_ids=wanted, cookies=cookies)
    return found


def way_back(client_id: str, cookies: Mapping[str, str] = _NONE) -> WayBack | None:
    """As `ways_back`, for one."""
    return ways_back([client_id], cookies).get(client_id)
