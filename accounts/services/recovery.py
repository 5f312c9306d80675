"""Recovery of a lost password: number, answer, owner of the number, new password. Never one of them alone."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from accounts import notices
from accounts.models import Challenge, ChallengeStage, EventKind, User
from tamin_portal import limits


def owner_answered(*, account: User, challenge: Challenge, matched: bool, since: datetime) -> None:
    """The registry said whose the number is. In the caller's transaction, which has locked the account.

    A recovery that was ended meanwhile stays ended.
    """
    stage = ChallengeStage.OWNER_MATCHED if matched else ChallengeStage.OWNER_MISMATCHED
    waiting = Challenge.objects.filter(pk=challenge.pk, stage=ChallengeStage.OWNER_ASKED)
    if not account.is_active or not waiting.update(stage=stage):
        return
    if not matched:
        notices.record(account=account, kind=EventKind.RECOVERY_REFUSED, actor=notices.PORTAL)
    elif timezone.now() - since > limits.OWNER_CHECK_TELL_AFTER:
        notices.record(account=account, kind=EventKind.RECOVERY_READY, actor=notices.PORTAL)
