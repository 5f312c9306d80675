"""The second chance of a referred citizen: how often the civil registry may still be asked about an ID.

Only checks of the identity count, and only where they sent somebody to a branch: an owner's mismatch says
nothing about the data, so a stranger with a SIM of their own uses up nobody's tries. Counted from the history
of all registrations of the ID together, so that neither another number nor another device begins anew.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Count
from django.utils import timezone

from identity.matching import IDENTITY
from registration.models import Event
from registration.states import State
from tamin_portal import limits


def identity_checks(national_ids: Collection[str]) -> dict[str, int]:
    """How often each of these IDs was referred because of the identity within `limits.CORRECTIONS_WITHIN`.

    One statement for all of them; an ID that never was stands there with 0.
    """
    referred = Event.objects.filter(
        registration__national_id__in=set(national_ids),
        to_state=State.REFERRED,
        kind=IDENTITY,
        at__gt=timezone.now() - limits.CORRECTIONS_WITHIN,
    )
    found = referred.order_by().values_list("registration__national_id").annotate(times=Count("pk"))
    return dict.fromkeys(national_ids, 0) | dict(found)


def may_ask(checks: int) -> bool:
    """Whether an ID that was checked so often may be checked once more: the first time and its corrections."""
    return checks <= limits.CORRECTIONS


def tries_left(*, national_id: str) -> int:
    """How many corrections of the identity this ID has left; 0: the branch is the way."""
    used = identity_checks([national_id])[national_id]
    return max(0, limits.CORRECTIONS - max(0, used - 1))
