"""Refused sign-ins: what the page must not tell, their owner hears.

The page writes the same row for every national ID (`note`); a worker looks whose it is.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts import notices
from accounts.models import EventKind, FailedSignIn, User
from tamin_portal import limits
from tamin_portal.leases import drain, settle

log = logging.getLogger(__name__)


def note(*, national_id: str, right_password: bool) -> None:
    """A sign-in was refused. `right_password`: all was right, but the account is closed. One INSERT."""
    FailedSignIn.objects.create(national_id=national_id, right_password=right_password, next_attempt_at=timezone.now())


def tell_due(*, seconds: float = 50) -> int:
    """Tell the owners; returns how many refusals were looked at. Any number of workers, killed at any moment."""
    return drain(
        FailedSignIn, _look, limit=limits.ACCOUNT_WORK_BATCH, lease_for=limits.ACCOUNT_WORK_LEASE, seconds=seconds
    )


def _look(refusals: Sequence[FailedSignIn]) -> None:
    for refusal in refusals:
        try:
            with transaction.atomic():
                _tell(refusal)
        except Exception as error:  # it is looked at again; the others go on. No text: it may be personal.
            log.error("refused sign-in %s could not be looked at: %s", refusal.pk, type(error).__name__)


def _tell(refusal: FailedSignIn) -> None:
    whose = User.objects.filter(national_id=refusal.national_id, activated_at__isnull=False)
    account = whose.select_for_update().first()
    if account is None:
        FailedSignIn.objects.filter(pk=refusal.pk, lease=refusal.lease).delete()
        return
    if not settle(refusal):
        return
    since = timezone.now() - limits.SIGN_IN_FORGET_AFTER
    if not account.is_active:
        if refusal.right_password:
            notices.record_once_a_day(account=account, kind=EventKind.CLOSED_SIGN_IN)
    elif _wrong_ones(refusal.national_id, since) >= limits.MANY_FAILURES:
        notices.record_once_a_day(account=account, kind=EventKind.MANY_FAILURES)


def _wrong_ones(national_id: str, since: datetime) -> int:
    return FailedSignIn.objects.filter(national_id=national_id, created_at__gt=since, right_password=False).count()
