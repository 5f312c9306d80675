"""What every service about one account begins with: its row, locked; and what ends with every change of secrets.

Lock order: the account first, then what belongs to it.
"""

from __future__ import annotations

from django.utils import timezone

from accounts.models import (
    Challenge,
    ChallengeStage,
    EmailChange,
    MobileChange,
    MobileChangeStage,
    OwnerCheck,
    Session,
    User,
)
from tamin_portal.errors import PortalError

OVER = (ChallengeStage.DONE, ChallengeStage.ENDED, ChallengeStage.OWNER_MISMATCHED)
OPEN_CHANGES = (MobileChangeStage.CODE_SENT, MobileChangeStage.OWNER_ASKED)


def open_account(*, account: User) -> User:
    """The row of an account that is activated and not closed, locked to the transaction's end.

    Raises PortalError("account_closed"): frozen, deactivated, or gone.
    """
    row = User.objects.select_for_update().filter(pk=account.pk, activated_at__isnull=False, is_active=True).first()
    if row is None:
        raise PortalError("account_closed")
    return row


def end_pending(*, account: User, but: Challenge | None = None) -> None:
    """End every change and recovery of `account` that waits for a proof, `but` one. The caller holds the account."""
    now = timezone.now()
    MobileChange.objects.filter(account=account, stage__in=OPEN_CHANGES).update(stage=MobileChangeStage.ENDED)
    EmailChange.objects.filter(account=account, done_at__isnull=True, ended_at__isnull=True).update(ended_at=now)
    others = Challenge.objects.filter(account=account).exclude(stage__in=OVER).exclude(pk=but.pk if but else 0)
    others.update(stage=ChallengeStage.ENDED, next_attempt_at=None, lease=None)
    checks = OwnerCheck.objects.filter(account=account).exclude(challenge_id=but.pk if but else 0)
    checks.update(next_attempt_at=None, lease=None)


def end_sessions(*, account: User, but: str = "") -> int:
    """End the sessions of `account`, all `but` the one with this key; returns how many."""
    return Session.objects.filter(account=account).exclude(session_key=but).delete()[0]
