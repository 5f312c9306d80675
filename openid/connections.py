"""A citizen and a service that know each other: what the citizen agreed to, since when, used last."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.life import notices
from accounts.models import EventKind, User
from common import limits
from common.errors import PortalError
from common.storable_text import can_be_stored
from openid import ending, sql
from openid.models import ConnectedService, Connection, EndReason, Grant


def covers(*, account: User, service: ConnectedService, scopes: Collection[str]) -> bool:
    """Whether the citizen agreed before that the service is told all of `scopes`, and has not disconnected it."""
    known = Connection.objects.filter(account=account, service=service, ended_at=None).values_list("scopes", flat=True)
    return set(scopes) <= set(known.first() or ())


def connect(*, account: User, service: ConnectedService, scopes: Collection[str], now: datetime) -> None:
    """The citizen signs in to `service`, which is told `scopes`. The first time at a service of another organisation
    the owner is told. In the caller's transaction."""
    used = sql.use_connection(account.pk, service.pk, now)
    if used is None:
        is_new = sql.make_connection(account.pk, service.pk, list(scopes), now) or _begin_anew(
            account, service, scopes, now
        )
        if is_new and service.is_third_party:
            notices.record(account=account, kind=EventKind.SERVICE_CONNECTED, service=service.name)
    elif not set(scopes) <= set(used):
        known = Connection.objects.filter(account=account, service=service)
        known.update(scopes=list(dict.fromkeys([*used, *scopes])))


def _begin_anew(account: User, service: ConnectedService, scopes: Collection[str], now: datetime) -> bool:
    """With nothing of what was agreed before it ended. False: another sign-in has just done so."""
    ended = Connection.objects.filter(account=account, service=service, ended_at__isnull=False)
    return bool(ended.update(since=now, last_used_at=now, ended_at=None, scopes=list(scopes)))


def used(*, grant: Grant, last: datetime, now: datetime) -> None:
    """The service goes on using what it was granted; `last`: when it did so before. Written once an hour: of
    the renewals of a service that does so every ten minutes, one in six costs a statement more."""
    every = limits.OPENID_LAST_USED_EVERY.total_seconds()
    if last.timestamp() // every != now.timestamp() // every:
        known = Connection.objects.filter(account=grant.account_id, service=grant.service_id, last_used_at__lt=now)
        known.update(last_used_at=now)


def of(*, account: User) -> list[Connection]:
    """The services that know this citizen, the last used first. One query."""
    known = Connection.objects.filter(account=account, ended_at=None).select_related("service")
    return list(known.order_by("-last_used_at", "pk"))


@transaction.atomic
def disconnect(*, account: User, client_id: str, browser: str) -> ConnectedService:
    """End what the citizen granted to a service: the agreement, every token, and its sessions there, which it is told.
    If it is ended already, nothing happens.

    Raises PortalError("no_such_row") if the service never knew this citizen.
    """
    User.objects.select_for_update().get(pk=account.pk)  # a code is made under the same lock: none comes after this
    rows = Connection.objects.select_related("service").filter(account=account, service__client_id=client_id)
    known = rows.first() if can_be_stored(client_id) else None
    if known is None:
        raise PortalError("no_such_row")
    ending.end(account_id=account.pk, service=known.service, reason=EndReason.DISCONNECTED)
    if known.ended_at is None:
        known.ended_at = timezone.now()
        known.save(update_fields=["ended_at"])
        notices.record(
            account=account, kind=EventKind.SERVICE_DISCONNECTED, browser=browser, service=known.service.name
        )
    return known.service
