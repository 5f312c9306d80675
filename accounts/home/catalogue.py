"""The organisation's services on the home page, and the rule for links that an administrator may enter.

An app above may know that an entry is a service that signs its citizens in here: its link then starts the sign-in
there, and the page says whether the service knows this citizen already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import Service, User

# A second slash, or a backslash that browsers read as one, would lead to another host.
_OUR_PATH = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f\x7f]*")
_NO_ADDRESS = re.compile(r"[\s\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What an app above knows of an entry. `link`: where the sign-in to the service starts, "" for the entry's own
    link; `knows`: the service knows the citizen already."""

    link: str = ""
    knows: bool = False


Look = Callable[..., Mapping[int, Start]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One service as the home page shows it to one citizen."""

    title: str
    text: str
    icon: str
    link: str
    knows: bool


_looks: list[Look] = []


def register(look: Look) -> None:
    """Have `look(account=…, services=…)` tell what it knows of the entries: for some of the `Service` rows that the
    page shows, by primary key, their `Start`. For `AppConfig.ready`; again changes nothing."""
    if look not in _looks:
        _looks.append(look)


def unregister(look: Look) -> None:
    """Ask `look` no more. For tests."""
    _looks.remove(look)


def shown(*, account: User) -> list[Entry]:
    """The services that the home page shows to `account`, in the administrators' order. One query, and those of the
    apps above."""
    services = list(Service.objects.filter(is_shown=True))
    known = _known(account, services) if services else {}
    return [_entry(service, known.get(service.pk, Start())) for service in services]


def _known(account: User, services: Sequence[Service]) -> dict[int, Start]:
    found: dict[int, Start] = {}
    for look in _looks:
        found |= look(account=account, services=services)
    return found


def _entry(service: Service, start: Start) -> Entry:
    link = start.link or service.link
    return Entry(title=service.title, text=service.text, icon=service.icon, link=link, knows=start.knows)


def check_link(link: str) -> None:
    """Raise ValidationError with one sentence unless `link` is a page of the portal ("/…") or an address that begins
    with https://."""
    if not (_OUR_PATH.fullmatch(link) or _is_https(link)):
        raise ValidationError(
            _("A link begins with https:// or, for a page of this portal, with one slash, like /portal/status."),
            code="link",
        )


def _is_https(link: str) -> bool:
    if not link.startswith("https://") or _NO_ADDRESS.search(link):
        return False
    try:
        parts = urlsplit(link)
        return bool(parts.hostname) and "@" not in parts.netloc and (parts.port or 443) > 0
    except ValueError:  # a bracket that does not close, a port that is none
        return False
