"""The name by which a service knows a citizen: pairwise by sector (OpenID Connect Core, 8.1).

It is a keyed hash of the sector's name and the account's subject, under a key outside the database: two sectors cannot
match citizens by it, and no table maps it back. So what it is made of must never change once it was handed out.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from common.errors import PortalError
from openid.models import ConnectedService, Sector


def subject_of(*, account: User, service: ConnectedService) -> str:
    """The citizen's subject for this service's sector, 43 characters; the first one makes the sector a used one.

    Raises PortalError("sector_changed") if the sector's name or the key is another one than when the first subject was
    handed out, or the service was moved to another sector at this moment: better none than a stranger's.
    """
    sector = service.sector
    if sector.used_at is None:
        sector = _use(service)
    if not hmac.compare_digest(sector.mark, _mark(sector.name)):
        raise PortalError("sector_changed")
    return _keyed("subject", sector.name, str(account.subject))


def rename_sector(*, sector: Sector, name: str) -> None:
    """Give a sector that is not used yet another name. Raises PortalError("sector_is_used")."""
    if not Sector.objects.filter(pk=sector.pk, used_at__isnull=True).update(name=name):
        raise PortalError("sector_is_used")
    sector.name = name


def move_service(*, service: ConnectedService, sector: Sector) -> None:
    """Put the service into another sector; only while its own is not used yet. Raises PortalError("sector_is_used")."""
    if service.sector_id == sector.pk:
        return
    with transaction.atomic():
        # Takes the row's lock: `_use` waits, and then finds the service elsewhere.
        if not Sector.objects.filter(pk=service.sector_id, used_at__isnull=True).update(used_at=None):
            raise PortalError("sector_is_used")
        moved = ConnectedService.objects.filter(pk=service.pk, sector_id=service.sector_id).update(sector=sector)
        if not moved:  # somebody else moved it meanwhile
            raise PortalError("sector_is_used")
    service.sector = sector


def _use(service: ConnectedService) -> Sector:
    """Mark the service's sector as used, under its row's lock; returns the row as it then is."""
    with transaction.atomic():
        marks = Sector.objects.filter(pk=service.sector_id, used_at__isnull=True)
        first = marks.update(used_at=timezone.now())
        sector = Sector.objects.get(pk=service.sector_id)  # its name may have been changed just before
        if first:
            sector.mark = _mark(sector.name)
            sector.save(update_fields=["mark"])
        if not ConnectedService.objects.filter(pk=service.pk, sector_id=sector.pk).exists():
            raise PortalError("sector_changed")
    service.sector = sector
    return sector


def _mark(name: str) -> str:
    """What a used sector keeps of its name and the key: neither can be read from it, and each change is seen."""
    return _keyed("mark", name)


def _keyed(*parts: str) -> str:
    if not settings.OPENID_SUBJECT_KEY:
        raise PortalError("no_subject_key")
    text = "\x00".join(parts).encode()
    digest = hmac.digest(settings.OPENID_SUBJECT_KEY.encode(), text, hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
