"""Connected services on the home page: an entry that leads to the home page of one starts a sign-in there."""

from __future__ import annotations

from collections.abc import Sequence

from accounts.home.catalogue import Start
from accounts.models import Service, User
from openid.models import ConnectedService, Connection
from openid.ways_back import way_back


def look(*, account: User, services: Sequence[Service]) -> dict[int, Start]:
    """For each entry whose link is the home page of a connected service: where a sign-in there starts, and whether it
    knows `account`. Two queries at most."""
    links = {service.link for service in services}
    found = {each.home_page: each for each in ConnectedService.objects.filter(home_page__in=links, suspended_at=None)}
    if not found:
        return {}
    known = set(Connection.objects.filter(account=account, ended_at=None).values_list("service", flat=True))
    return {
        service.pk: Start(link=way_back(each), knows=each.pk in known)
        for service in services
        if (each := found.get(service.link))
    }
