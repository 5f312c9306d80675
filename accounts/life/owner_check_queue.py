"""Queues questions to the registry of mobile owners; a worker asks them (`accounts.owner_checks`)."""

from __future__ import annotations

from django.utils import timezone

from accounts.models import Challenge, MobileChange, OwnerCheck, User
from common.hints import hint


def enqueue(
    *, account: User, mobile: str, challenge: Challenge | None = None, change: MobileChange | None = None
) -> OwnerCheck:
    """Queue the question whether `mobile` belongs to the account's owner. In the caller's transaction; `challenge` or
    `change` waits for the answer."""
    check = OwnerCheck.objects.create(
        account=account, mobile=mobile, challenge=challenge, change=change, next_attempt_at=timezone.now()
    )
    hint("accounts.check_owners")
    return check
