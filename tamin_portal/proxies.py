"""Notices a proxy that is not trusted: then all citizens have its address, and share every limit by address."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from common import alarms, limits
from common.models import AlarmCode, PostCount


def watch() -> None:
    """Sound or end the alarm. Never in a demo, whose only citizen sits at this machine."""
    posts = 0 if settings.DEMO else posts_of_one_private_address()
    if posts:
        alarms.sound(AlarmCode.PROXIES, detail=what_is_wrong(posts))
    else:
        alarms.clear(AlarmCode.PROXIES)


def what_is_wrong(posts: int) -> str:
    minutes = int(limits.ONE_ADDRESS_WITHIN.total_seconds() // 60)
    return (
        f"all {posts} POSTs of {minutes} minutes came from one private address: the proxy there is not trusted; "
        "set TRUSTED_PROXIES (containers: FRONT_TRUSTED_PROXIES)"
    )


def posts_of_one_private_address(now: datetime | None = None) -> int:
    """How many POSTs of the last minutes came from one private address, if they are enough and no other address
    sent any; else 0. In ordinary service the first row that is looked at answers it."""
    since = int(((now or timezone.now()) - limits.ONE_ADDRESS_WITHIN).timestamp() // 60)
    recent = PostCount.objects.filter(minute__gte=since)
    if recent.filter(private=False).exists():
        return 0
    by_address = list(recent.values("address").annotate(sum=Sum("posts")).values_list("sum", flat=True)[:2])
    return by_address[0] if len(by_address) == 1 and by_address[0] >= limits.ONE_ADDRESS_POSTS else 0
