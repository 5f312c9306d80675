"""Locks an account's row, with which every service about one account begins; and ends its pending changes and
recoveries.

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
    User,
)
from common.errors import PortalError

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


def open_with_password(*, account: User, checked: str) -> User:
    """As `open_account`, for a person who has just typed the password: `checked` is the stored hash that it matched.

    Raises PortalError: account_closed, changed_meanwhile (another password is in force by now).
    """
    row = open_account(account=account)
    if row.password != checked:
        raise PortalError("changed_meanwhile")
    return row


def end_pending(*, account: User, but: Challenge | None = None) -> None:
    """End every change and recovery of `account` that waits for a proof, `but` one. The caller has locked the
    account."""
    end_mobile_changes(account=account)
    end_email_changes(account=account)
    end_recoveries(account=account, but=but)


def end_mobile_changes(*, account: User) -> None:
    """End the open change of number, and its question to the registry. The caller has locked the account."""
    MobileChange.objects.filter(account=account, stage__in=OPEN_CHANGES).update(stage=MobileChangeStage.ENDED)
    checks = OwnerCheck.objects.filter(account=account, change__isnull=False, next_attempt_at__isnull=False)
    checks.update(next_attempt_at=None, lease=None)


def end_email_changes(*, account: User) -> None:
    """End the links that were sent and not used yet. The caller has locked the account."""
    links = EmailChange.objects.filter(account=account, done_at__isnull=True, ended_at__isnull=True)
    links.update(ended_at=timezone.now())


def end_recoveries(*, account: User, but: Challenge | None = None) -> None:
    """End the recoveries and challenges that wait for a proof, `but` one. The caller has locked the account."""
    others = Challenge.objects.filter(account=account).exclude(stage__in=OVER).exclude(pk=but.pk if but else 0)
    others.update(stage=ChallengeStage.ENDED, next_attempt_at=None, lease=None)
    # Only rows that wait: the purge deletes the others, and locks in another order.
    checks = OwnerCheck.objects.filter(account=account, challenge__isnull=False, next_attempt_at__isnull=False)
    checks.exclude(challenge_id=but.pk if but else 0).update(next_attempt_at=None, lease=None)
