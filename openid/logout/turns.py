"""Whose turn it is: each service has turns of its own, so that none waits for another.

A service that answers is called several times at once, one that does not once at a time, and after some failures not at
all for a while (`common.breaker`): then one call after each pause shows whether it is back.
"""

from __future__ import annotations

import random
from collections import defaultdict

from django.db.models import Exists, OuterRef
from django.utils import timezone

from common import breaker, leases, limits
from openid.models import ConnectedService, LogoutNotice


def breaker_name(service: ConnectedService) -> str:
    """The name of the circuit breaker of this service's address."""
    return f"openid:{service.client_id}"


class Turns:
    """The calls that are under way in this process, by service."""

    def __init__(self) -> None:
        self.under_way: dict[int, int] = defaultdict(int)
        self._width: dict[int, int] = defaultdict(lambda: 1)

    @property
    def all_under_way(self) -> int:
        return sum(self.under_way.values())

    def claim(self) -> list[LogoutNotice]:
        """Claim what can be told now, with its services."""
        due = LogoutNotice.objects.filter(service=OuterRef("pk"), next_attempt_at__lte=timezone.now())
        services = list(ConnectedService.objects.filter(Exists(due)))
        random.shuffle(services)  # no service is always the one for which no place is left
        return [notice for service in services for notice in self._claim_of(service)]

    def ended(self, notice: LogoutNotice, *, answers: bool) -> None:
        """A call is over; `answers`: whether there was an answer to it, whichever."""
        service = notice.service_id
        self.under_way[service] -= 1
        self._width[service] = min(2 * self._width[service], limits.LOGOUT_PER_SERVICE) if answers else 1
        breaker.record(breaker_name(notice.service), answers)

    def _claim_of(self, service: ConnectedService) -> list[LogoutNotice]:
        room = self._width[service.pk] - self.under_way[service.pk]
        room = min(room, limits.LOGOUT_PLACES - self.all_under_way)
        if room <= 0 or not breaker.allow(breaker_name(service)):
            return []
        if not breaker.state(breaker_name(service)).closed:
            room = 1  # the trial
        notices = leases.claim(LogoutNotice, limit=room, lease_for=limits.LOGOUT_LEASE, only={"service_id": service.pk})
        if not notices:
            breaker.give_back(breaker_name(service))  # another process was quicker
        for notice in notices:
            notice.service = service
        self.under_way[service.pk] += len(notices)
        return notices
