"""The organisation's services on the home page, and the rule for links that an administrator may enter."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Service

# A second slash, or a backslash that browsers read as one, would lead to another host.
_OUR_PATH = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f\x7f]*")
_NO_ADDRESS = re.compile(r"[\s\\\x00-\x1f\x7f]")


def shown() -> QuerySet[Service]:
    """The services that the home page shows, in the administrators' order. One query."""
    return Service.objects.filter(is_shown=True)


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
