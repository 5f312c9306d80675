"""Ends grants: with a grant every token of it ends, and the service in which the citizen signed in is told.

Everything that ends a grant does so here, in the transaction of what caused it. A token is good only while its grant is
open, so introspection says "inactive" as soon as that transaction is over; the services are told right after it
(`openid.logout`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from common import limits
from openid.logout import queue
from openid.models import ConnectedService, EndReason, Grant


def end(
    *,
    account_id: int | None = None,
    portal_sids: Collection[str] | None = None,
    but: str = "",
    sid: str | None = None,
    service: ConnectedService | None = None,
    grant: Grant | None = None,
    reason: EndReason,
) -> int:
    """End the open grants to which all that is given applies, and queue what their services have to be told; returns
    how many ended.

    `portal_sids`: sessions of the portal, by the names that `accounts` gives them; None: all of them, but the one that
    is named by `but`. `sid`: a session as a service knows it. Raises ValueError if nothing is given: that would end
    the grants of everybody.
    """
    wanted = {
        "account_id": account_id,
        "portal_sid__in": None if portal_sids is None else list(portal_sids),
        "sid": sid,
        "service": service,
        "pk": grant and grant.pk,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    if not given:
        raise ValueError("whose grants?")
    stays = Q(portal_sid=but) if but else Q(pk__in=[])
    goes_on = Q(ended_at__isnull=True)
    if reason != EndReason.REVOKED:
        goes_on |= Q(end_reason=EndReason.REVOKED)
    with transaction.atomic():
        return _end(Q(**given) & goes_on & ~stays, reason)


def end_all_of(*, service: ConnectedService, reason: EndReason) -> int:
    """End every open grant of a service that is suspended already; returns how many. Some at a time, each in a
    transaction of its own, so nothing waits for all of them. What a stop in the middle leaves open is void all the
    same, and another call ends it."""
    goes_on = Q(ended_at__isnull=True) | Q(end_reason=EndReason.REVOKED)
    return _end(Q(service=service) & goes_on, reason, transaction.atomic)


def end_of_sessions(*, account_id: int, portal_sids: Collection[str] | None, reason: str, but: str) -> None:
    """Sessions of the portal were ended: called by `accounts.sessions.listeners`, in the same transaction."""
    end(account_id=account_id, portal_sids=portal_sids, but=but, reason=EndReason(reason))


def _end(wanted: Q, reason: EndReason, around: Callable[[], AbstractContextManager[object]] = nullcontext) -> int:
    """Rows are locked in one order, so that two ends do not wait for each other, and some at a time: a service that is
    suspended may have very many.

    A service that has given its tokens back (`REVOKED`) may still have the citizen signed in: it is told as well, once.
    """
    ended, told, last = 0, queue.Told(), 0
    grants = Grant.objects.select_for_update(of=("self",)).select_related("account", "service__sector").filter(wanted)
    while True:
        with around():
            rows = list(grants.filter(pk__gt=last).order_by("pk")[: limits.ENDED_TOGETHER])
            if not rows:
                return ended
            numbers, last = [row.pk for row in rows], rows[-1].pk
            ended += Grant.objects.filter(pk__in=numbers, ended_at__isnull=True).update(
                ended_at=timezone.now(), end_reason=reason
            )
            Grant.objects.filter(pk__in=numbers, end_reason=EndReason.REVOKED).update(end_reason=reason)
            queue.enqueue(rows, reason=reason, told=told)
