"""How each service takes its sign-outs: for the admin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, OuterRef, Q, Subquery

from common import alarms
from openid.models import ConnectedService, LogoutNotice, LogoutState


@dataclass(frozen=True, slots=True)
class Standing:
    """`waiting`: sign-outs that it has not taken yet, since `since`; `error`: why the newest of them could not be told;
    `told_at`: when it last took one; `given_up`: how many it never heard of, as far as they are kept."""

    service: ConnectedService
    waiting: int
    since: datetime | None
    error: str
    told_at: datetime | None
    given_up: int
    has_alarm: bool


def look() -> list[Standing]:
    """All services that are told of sign-outs, or have been; by name."""
    waits, told = Q(logout_notices__final_at__isnull=True), Q(logout_notices__state=LogoutState.TOLD)
    latest = LogoutNotice.objects.filter(service=OuterRef("pk"), final_at__isnull=True).exclude(last_error="")
    services = ConnectedService.objects.annotate(
        waiting=Count("logout_notices", filter=waits),
        since=Min("logout_notices__created_at", filter=waits),
        told_at=Max("logout_notices__final_at", filter=told),
        given_up=Count("logout_notices", filter=Q(logout_notices__state=LogoutState.GIVEN_UP)),
        error=Subquery(latest.order_by("-pk").values("last_error")[:1]),
        notices=Count("logout_notices"),
    ).exclude(backchannel_logout_uri="", notices=0)
    services = services.order_by("name", "pk")  # a statement that counts has no order of its own
    standing = {alarm.subject for alarm in alarms.standing("openid")}
    return [
        Standing(
            service=each,
            waiting=each.waiting,
            since=each.since,
            error=each.error or "",
            told_at=each.told_at,
            given_up=each.given_up,
            has_alarm=each.client_id in standing,
        )
        for each in services
    ]
