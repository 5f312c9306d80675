"""Put a question to the registry of mobile owners; a worker asks it (`accounts.owner_checks`)."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import Challenge, MobileChange, OwnerCheck, User
from common.hints import hint


def enqueue(
    *, account: User, mobile: str, challenge: Challenge | None = None, change: MobileChange | None = None
) -> OwnerCheck:
    """Is `mobile` the owner's? In the caller's transaction; what waits for it is `challenge` or `change`."""
    check = OwnerCheck.objects.create(
        account=account, mobile=mobile, challenge=challenge, change=change, next_attempt_at=timezone.now()
    )
    hint("accounts.check_owners")
    return check
